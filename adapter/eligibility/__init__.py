"""From facts to verdicts: truth, windows, predicates, the trial's criteria, the screening of one patient. Pure."""
