"""From a face's position in every frame to expressions with onset, apex and offset."""
