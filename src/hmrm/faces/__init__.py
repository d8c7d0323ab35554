"""Faces: detection, tracking, the canonical crop, regions."""
