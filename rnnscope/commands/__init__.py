"""One module a command: its options, as a frozen dataclass, and the wiring of what it asks for."""
