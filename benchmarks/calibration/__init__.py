"""How far probabilities and class sets of the stored runs hold, against the bounds set for them."""
