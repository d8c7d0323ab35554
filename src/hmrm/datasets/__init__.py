"""Data sets: annotated clips and public flow maps."""
