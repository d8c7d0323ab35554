"""Facial action units: from FACS to motion."""
