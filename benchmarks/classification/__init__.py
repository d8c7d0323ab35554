"""Naming: clips drawn with one motion source, named by weights trained on the other."""
