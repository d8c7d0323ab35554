"""Bounded, seeded, deterministic fuzzing of every reader of the program: ``python -m fuzz``."""
