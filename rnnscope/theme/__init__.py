"""Colors and styles: palettes for a theme and a color depth, and segments of equal style merged."""
