"""The panels: Line-API widgets that draw a View or a history, and tell the screen what was chosen."""
