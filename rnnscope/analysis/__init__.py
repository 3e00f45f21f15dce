"""Answers about a network: pure functions from traces, or from a model, to small frozen results."""
