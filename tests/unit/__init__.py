"""Tests of single modules; the folder mirrors `adapter/`."""
