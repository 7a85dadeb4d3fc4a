"""The vocabulary of `criteria.yaml`: general questions to a patient's facts, each a frozen struct with one method."""
