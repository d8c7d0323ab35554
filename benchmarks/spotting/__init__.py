"""Spotting in drawn long videos: ours beside SOFTNet's recipe."""
