"""Frozen configurations of the networks and of their training, read from TOML presets.

A preset is a TOML file with the tables ``rt``, ``tt``, ``rt_train`` and ``tt_train``; a key left
out has the default below. ``paper`` follows the paper, ``lite`` is what trains and runs on a CPU;
every difference between the two is a named key, so that an ablation is a change of configuration.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

if sys.version_info >= (3, 11):
    pass
else:  # the standard library has it from 3.11
    pass

CON0 = (16, 32, 64)
LAYERS = tuple(f"relu{b}_{c + 1}" for b, n in enumerate((2, 2, 4, 4, 4), 1) for c in range(n))


def ranged(default: Any, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field whose value (or each value of a tuple) must lie in [low, high]."""
    return field(default=default, metadata={"range": (low, high)})


def one_of(default: str, choices: tuple[str, ...]) -> Any:
    """A dataclass field whose value must be one of ``choices``."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class RTConfig:
    """Rendering Transfer network (paper section III-A).

    ``size`` is the side in px that the U-Net works at; 0 means the picture's own. With
    ``palette_attention`` the output is a mixture of the palette's colours chosen for each pixel,
    with ``detail`` a learned share of the picture's own luminance that the mixture has lost is
    added, at least ``detail_least`` of it, with ``tone_match`` its mean tone is first brought
    towards the palette's.
    """

    size: int = ranged(0, 0, 4096)
    channels: tuple[int, ...] = ranged((32, 64, 128, 256, 256, 256, 256), 1, 4096)
    palette_dim: int = ranged(256, 1, 4096)
    palette_colours: int = ranged(20, 1, 256)
    palette_attention: bool = False
    key_dim: int = ranged(24, 1, 1024)
    detail: bool = False
    detail_least: float = ranged(0.0, 0.0, 1.0)
    tone_match: float = ranged(0.0, 0.0, 1.0)
    tone_fixed: float = ranged(0.0, 0.0, 1.0)
    tone_mean: float = ranged(0.0, 0.0, 1.0)
    zones: bool = False


@dataclass(frozen=True)
class TTConfig:
    """Topology Transfer network (paper section III-B).

    Two TTMs a resolution, from ``grid`` px on, one width each; ``trained_size`` is the finest
    that has been trained (0: all). ``content_size`` is the side of
    X_RT that the content features Con0 are taken from; ``content_scale`` divides them.

    Options that differ from the paper: ``norm`` ("adain" is the paper's formula, "styled" the
    StyleGAN2 block it cites), ``skips`` (X_RT and a finer VGG layer enter each resolution through
    a gate), ``residual`` (the output is added to X_RT through a learned gate),
    ``own_hue`` (what is added keeps the hue of X_RT), ``guided`` (planes are
    enlarged along X_RT's edges), ``displacement``
    (greatest warp of X_RT, in half frames; 0 switches it off), ``domains`` (names that the domain
    code may take; empty switches it off), ``use_rt`` (False: X_S itself in the place of X_RT, the
    ablation without RT-Net).

    A preset may give ``con0`` (16, 32 or 64 cells a side of Con0, the paper's Fig. 6) instead of
    changing ``grid``, ``widths``, ``content_size`` and ``content_pool`` together; see
    :func:`regrid`.
    """

    grid: int = ranged(32, 4, 128)
    widths: tuple[int, ...] = ranged((512, 512, 256, 128, 64), 1, 1024)
    trained_size: int = ranged(0, 0, 1024)
    content_size: int = ranged(512, 16, 1024)
    content_layer: str = one_of("relu4_1", LAYERS)
    content_pool: int = ranged(2, 1, 8)
    content_channels: int = ranged(512, 1, 1024)
    content_scale: float = ranged(8.0, 1e-3, 1e3)
    z_dim: int = ranged(512, 1, 4096)
    w_dim: int = ranged(512, 1, 4096)
    norm: str = one_of("styled", ("styled", "adain"))
    noise: bool = True
    skips: bool = False
    skip_layer: str = one_of("relu3_1", LAYERS)
    skip_channels: int = ranged(256, 1, 1024)
    residual: bool = False
    base: str = one_of("blur", ("blur", "flat"))
    blur_grid: int = ranged(32, 1, 256)
    own_hue: bool = False
    guided: bool = False
    displacement: float = ranged(0.0, 0.0, 1.0)
    domains: tuple[str, ...] = ()
    use_rt: bool = True

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
    """Stage I: losses of Eq. 4 and 5 and how they are optimised.

    ``affine``: each picture is turned, scaled and shifted by up to so much, see
    :func:`hasnet_models.training.augment.affine`.
    """

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
    affine: float = ranged(0.0, 0.0, 0.2)
    d_widths: tuple[int, ...] = ranged((64, 128, 256), 1, 1024)
    ema: float = ranged(0.999, 0.0, 1.0)
    seed: int = ranged(0, 0)


@dataclass(frozen=True)
class TTTrainConfig:
    """Stage II: losses of Eq. 7 to 11 and how they are optimised.

    ``sizes`` and ``size_images``: the output grows through ``sizes``; entry i of ``size_images`` is
    the number of images after which size i + 1 begins. ``pool`` entries of (source, reference)
    are kept with their X_RT and content features, ``pool_renew`` of them made anew each step; 0
    makes every entry when it is used, as a GPU always does. ``shares`` of the domains among the
    references; those not named share the rest by the square root of their size. ``photo_sources``
    is the share of sources from ``photo_domains``; the rest come from any other domain.
    ``*_every``: a lazy loss is taken every so many steps with its weight multiplied by as much.
    ``head_from``: a domain's head is the tensors of the resolutions from so many px up, 0 for
    all. ``domain``: train only the head of this domain; ``head_size``: at so many px, 0 for what
    the base was trained at. ``affine``: sources that meet another domain are turned, scaled and
    shifted by up to so much.
    ``plain_lr``: factor on ``lr`` for TT-Net's layers without StyleGAN's run-time gain, whose
    weights are small, so that the same rate would throw them about.
    ``feature_width``: channels of a second discriminator, which judges the VGG features that the
    contextual loss sees and in its turn, with the weight ``feature_adversarial``; 0 for none.
    ``tone``: weight of keeping the colour that X_RT gives the face; ``relight``: the pictures'
    faces are darkened at random before the discriminator sees them, see
    :func:`hasnet_models.training.augment.relight`.
    ``contextual_shrink``: the contextual loss sees pictures of so many times smaller a side;
    ``feature_cache_mb``: memory for the VGG features of its targets.
    """

    sizes: tuple[int, ...] = ranged((512,), 4, 1024)
    size_images: tuple[int, ...] = ranged((), 0)
    batch: int = ranged(4, 1, 4096)
    lr: float = ranged(2e-3, 0.0, 1.0)
    d_lr: float = ranged(2e-3, 0.0, 1.0)
    plain_lr: float = ranged(1.0, 0.0, 1.0)
    beta1: float = ranged(0.0, 0.0, 0.999)
    beta2: float = ranged(0.99, 0.0, 0.9999)
    adversarial: float = ranged(1.0, 0.0)
    identity: float = ranged(10.0, 0.0)
    reconstruction: float = ranged(100.0, 0.0)
    content: float = ranged(0.5, 0.0)
    style: float = ranged(1.0, 0.0)
    paired: float = ranged(0.0, 0.0)
    smoothness: float = ranged(0.0, 0.0)
    tone: float = ranged(0.0, 0.0)
    feature_width: int = ranged(0, 0, 1024)
    feature_adversarial: float = ranged(1.0, 0.0)
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
    relight: float = ranged(0.0, 0.0, 3.0)
    affine: float = ranged(0.0, 0.0, 0.2)
    d_widths: tuple[int, ...] = ranged((32, 64, 128, 256, 512, 512), 1, 1024)
    ema: float = ranged(0.998, 0.0, 1.0)
    head_from: int = ranged(0, 0, 1024)
    head_size: int = ranged(0, 0, 1024)
    domain: str = ""
    contextual_shrink: int = ranged(1, 1, 4)
    feature_cache_mb: int = ranged(4096, 0)
    seed: int = ranged(0, 0)


@dataclass(frozen=True)
class Preset:
    """Everything that a preset file says."""

    rt: RTConfig = RTConfig()
    tt: TTConfig = TTConfig()
    rt_train: RTTrainConfig = RTTrainConfig()
    tt_train: TTTrainConfig = field(default_factory=TTTrainConfig)


def layer_stride(layer: str) -> int:
    """Pixels of the picture that one cell of a VGG layer stands for, along a side."""
    return 2 ** (int(layer[4]) - 1)
