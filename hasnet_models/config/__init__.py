"""Frozen configurations of the networks and of their training, and the presets they come from."""
