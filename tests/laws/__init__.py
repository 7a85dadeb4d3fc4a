"""Laws that hold for every record: what must never change, and what may change only one way."""
