"""Replays of runs: their snapshots in order, computed on one passage, and the score of a unit at each."""
