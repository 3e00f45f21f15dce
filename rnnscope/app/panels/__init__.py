"""The panels: Line-API widgets that draw a Selection or a history, and tell the screen what was chosen."""
