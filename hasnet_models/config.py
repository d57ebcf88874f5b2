"""Frozen configurations of the networks and of their training, read from TOML presets.

A preset is a TOML file with the tables ``rt``, ``tt``, ``rt_train`` and ``tt_train``; a key left
out has the default below. ``paper`` follows the paper, ``lite`` is what trains and runs on a CPU;
every difference between the two is a named key, so that an ablation is a change of configuration.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from hasnet_models.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11
    import tomli as tomllib

PRESETS = ("lite", "paper")
RTM_COUNT = 7


def ranged(default: Any, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field whose value (or each value of a tuple) must lie in [low, high]."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True)
class RTConfig:
    """Rendering Transfer network (paper section III-A).

    ``size`` is the side in px that the U-Net works at; 0 means the picture's own. With
    ``palette_attention`` the output is a mixture of the palette's colours chosen for each pixel,
    with ``detail`` the share of the picture's own luminance that the mixture has lost is added, with
    ``tone_match`` its mean tone is first brought towards the palette's.
    """

    size: int = ranged(0, 0, 4096)
    channels: tuple[int, ...] = ranged((32, 64, 128, 256, 256, 256, 256), 1, 4096)
    palette_dim: int = ranged(256, 1, 4096)
    palette_colours: int = ranged(20, 1, 256)
    palette_attention: bool = False
    key_dim: int = ranged(24, 1, 1024)
    detail: bool = False
    tone_match: float = ranged(0.0, 0.0, 1.0)


@dataclass(frozen=True)
class TTConfig:
    """Topology Transfer network (paper section III-B).

    Two TTMs a resolution, from ``grid`` px on, one width each; ``trained_size`` is the finest
    that has been trained (0: all). ``content_size`` is the side of
    X_RT that the content features Con0 are taken from; ``content_scale`` divides them.

    Options that differ from the paper: ``norm`` ("adain" is the paper's formula, "styled" the
    StyleGAN2 block it cites), ``skips`` (X_RT and a finer VGG layer enter each resolution through
    a gate), ``residual`` (the output is added to X_RT through a learned gate), ``displacement``
    (greatest warp of X_RT, in half frames; 0 switches it off), ``domains`` (names that the domain
    code may take; empty switches it off).
    """

    grid: int = ranged(32, 4, 128)
    widths: tuple[int, ...] = ranged((512, 512, 256, 128, 64), 1, 1024)
    trained_size: int = ranged(0, 0, 1024)
    content_size: int = ranged(512, 16, 1024)
    content_layer: str = "relu4_1"
    content_pool: int = ranged(1, 1, 8)
    content_channels: int = ranged(512, 1, 1024)
    content_scale: float = ranged(8.0, 1e-3, 1e3)
    z_dim: int = ranged(512, 1, 4096)
    w_dim: int = ranged(512, 1, 4096)
    norm: str = "styled"
    noise: bool = True
    skips: bool = False
    skip_layer: str = "relu3_1"
    skip_channels: int = ranged(256, 1, 1024)
    residual: bool = False
    blur_grid: int = ranged(32, 1, 256)
    displacement: float = ranged(0.0, 0.0, 1.0)
    domains: tuple[str, ...] = ()

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides in px of the resolutions, coarse to fine."""
        return tuple(self.grid * 2**i for i in range(len(self.widths)))

    @property
    def finest(self) -> int:
        """Side in px of the finest resolution that runs unless another is asked for."""
        return self.trained_size or self.resolutions[-1]


@dataclass(frozen=True)
class RTTrainConfig:
    """Stage I: losses of Eq. 4 and 5 and how they are optimised."""

    size: int = ranged(256, 16, 1024)
    batch: int = ranged(4, 1, 4096)
    lr: float = ranged(1e-4, 0.0, 1.0)
    d_lr: float = ranged(1e-4, 0.0, 1.0)
    beta1: float = ranged(0.5, 0.0, 0.999)
    beta2: float = ranged(0.99, 0.0, 0.9999)
    huber: float = ranged(10.0, 0.0)
    adversarial: float = ranged(1.0, 0.0)
    cross_palette: float = ranged(0.0, 0.0, 1.0)
    colour_jitter: float = ranged(0.0, 0.0, 1.0)
    d_widths: tuple[int, ...] = ranged((64, 128, 256), 1, 1024)
    ema: float = ranged(0.999, 0.0, 1.0)
    seed: int = ranged(0, 0)


@dataclass(frozen=True)
class TTTrainConfig:
    """Stage II: losses of Eq. 7 to 11 and how they are optimised.

    ``sizes`` and ``size_images``: the output grows through ``sizes``; entry i of ``size_images`` is
    the number of images after which size i + 1 begins. ``pool`` entries of (source, reference)
    are kept with their X_RT and content features, ``pool_renew`` of them made anew each step; 0
    makes every entry when it is used. ``shares`` of the domains among the references; those not
    named share the rest by the square root of their size. ``photo_sources`` is the share of
    sources from ``photo_domains``; the rest come from any other domain. ``*_every``: a lazy loss
    is taken every so many steps with its weight multiplied by as much. ``head_from``: a domain's
    head is the tensors of the resolutions from so many px up, 0 for all.
    """

    sizes: tuple[int, ...] = ranged((512,), 4, 1024)
    size_images: tuple[int, ...] = ranged((), 0)
    batch: int = ranged(4, 1, 4096)
    lr: float = ranged(2e-3, 0.0, 1.0)
    d_lr: float = ranged(2e-3, 0.0, 1.0)
    beta1: float = ranged(0.0, 0.0, 0.999)
    beta2: float = ranged(0.99, 0.0, 0.9999)
    adversarial: float = ranged(1.0, 0.0)
    identity: float = ranged(10.0, 0.0)
    reconstruction: float = ranged(100.0, 0.0)
    content: float = ranged(0.5, 0.0)
    style: float = ranged(1.0, 0.0)
    paired: float = ranged(0.0, 0.0)
    smoothness: float = ranged(0.0, 0.0)
    r1: float = ranged(10.0, 0.0)
    r1_every: int = ranged(16, 1)
    contextual_every: int = ranged(1, 1)
    identity_every: int = ranged(1, 1)
    bandwidth: float = ranged(0.5, 1e-3, 10.0)
    same_image: float = ranged(0.12, 0.0, 1.0)
    pair_share: float = ranged(0.0, 0.0, 1.0)
    code_dropout: float = ranged(1 / 3, 0.0, 1.0)
    photo_sources: float = ranged(0.0, 0.0, 1.0)
    photo_domains: tuple[str, ...] = ("photo",)
    shares: dict[str, float] = field(default_factory=dict)
    warmup_images: int = ranged(0, 0)
    pool: int = ranged(0, 0)
    pool_renew: int = ranged(2, 1)
    translation: float = ranged(0.0, 0.0, 0.5)
    d_widths: tuple[int, ...] = ranged((32, 64, 128, 256, 512, 512), 1, 1024)
    ema: float = ranged(0.998, 0.0, 1.0)
    head_from: int = ranged(0, 0, 1024)
    seed: int = ranged(0, 0)


@dataclass(frozen=True)
class Preset:
    """Everything that a preset file says."""

    rt: RTConfig = RTConfig()
    tt: TTConfig = TTConfig()
    rt_train: RTTrainConfig = RTTrainConfig()
    tt_train: TTTrainConfig = field(default_factory=TTTrainConfig)


def load_preset(name: str, overrides: tuple[str, ...] = ()) -> Preset:
    """A preset by name or by the path of a TOML file.

    Args:
        name: "lite", "paper" or a path that ends in ``.toml``.
        overrides: strings such as ``tt_train.lr=1e-3``; the value is TOML.

    Raises:
        UsageError: no such preset, a key that does not exist or a value out of range; every fault
            is named in one message.
    """
    tables = _read_toml(name)
    problems: list[str] = []
    for text in overrides:
        _override(tables, text, problems)
    preset = preset_from_dict(tables, problems)
    if problems:
        raise UsageError("The configuration is not valid: " + "; ".join(problems) + ".")
    return preset


def preset_from_dict(tables: dict[str, Any], problems: list[str]) -> Preset:
    """A preset from nested dictionaries; faults are appended to ``problems``."""
    kinds = {f.name: type(getattr(Preset(), f.name)) for f in dataclasses.fields(Preset)}
    _unknown("table", tables, kinds, problems)
    made = {n: build(kinds[n], t, n, problems) for n, t in tables.items() if n in kinds}
    return Preset(**made)


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


def _read_toml(name: str) -> dict[str, Any]:
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"There is no configuration file {name}.")
        text = path.read_text(encoding="utf-8")
    elif name in PRESETS:
        text = (resources.files("hasnet_models") / "presets" / f"{name}.toml").read_text("utf-8")
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
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            problems.append(f"there is no {what} {key!r}{hint}")


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
