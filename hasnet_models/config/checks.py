"""Values of a preset that are each allowed, but not together."""

from __future__ import annotations

from collections.abc import Iterator

from hasnet_models.config.frozen import (
    EMBEDDED_LAST,
    EMBEDDED_VGG,
    VGG_LEAST,
    layer_channels,
    layer_names,
    layer_stride,
)
from hasnet_models.config.schema import BASES, Preset
from hasnet_models.palette import COLOURS


def contradictions(preset: Preset) -> list[str]:
    """One phrase for each contradiction."""
    networks = (_rendering, _attention, _topology, _residual, _layers)
    checks = (*networks, _growth, _discriminator, _sampling, _head)
    return [phrase for check in checks for phrase in check(preset)]


def _rendering(preset: Preset) -> Iterator[str]:
    rt, size = preset.rt, preset.rt_train.size
    if rt.palette_colours != COLOURS:
        yield f"rt.palette_colours must be {COLOURS}, as many as a palette has"
    halvings = len(rt.channels) - 1
    if min(rt.size or size, size) < 2**halvings:
        yield f"rt.channels halves the side {halvings} times, too often for {size} px"


def _attention(preset: Preset) -> Iterator[str]:
    rt = preset.rt
    for key in ("zones", "tone_fixed"):
        if getattr(rt, key) and not rt.palette_attention:
            yield f"rt.{key} needs rt.palette_attention"
    if preset.rt_train.zone and not rt.zones:
        yield "rt_train.zone needs rt.zones"
    if rt.tone_mean and not rt.tone_match:
        yield "rt.tone_mean needs rt.tone_match"


def _residual(preset: Preset) -> Iterator[str]:
    tt = preset.tt
    if tt.base != BASES[0] and not tt.residual:
        yield f"tt.base {tt.base} needs tt.residual"


def _topology(preset: Preset) -> Iterator[str]:
    tt = preset.tt
    cells = tt.content_size // layer_stride(tt.content_layer) // tt.content_pool
    if cells != tt.grid:
        yield (
            f"tt.grid is {tt.grid}, but {tt.content_layer} of {tt.content_size} px pooled by "
            f"{tt.content_pool} has {cells} cells (tt.con0 sets all of these together)"
        )
    if tt.trained_size not in (0, *tt.resolutions):
        yield f"tt.trained_size must be 0 or one of {_list(tt.resolutions)}"


def _layers(preset: Preset) -> Iterator[str]:
    tt = preset.tt
    for key in ("content", "skip"):
        layer, channels = getattr(tt, f"{key}_layer"), getattr(tt, f"{key}_channels")
        expected = layer_channels(layer)
        if layer not in layer_names(EMBEDDED_VGG, EMBEDDED_LAST):
            last = f"which ends with {EMBEDDED_LAST}"
            yield f"tt.{key}_layer {layer} is not in the embedded {EMBEDDED_VGG}, {last}"
        if channels != expected:
            yield f"tt.{key}_channels must be {expected}, as many as {layer} has"


def _growth(preset: Preset) -> Iterator[str]:
    c, sides = preset.tt_train, preset.tt.resolutions
    if not c.sizes or not set(c.sizes) <= set(sides):
        yield f"tt_train.sizes must be some of {_list(sides)}, not {_list(c.sizes)}"
    if any(b != 2 * a for a, b in zip(c.sizes, c.sizes[1:], strict=False)):
        yield "tt_train.sizes must double from one to the next"
    if (c.style or c.content) and c.sizes and c.sizes[0] < VGG_LEAST * c.contextual_shrink:
        yield f"the contextual losses need {VGG_LEAST * c.contextual_shrink} px at the first size"
    if len(c.size_images) != len(c.sizes) - 1 or list(c.size_images) != sorted(c.size_images):
        yield "tt_train.size_images must be one fewer than tt_train.sizes, rising"


def _discriminator(preset: Preset) -> Iterator[str]:
    c = preset.tt_train
    if len(c.d_widths) < len(c.sizes) or (c.sizes and 2 ** (len(c.d_widths) - 1) > c.sizes[-1]):
        yield f"tt_train.d_widths of {len(c.d_widths)} does not fit {_list(c.sizes)} px"
    if 2 ** len(preset.rt_train.d_widths) > preset.rt_train.size:
        yield f"rt_train.d_widths halves {preset.rt_train.size} px too often"


def _sampling(preset: Preset) -> Iterator[str]:
    c = preset.tt_train
    if c.same_image + c.pair_share > 1:
        yield "tt_train.same_image and tt_train.pair_share are together more than 1"
    if 0 < c.pool < c.batch:
        yield f"tt_train.pool must be 0 or at least tt_train.batch, which is {c.batch}"
    for key in ("shape_strength", "appearance_chroma", "appearance_pattern"):
        ends = getattr(c, key)
        if len(ends) != 2 or ends[0] > ends[1]:
            yield f"tt_train.{key} must be two numbers, rising"
    if sum(c.shares.values()) > 1 + 1e-6:
        yield "tt_train.shares are together more than 1"


def _head(preset: Preset) -> Iterator[str]:
    c, sides = preset.tt_train, preset.tt.resolutions
    if c.head_from not in (0, *sides):
        yield f"tt_train.head_from must be 0 or one of {_list(sides)}"
    if c.head_size not in (0, *c.sizes):
        yield f"tt_train.head_size must be 0 or one of {_list(c.sizes)}"


def _list(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
