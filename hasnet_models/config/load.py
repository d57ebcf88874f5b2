"""Presets: TOML files read into the frozen configurations, and written from them."""


from __future__ import annotations

import dataclasses
import difflib
import json
import sys
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from hasnet_models.config.checks import contradictions
from hasnet_models.config.schema import CON0, Preset, TTConfig, layer_stride
from hasnet_models.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11
    import tomli as tomllib

PRESETS = ("lite", "paper")
# names that `hasnet train --ablate` knows, and what each sets
ABLATIONS = {
    "no-rt": ("tt.use_rt=false",),
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
    _unknown("ablation", ablations, ABLATIONS, problems)
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
    _unknown("table", tables, kinds, problems)
    tables = {name: table for name, table in tables.items() if name in kinds}
    for name in [n for n, table in tables.items() if not isinstance(table, dict)]:
        problems.append(f"{name} must be a table")
        del tables[name]
    con0 = tables.get("tt", {}).get("con0")
    if con0 is not None:
        tables["tt"] = {k: v for k, v in tables["tt"].items() if k != "con0"}
    preset = Preset(**{n: build(kinds[n], t, n, problems) for n, t in tables.items()})
    if con0 is not None and con0 not in CON0:
        problems.append(f"tt.con0 must be one of {', '.join(map(str, CON0))}, not {con0!r}")
    elif con0 is not None:
        preset = dataclasses.replace(preset, tt=regrid(preset.tt, con0))
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


def build(kind: type, values: dict[str, Any], name: str, problems: list[str]) -> Any:
    """A frozen configuration of ``kind`` from a dictionary; faults are appended to ``problems``."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    hints = get_type_hints(kind)
    _unknown(f"{name} key", values, fields, problems)
    good = {}
    for key, value in values.items():
        if key in fields:
            fault, good[key] = _convert(value, hints[key], fields[key])
            if fault:
                problems.append(f"{name}.{key} {fault}")
                del good[key]
    return kind(**good)


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain dictionaries and lists, ready for JSON or TOML."""
    plain = dataclasses.asdict(config)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def to_toml(preset: Preset) -> str:
    """A preset as TOML text that :func:`load_preset` reads back."""
    lines = []
    for table in dataclasses.fields(preset):
        values = to_dict(getattr(preset, table.name))
        nested = {k: v for k, v in values.items() if isinstance(v, dict)}
        lines += ["", f"[{table.name}]"]
        lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if k not in nested]
        for key, inner in nested.items():
            lines += ["", f"[{table.name}.{key}]"] if inner else []
            lines += [f"{json.dumps(k)} = {json.dumps(v)}" for k, v in inner.items()]
    return "\n".join(lines[1:]) + "\n"


def defaults(table: str) -> dict[str, Any]:
    """The default of each key of a table; what a checkpoint older than a key was made with."""
    return to_dict(getattr(Preset(), table))


def _read_toml(name: str) -> dict[str, Any]:
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"There is no configuration file {name}.")
        text = path.read_text(encoding="utf-8")
    elif name in PRESETS:
        path = resources.files("hasnet_models") / "config" / "presets" / f"{name}.toml"
        text = path.read_text("utf-8")
    else:
        raise UsageError(f"There is no preset {name!r}.", f"Presets: {', '.join(PRESETS)}.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: {error}.") from error


def _override(tables: dict[str, Any], text: str, problems: list[str]) -> None:
    path, equals, value = text.partition("=")
    table, dot, key = path.strip().partition(".")
    if not equals or not dot:
        problems.append(f"{text!r} is not of the form table.key=value")
        return
    try:
        parsed = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    tables.setdefault(table, {})[key] = parsed


def _unknown(what: str, given: Any, known: Any, problems: list[str]) -> None:
    for key in given:
        if key not in known:
            problems.append(f"there is no {what} {key!r}{_near(key, known)}")


def _near(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _convert(value: Any, hint: Any, spec: dataclasses.Field) -> tuple[str, Any]:
    """(fault or "", value as the field's type)."""
    origin = getattr(hint, "__origin__", hint)
    if origin is tuple:
        value = tuple(value) if isinstance(value, (list, tuple)) else value
        kind = hint.__args__[0]
        if not isinstance(value, tuple) or not all(_is(kind, v) for v in value):
            return f"must be a list of {kind.__name__}", value
        numbers: tuple = value
    elif origin is dict:
        if not isinstance(value, dict) or not all(_is(float, v) for v in value.values()):
            return "must be a table of numbers", value
        numbers = tuple(value.values())
    else:
        if not _is(origin, value):
            return f"must be of type {origin.__name__}, not {value!r}", value
        value = float(value) if origin is float else value
        numbers = (value,)
    choices = spec.metadata.get("choices")
    if choices and value not in choices:
        return f"must be one of {', '.join(choices)}, not {value!r}{_near(value, choices)}", value
    low, high = spec.metadata.get("range", (None, None))
    if any((low is not None and v < low) or (high is not None and v > high) for v in numbers):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        return f"must be {bounds}, not {value!r}", value
    return "", value


def _is(kind: type, value: Any) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
