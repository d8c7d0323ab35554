"""Training of GRU-AOFE."""
