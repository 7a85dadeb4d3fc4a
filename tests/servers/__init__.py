"""The client alone against servers that others wrote."""
