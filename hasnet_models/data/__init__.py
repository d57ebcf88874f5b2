"""Folders and shards of faces: index, cache, importers."""
