"""Clips synthesized with one motion source, classified by weights trained on the other."""
