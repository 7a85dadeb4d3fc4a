"""The tests of trial-adapter."""
