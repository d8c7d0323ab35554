"""How well the shipped weights see action units in synthetic maps."""
