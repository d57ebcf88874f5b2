"""Presets: TOML files read into the frozen configurations, and written from them."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from hasnet_models.config.build import build, to_dict, unknown
from hasnet_models.config.checks import contradictions
from hasnet_models.config.frozen import layer_stride
from hasnet_models.config.keys import about
from hasnet_models.config.schema import CON0, Preset, TTConfig
from hasnet_models.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11
    import tomli as tomllib

PRESETS = ("lite", "paper")
# names that `hasnet train --ablate` knows, and what each sets
ABLATIONS = {
    "no-rt": ("tt.use_rt=false",),
    "no-zones": ("rt.zones=false", "rt_train.zone=0"),
    "no-shape": ("tt.shape=false",),
    "no-appearance": ("tt.appearance=false",),
    "only-ccx": ("tt_train.style=0",),
    "only-scx": ("tt_train.content=0",),
    "no-cx": ("tt_train.style=0", "tt_train.content=0"),
    "con0-16": ("tt.con0=16",),
    "con0-32": ("tt.con0=32",),
    "con0-64": ("tt.con0=64",),
    "skips": ("tt.skips=true",),
    "no-skips": ("tt.skips=false",),
}


def load_preset(name: str, overrides: Sequence[str] = (), ablations: Sequence[str] = ()) -> Preset:
    """A preset by name or by the path of a TOML file.

    Args:
        name: "lite", "paper" or a path that ends in ``.toml``.
        overrides: strings such as ``tt_train.lr=1e-3``; the value is TOML.
        ablations: names of ABLATIONS; ``overrides`` come after them.

    Raises:
        UsageError: no such preset, a key that does not exist, a value out of range, values that
            contradict each other; every fault is named in one message.
    """
    tables = _read_toml(name)
    problems: list[str] = []
    problems += unknown("ablation", ablations, ABLATIONS)
    named = [text for ablation in ablations for text in ABLATIONS.get(ablation, ())]
    for text in (*named, *overrides):
        _override(tables, text, problems)
    preset = preset_from_dict(tables, problems)
    if problems:
        raise UsageError("The configuration is not valid: " + "; ".join(problems) + ".")
    return preset


def preset_from_dict(tables: dict[str, Any], problems: list[str]) -> Preset:
    """A preset from nested dictionaries; faults are appended to ``problems``."""
    kinds = {f.name: type(getattr(Preset(), f.name)) for f in dataclasses.fields(Preset)}
    problems += unknown("table", tables, kinds)
    problems += [f"{n} must be a table" for n in kinds if not isinstance(tables.get(n, {}), dict)]
    given = {n: dict(tables[n]) for n in kinds if isinstance(tables.get(n), dict)}
    cells = given.get("tt", {}).pop("con0", None)
    preset = Preset(**{n: build(kinds[n], values, n, problems) for n, values in given.items()})
    if cells in CON0:
        preset = dataclasses.replace(preset, tt=regrid(preset.tt, int(cells)))
    elif cells is not None:
        problems.append(f"tt.con0 must be one of {', '.join(map(str, CON0))}, not {cells!r}")
    if not problems:
        problems += contradictions(preset)
    return preset


def regrid(tt: TTConfig, cells: int) -> TTConfig:
    """The same network with a Con0 of ``cells`` x ``cells``.

    Each resolution keeps its width and the finest stays; Con0 is pooled more, or, where X_RT was
    too small for so many cells, taken from a larger X_RT.
    """
    widths = {side: width for side, width in zip(tt.resolutions, tt.widths, strict=True)}
    sides = [side for side in (16, 32, 64, 128, 256, 512, 1024) if cells <= side]
    kept = [s for s in sides if s <= tt.resolutions[-1]] or [cells]
    stride = layer_stride(tt.content_layer)
    size = max(tt.content_size, cells * stride)
    return dataclasses.replace(
        tt,
        grid=cells,
        widths=tuple(widths.get(side, tt.widths[0]) for side in kept),
        content_size=size,
        content_pool=size // stride // cells,
    )


def to_toml(preset: Preset) -> str:
    """A preset as TOML text that :func:`load_preset` reads back, the words beside each key."""
    lines = []
    for table in dataclasses.fields(preset):
        config = getattr(preset, table.name)
        values, words = to_dict(config), about(type(config))
        nested = {k: v for k, v in values.items() if isinstance(v, dict)}
        lines += ["", f"[{table.name}]"]
        flat = {k: v for k, v in values.items() if k not in nested}
        lines += [f"{k} = {_toml(v)}  # {words[k]}" for k, v in flat.items()]
        for key, inner in nested.items():
            lines += ["", f"[{table.name}.{key}]  # {words[key]}"]
            lines += [f"{_toml(k)} = {_toml(v)}" for k, v in inner.items()]
    return "\n".join(lines[1:]) + "\n"


def _toml(value: Any) -> str:
    """Texts, numbers and lists are written alike in JSON and TOML, but for surrogate escapes."""
    return json.dumps(value, ensure_ascii=False)


def defaults(table: str) -> dict[str, Any]:
    """The default of each key of a table; what a checkpoint older than a key was made with."""
    return to_dict(getattr(Preset(), table))


def _read_toml(name: str) -> dict[str, Any]:
    if name.endswith(".toml"):
        path: Any = Path(name)
        if not path.is_file():
            raise UsageError(f"There is no configuration file {name}.")
    elif name in PRESETS:
        path = resources.files("hasnet_models") / "config" / "presets" / f"{name}.toml"
    else:
        raise UsageError(f"There is no preset {name!r}.", f"Presets: {', '.join(PRESETS)}.")
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: it is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: {error}.") from error


def _override(tables: dict[str, Any], text: str, problems: list[str]) -> None:
    """Set the value that ``text``, "table.key=value" or "table.key.name=value", names."""
    path, equals, value = text.partition("=")
    *parents, key = (part.strip() for part in path.split("."))
    if not equals or not parents:
        problems.append(f"{text!r} is not of the form table.key=value")
        return
    inner = tables
    for depth, name in enumerate(parents, 1):
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            problems.append(f"{text!r} needs a table {'.'.join(parents[:depth])}, not {inner!r}")
            return
    inner[key] = _parsed(value)


def _parsed(value: str) -> Any:
    """The value as TOML; what is not TOML is a text."""
    try:
        return tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return value.strip()
