"""What size and 8-bit storage of flow maps cost; see ``__main__.py``."""
