"""Colored text as HTML, SVG, JSON, CSV and NPZ."""
