"""Texts to train on: generated (archive), collected (python) or downloaded (shakespeare)."""
