"""Onset and offset of rendered expressions at 200 frames a second, against the truth."""
