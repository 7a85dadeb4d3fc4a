"""HAPI's validator over what is written: the whole specification, with its invariants, terminology and profiles."""
