"""Frozen configurations of the networks and of their training, read from TOML presets.

A preset is a TOML file with the tables ``rt``, ``tt``, ``rt_train`` and ``tt_train``; a key left
out has the default below. ``paper`` follows the paper, ``lite`` is what trains and runs on a CPU;
every difference between the two is a named key, so that an ablation is a change of configuration.
Each key has its words beside it: `key(default, words, low, high)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hasnet_models.config.frozen import layer_names
from hasnet_models.config.keys import key
from hasnet_models.palette import COLOURS

CON0 = (16, 32, 64)
LAYERS = layer_names("vgg19")
NORMS = ("styled", "adain")
BASES = ("blur", "flat")
# keys that change no tensor: weights trained under one value of them go on under another
FREE = {
    "rt": ("size", "detail", "detail_least", "tone_match", "tone_fixed", "tone_mean"),
    "tt": (
        *("trained_size", "base", "blur_grid", "own_hue", "guided", "displacement"),
        *("shape", "appearance", "use_rt"),
    ),
}


@dataclass(frozen=True)
class RTConfig:
    """Rendering Transfer network (paper section III-A)."""

    size: int = key(0, "side in px that the U-Net works at; 0: the picture's own", 0, 4096)
    channels: tuple[int, ...] = key(
        (32, 64, 128, 256, 256, 256, 256), "channels of each scale, fine to coarse", 1, 4096
    )
    palette_dim: int = key(256, "length of the palette code z_C", 1, 4096)
    palette_colours: int = key(COLOURS, "colours of a palette", 1, 256)
    palette_attention: bool = key(
        False, "each pixel is a mixture of the palette's colours; else RGB by one convolution"
    )
    key_dim: int = key(24, "length of a colour's key in the palette attention", 1, 1024)
    detail: bool = key(
        False, "with attention: a learned share of the luminance that the mixture lost is added"
    )
    detail_least: float = key(0.0, "the least of that share", 0.0, 1.0)
    tone_match: float = key(
        0.0, "with attention: how far the picture's mean tone first goes to the palette's", 0.0, 1.0
    )
    tone_fixed: float = key(
        0.0, "with attention: how far the tone curve's ends are the same for all pictures", 0.0, 1.0
    )
    tone_mean: float = key(
        0.0, "with tone_match: mean tone taken for every picture's, 0..1; 0: each its own", 0.0, 1.0
    )
    zones: bool = key(
        False, "with attention: it knows the face's zones and where the reference has its colours"
    )


@dataclass(frozen=True)
class TTConfig:
    """Topology Transfer network (paper section III-B).

    A preset may give ``con0`` (16, 32 or 64 cells a side of Con0, the paper's Fig. 6) instead of
    changing ``grid``, ``widths``, ``content_size`` and ``content_pool`` together; see
    :func:`hasnet_models.config.load.regrid`.
    """

    grid: int = key(32, "cells a side of Con0, the side in px of the coarsest resolution", 4, 128)
    widths: tuple[int, ...] = key(
        (512, 512, 256, 128, 64), "channels of each resolution, coarse to fine; two TTMs each",
        1, 1024,
    )  # fmt: skip
    trained_size: int = key(0, "finest resolution that has been trained, in px; 0: all", 0, 1024)
    content_size: int = key(512, "side in px of X_RT that Con0 is taken from", 16, 1024)
    content_layer: str = key("relu4_1", "VGG layer of Con0", choices=LAYERS)
    content_pool: int = key(2, "cells of that layer, along a side, averaged into one", 1, 8)
    content_channels: int = key(512, "channels of that layer", 1, 1024)
    content_scale: float = key(8.0, "what VGG's features are divided by", 1e-3, 1e3)
    z_dim: int = key(512, "numbers of a z_id", 1, 4096)
    w_dim: int = key(512, "numbers of the style w that the mapping makes of z_id", 1, 4096)
    norm: str = key(
        "styled", "TTM: \"adain\" is Eq. 6 as written, \"styled\" the StyleGAN2 block it cites",
        choices=NORMS,
    )  # fmt: skip
    noise: bool = key(True, "each TTM adds noise as StyleGAN does, outside training a fixed one")
    skips: bool = key(False, "X_RT and a finer VGG layer enter the resolutions through a gate")
    skip_layer: str = key("relu3_1", "that finer layer", choices=LAYERS)
    skip_channels: int = key(256, "channels of that layer", 1, 1024)
    residual: bool = key(False, "the output is added to X_RT through a learned gate")
    base: str = key(
        "blur", "X_RT where that gate is open: blurred, or flat between its edges", choices=BASES
    )
    blur_grid: int = key(32, "cells a side of the blurred X_RT", 1, 256)
    own_hue: bool = key(False, "with residual: what is added keeps the hue of X_RT")
    guided: bool = key(False, "the output planes are enlarged along X_RT's edges")
    displacement: float = key(
        0.0, "greatest warp of X_RT that is learned, in half frames; 0: none", 0.0, 1.0
    )
    shape: bool = key(False, "X_RT is first warped to the shape of the domain and the reference")
    appearance: bool = key(False, "the reference's face is laid over X_RT where its colours lie")
    domains: tuple[str, ...] = key((), "names that the domain code may take; none: no code")
    use_rt: bool = key(True, "false: X_S itself in the place of X_RT, the ablation without RT-Net")

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

    size: int = key(256, "side of the pictures in px", 16, 1024)
    batch: int = key(4, "pictures a step and process", 1, 4096)
    lr: float = key(1e-4, "RT-Net's learning rate (Adam)", 0.0, 1.0)
    d_lr: float = key(1e-4, "the discriminator's learning rate", 0.0, 1.0)
    beta1: float = key(0.5, "Adam's memory of the gradient", 0.0, 0.999)
    beta2: float = key(0.99, "Adam's memory of its square", 0.0, 0.9999)
    huber: float = key(10.0, "weight of Eq. 4", 0.0)
    adversarial: float = key(1.0, "weight of L_adv in Eq. 5", 0.0)
    cross_palette: float = key(
        0.0, "share of pictures under another one's palette, which Eq. 4 passes over", 0.0, 1.0
    )
    colour_jitter: float = key(
        0.0, "twice the share of pictures whose colours are moved, the palette too", 0.0, 1.0
    )
    affine: float = key(
        0.0, "pictures are turned (rad), scaled and shifted by up to so much", 0.0, 0.2
    )
    zone: float = key(0.0, "weight of each zone's colours under another one's palette", 0.0)
    d_widths: tuple[int, ...] = key((64, 128, 256), "the discriminator's channels", 1, 1024)
    ema: float = key(0.999, "memory of the averaged weights, from step to step", 0.0, 1.0)
    seed: int = key(0, "all that is drawn follows from it", 0)


@dataclass(frozen=True)
class TTTrainConfig:
    """Stage II: losses of Eq. 7 to 11 and how they are optimised.

    A lazy loss, every so many steps, has so many times its weight.
    """

    sizes: tuple[int, ...] = key((512,), "sides in px that the output grows through", 4, 1024)
    size_images: tuple[int, ...] = key((), "pictures seen when each further size begins", 0)
    batch: int = key(4, "entries (source, reference) a step and process", 1, 4096)
    lr: float = key(2e-3, "TT-Net's learning rate (Adam)", 0.0, 1.0)
    d_lr: float = key(2e-3, "the discriminators' learning rate", 0.0, 1.0)
    plain_lr: float = key(
        1.0, "factor on both for layers without StyleGAN's run-time gain: small weights", 0.0, 1.0
    )
    beta1: float = key(0.0, "Adam's memory of the gradient", 0.0, 0.999)
    beta2: float = key(0.99, "Adam's memory of its square", 0.0, 0.9999)
    adversarial: float = key(1.0, "weight of L_adv", 0.0)
    identity: float = key(10.0, "weight of L_id, Eq. 8", 0.0)
    reconstruction: float = key(100.0, "weight of L_rec, Eq. 7", 0.0)
    content: float = key(0.5, "weight of L_CCX, Eq. 10", 0.0)
    style: float = key(1.0, "weight of L_SCX, Eq. 9", 0.0)
    paired: float = key(0.0, "weight of L1 to the same person's picture in the domain", 0.0)
    smoothness: float = key(0.0, "weight of the warp's smoothness", 0.0)
    tone: float = key(0.0, "weight of keeping the colour that X_RT gives the face", 0.0)
    feature_width: int = key(
        0, "channels of a second discriminator, which judges the VGG features; 0: none", 0, 1024
    )
    feature_adversarial: float = key(1.0, "weight of its loss", 0.0)
    r1: float = key(10.0, "weight of the discriminator's R1 penalty", 0.0)
    r1_every: int = key(16, "steps from one R1 penalty to the next", 1)
    contextual_every: int = key(1, "steps from one pair of contextual losses to the next", 1)
    identity_every: int = key(1, "steps from one L_id to the next", 1)
    bandwidth: float = key(0.5, "bandwidth h of the contextual similarity", 1e-3, 10.0)
    same_image: float = key(
        0.12, "share of entries with one picture as source and reference, for Eq. 7", 0.0, 1.0
    )
    pair_share: float = key(0.0, "share of entries of one person in two domains", 0.0, 1.0)
    code_dropout: float = key(1 / 3, "share of entries that go without a domain code", 0.0, 1.0)
    photo_sources: float = key(
        0.0, "share of sources from photo_domains; the rest is of any other domain", 0.0, 1.0
    )
    photo_domains: tuple[str, ...] = key(("photo",), "the domains that are photographs")
    shares: Mapping[str, float] = key(
        {}, "shares of domains among references; the others share the rest by root of size",
        0.0, 1.0,
    )  # fmt: skip
    warmup_images: int = key(0, "so many pictures at first only teach TT-Net to copy X_RT", 0)
    pool: int = key(
        0, "entries kept with X_RT and its features; 0, and on a GPU: each is made when used", 0
    )
    pool_renew: int = key(2, "of these made anew each step", 1)
    translation: float = key(
        0.0, "the discriminator sees pictures shifted by up to so much of the side", 0.0, 0.5
    )
    relight: float = key(
        0.0, "the discriminator sees faces darkened by up to exp(-relight)", 0.0, 3.0
    )
    affine: float = key(
        0.0, "sources that meet another domain are turned (rad), scaled, shifted", 0.0, 0.2
    )
    shape_strength: tuple[float, ...] = key(
        (0.72, 1.13), "with tt.shape: drawn between these, times the domain's default", 0.0, 2.0
    )
    own_shape: float = key(
        0.5, "with tt.shape: share of entries that mix in the reference's own shape", 0.0, 1.0
    )
    appearance_chroma: tuple[float, ...] = key(
        (0.5, 0.95), "with tt.appearance: how far the chroma goes, drawn between these", 0.0, 1.0
    )
    appearance_pattern: tuple[float, ...] = key(
        (0.3, 0.75), "with tt.appearance: how much of the lightness's pattern is laid", 0.0, 1.0
    )
    person: bool = key(False, "less is added to the ground behind a person, as in an avatar")
    d_widths: tuple[int, ...] = key(
        (32, 64, 128, 256, 512, 512), "the discriminator's channels, fine to coarse", 1, 1024
    )
    ema: float = key(0.998, "memory of the averaged weights, from step to step", 0.0, 1.0)
    head_from: int = key(
        0, "a domain's head is the resolutions from so many px up; 0: everything", 0, 1024
    )
    head_size: int = key(0, "px that a head is trained at; 0: as the base was", 0, 1024)
    domain: str = key("", "the domain whose head is trained; set by the training's own domain")
    contextual_shrink: int = key(
        1, "the contextual losses see pictures of so many times smaller a side", 1, 4
    )
    feature_cache_mb: int = key(4096, "MiB for the VGG features of the losses' targets", 0)
    seed: int = key(0, "all that is drawn follows from it", 0)


@dataclass(frozen=True)
class Preset:
    """Everything that a preset file says."""

    rt: RTConfig = RTConfig()
    tt: TTConfig = TTConfig()
    rt_train: RTTrainConfig = RTTrainConfig()
    tt_train: TTTrainConfig = field(default_factory=TTTrainConfig)
