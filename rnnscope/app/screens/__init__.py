"""The screens: which panels stand where, and what the keys do."""
