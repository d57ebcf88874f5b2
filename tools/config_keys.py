"""Write the tables of all configuration keys into docs/training.md, between its two marks.

    python tools/config_keys.py

The words and the values come from hasnet_models/config/schema.py and the presets.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hasnet_models.config.keys import about
from hasnet_models.config.load import PRESETS, load_preset
from hasnet_models.config.schema import Preset

DOCUMENT = Path(__file__).parents[1] / "docs" / "training.md"
BEGIN, END = "<!-- tools/config_keys.py writes from here -->", "<!-- to here -->"
TITLES = {
    "rt": "RT-Net",
    "tt": "TT-Net",
    "rt_train": "training of stage I",
    "tt_train": "training of stage II",
}


def tables() -> str:
    """One Markdown table for each table of a preset."""
    presets = {name: load_preset(name) for name in sorted(PRESETS, reverse=True)}
    parts = []
    for field in dataclasses.fields(Preset):
        configs = [getattr(preset, field.name) for preset in presets.values()]
        parts += ["", f"| `{field.name}`: {TITLES[field.name]} | {' | '.join(presets)} | |"]
        parts += ["|---" * (len(presets) + 2) + "|"]
        for key, words in about(type(configs[0])).items():
            values = [written(getattr(config, key)) for config in configs]
            parts.append(f"| `{key}` | {' | '.join(values)} | {words} |")
    return "\n".join(parts) + "\n"


def written(value: Any) -> str:
    """A value as the table shows it: short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name} {share}" for name, share in value.items()) or "none"
    if isinstance(value, tuple):
        listed = ", ".join(map(str, value)) or "none"
        return listed if len(value) < 8 else f"{len(value)} names"
    return f"{value:.6g}" if isinstance(value, float) else str(value) or "none"


def refreshed(text: str) -> str:
    """The document with the tables between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    DOCUMENT.write_text(refreshed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
