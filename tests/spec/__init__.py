"""What each criterion means, as tables: what the record says, and what is then expected."""
