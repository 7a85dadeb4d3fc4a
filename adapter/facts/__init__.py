"""What the record says: one resource in, zero or more facts out. Pure; knows the mappings, no criterion."""
