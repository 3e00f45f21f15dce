"""What surrounds the panels: header, footer, messages and the prompt."""
