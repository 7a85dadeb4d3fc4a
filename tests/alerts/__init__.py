"""Cards in the EHR, notifications, digests."""
