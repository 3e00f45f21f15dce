"""Panels: one file each, with its drawing, its actions and its queries."""
