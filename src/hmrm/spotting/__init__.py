"""From a face's motion to movements with onset, apex and offset."""
