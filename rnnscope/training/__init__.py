"""Training: options in, a stream of events out. Importing the package does not import torch."""
