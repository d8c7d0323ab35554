"""Transfer between motion sources: trained on one, tested on maps synthesized with the other."""
