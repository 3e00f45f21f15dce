"""The terminal application: it reads events and traces, and never imports torch."""
