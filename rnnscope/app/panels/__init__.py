"""Panels: one file each, with what it draws, its actions and its queries."""
