"""Measures avatars as the paper does, and against everything else that makes such pictures."""
