"""What an engine costs next to the local pool, and how large one task is."""
