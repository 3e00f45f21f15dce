"""Texts to train on that rnnscope makes or fetches: archive, python, shakespeare."""
