"""Datasets of faces into a folder to train on: one module a dataset, the rest is common."""
