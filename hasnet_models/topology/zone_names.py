"""What the zones of a face picture are called, in their order; without numpy."""

from __future__ import annotations

ZONES = ("skin", "lips", "eyes", "hair", "below", "rest")
