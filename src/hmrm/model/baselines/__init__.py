"""Baselines from the literature, one file each, written from their papers.

`hmrm.training.registry` names them and adds the recipes; importing this package imports none.
"""
