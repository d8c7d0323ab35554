"""Spotting scored on filmed, annotated people; the videos are the user's own."""
