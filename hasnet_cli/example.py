"""The picture that stands in where a user has none yet."""

from __future__ import annotations

from importlib import resources


def example_portrait() -> str:
    """The path of the portrait that comes with hasnet."""
    return str(resources.files("hasnet_models.authoring").joinpath("portrait.jpg"))
