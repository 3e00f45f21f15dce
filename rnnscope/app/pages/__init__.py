"""Pages of text to read over a screen: help and message log."""
