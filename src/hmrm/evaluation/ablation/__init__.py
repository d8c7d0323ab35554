"""Ablations: one resumable run per change, and the table over them."""
