"""Scheduled sync against a FHIR server: cohort, records, facts, screenings, and what is written back."""
