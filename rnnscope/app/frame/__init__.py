"""The widgets around the panels: header, footer, messages and the prompt."""
