"""Results as lines that the screens, the command line and HTML share: one module per kind of result."""
