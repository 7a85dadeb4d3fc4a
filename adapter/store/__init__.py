"""What must outlive a run: facts with the time in which they were known, coverage, screenings, cursors, the outbox."""
