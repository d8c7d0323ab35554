"""Action units as weights predict them, and their score against annotations."""
