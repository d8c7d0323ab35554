"""Transfer between motion sources: trained on one, tested on maps drawn with the other."""
