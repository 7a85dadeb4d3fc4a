"""The benchmark: seeded data, peers that read the same files, and one table of ratios (`make bench`)."""
