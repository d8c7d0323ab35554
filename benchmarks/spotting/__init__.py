"""Spotting in synthetic long videos: ours against SOFTNet's recipe."""
