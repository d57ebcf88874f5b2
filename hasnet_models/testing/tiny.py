"""The configuration of networks so small that they are made and run in a moment."""

from __future__ import annotations

from hasnet_models.config.load import preset_from_dict
from hasnet_models.config.schema import Preset

TABLES = {
    "rt": {
        "size": 16,
        "channels": [4, 4, 4, 4],
        "palette_dim": 8,
        "palette_attention": True,
        "detail": True,
        "detail_least": 0.5,
        "tone_match": 0.7,
        "zones": True,
    },
    "tt": {
        "grid": 4,
        "widths": [8, 8, 8],
        "content_size": 32,
        "content_pool": 1,
        "z_dim": 192,
        "w_dim": 8,
        "noise": False,
        "skips": True,
        "residual": True,
        "own_hue": True,
        "guided": True,
        "blur_grid": 4,
        "displacement": 0.2,
        "shape": True,
        "appearance": True,
        "domains": ["photo", "red", "blue"],
    },
    "rt_train": {"size": 32, "batch": 4, "cross_palette": 0.5, "colour_jitter": 1.0, "zone": 5.0},
    "tt_train": {
        "sizes": [8, 16],
        "size_images": [8],
        "batch": 4,
        "d_widths": [4, 4, 4],
        "paired": 10.0,
        "smoothness": 1.0,
        "tone": 1.0,
        "relight": 0.5,
        "feature_width": 4,
        "pair_share": 0.25,
        "photo_sources": 0.8,
        "photo_domains": ["photo"],
        "identity_every": 2,
        "r1_every": 2,
        "pool": 24,
        "translation": 0.125,
    },
}


def preset(**tables: dict) -> Preset:
    """The tiny preset, with keys of its tables replaced.

    Raises:
        ValueError: a key is unknown, or a value does not fit the others.
    """
    merged = {name: {**table, **tables.get(name, {})} for name, table in TABLES.items()}
    problems: list[str] = []
    made = preset_from_dict(merged, problems)
    if problems:
        raise ValueError("; ".join(problems))
    return made
