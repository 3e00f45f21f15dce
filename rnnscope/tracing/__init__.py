"""Recording the activations of every unit of a network along a text."""
