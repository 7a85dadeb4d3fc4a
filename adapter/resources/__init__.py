"""From an approved assignment, a screening or a trial folder to FHIR R4: pure functions, one resource each."""
