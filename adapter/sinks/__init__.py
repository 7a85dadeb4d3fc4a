"""Where resources go: a folder; standard output."""
