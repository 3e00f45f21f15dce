"""Full-screen pages: help and message log."""
