"""Recording what every unit of a network did along a text."""
