"""Broken input, by the hundred thousand."""
