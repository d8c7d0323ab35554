"""Spotted intervals against annotated ones: file forms and the field's rule."""
