"""What the program says by itself: cards in the EHR, answers to notifications, digests by mail."""
