"""Weak faces, small or blurred in their photo, made better before they are drawn."""
