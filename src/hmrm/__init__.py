"""Find facial micro-expressions in video, name them, and say how sure."""
