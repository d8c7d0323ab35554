"""Annotation tables: cells, columns, rows, labels and corrections, as records."""
