"""What the choice of flow is worth to recognition, on rendered clips with exactly known motion."""
