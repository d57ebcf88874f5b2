"""Smoothing that keeps edges, few lightnesses, even light: what a drawn picture leaves out.

Tomasi and Manduchi, "Bilateral filtering for gray and color images" (ICCV 1998), repeated, and a
soft quantisation of lightness, after Winnemoeller, Olsen and Gooch, "Real-time video abstraction"
(SIGGRAPH 2006). What is smoothed small is brought to full size by the local linear model of He
and Sun, "Fast guided filter" (2015), so that edges stay as sharp as the picture's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hasnet_models.medium.scale import UNIT, Field, blur, luma, resize, smoothstep, spread
from hasnet_models.opencv import cv2

GUIDE = 128
SIDE = 320  # bilateral filters cost the square of their width: theirs is taken smaller
_GUIDE_FLOOR = 1e-4
_DARKEST = 0.06


@dataclass(frozen=True, eq=False)
class Linear:
    """A smoothed picture as a map of the picture itself: `gain` times it plus `shift`.

    Attributes:
        gain: float32 (H, W, 3), near 1 on edges, near 0 where all is smoothed away.
        shift: float32 (H, W, 3).
    """

    gain: Field
    shift: Field

    def of(self, rgb: Field) -> Field:
        """The smoothed picture, float32 (H, W, 3), where both have its size."""
        return rgb * self.gain + self.shift


def bilateral(rgb: Field, width: float, tolerance: float, rounds: int) -> Field:
    """Repeated bilateral filter.

    Args:
        rgb: float32 (H, W, 3), 0..1.
        width: deviation in space, px.
        tolerance: deviation in colour: smaller differences are smoothed away.
        rounds: how often.
    """
    diameter = 2 * max(1, round(0.65 * width)) + 1
    for _ in range(rounds):
        rgb = cv2.bilateralFilter(rgb, diameter, tolerance, width)
    return rgb


def flattened(rgb: Field, side: float, width: float, tolerance: float, rounds: int) -> Linear:
    """`bilateral`, computed at a side of SIDE px at most; `width` in px of that side's 512.

    Args:
        rgb: float32 (H, W, 3), 0..1.
        side: of the face's frame, px.
        width, tolerance, rounds: of `bilateral`; the width in 1/512 of the side.
    """
    scale = min(1.0, SIDE / side)
    shape = tuple(max(1, round(length * scale)) for length in rgb.shape[:2])
    small = resize(rgb, shape)
    smooth = bilateral(small, width * side * scale / UNIT, tolerance, rounds)
    if scale == 1.0:
        return Linear(np.zeros_like(small), smooth)
    linear = _linear(small, smooth, 2.0 * side * scale / UNIT)
    return Linear(*(resize(part, rgb.shape[:2]) for part in (linear.gain, linear.shift)))


def _linear(source: Field, target: Field, radius: float) -> Linear:
    """The linear map from `source` to `target` around each pixel."""
    mean_s, mean_t = blur(source, radius), blur(target, radius)
    variance = blur(source * source, radius) - mean_s * mean_s
    covariance = blur(source * target, radius) - mean_s * mean_t
    gain = np.clip(covariance / (np.maximum(variance, 0) + np.float32(_GUIDE_FLOOR)), 0, 1)
    shift = mean_t - gain * mean_s
    return Linear(blur(gain, radius), blur(shift, radius))


def quantised(gray: Field, bins: float, flank: Field) -> Field:
    """Lightness drawn to `bins` steps.

    Args:
        gray: float32 (H, W), 0..1.
        bins: how many steps.
        flank: float32 (H, W), from 1 (no steps) up (steep ones).
    """
    nearest = (np.floor(gray * np.float32(bins)) + np.float32(0.5)) / np.float32(bins)
    inside = (gray - nearest) * np.float32(2 * bins)
    return nearest + np.sign(inside) * np.abs(inside) ** flank * np.float32(0.5 / bins)


def flanks(gray: Field, side: float, steepest: float) -> Field:
    """How steep steps of lightness are drawn: soft where the light itself falls softly.

    Winnemoeller, Olsen and Gooch (2006) do so; steep steps in a soft sky are contour lines.

    Args:
        gray: float32 (H, W), 0..1.
        side: px.
        steepest: where lightness changes by 1 % per 1/512 of the side or more.

    Returns:
        float32 (H, W), 1..steepest.
    """
    scale = side / UNIT / 8
    gx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=scale, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=scale, borderType=cv2.BORDER_REPLICATE)
    slope = blur(np.sqrt(gx * gx + gy * gy), 3.0 * side / UNIT)
    return 1 + np.float32(steepest - 1) * smoothstep(slope, 0.001, 0.01)


def even(gray: Field, side: float, width: float, level: float) -> Field:
    """What to add to make the broad light even: its level minus the broad part.

    Args:
        gray: float32 (H, W), 0..1.
        side: px.
        width: what counts as broad, in 1/512 of the side; edges of that part are kept.
        level: the lightness to come to.
    """
    return np.float32(level) - guided(gray, gray, side, width, 0.02)


def guided(gray: Field, field: Field, side: float, width: float, floor: float = 0.003) -> Field:
    """Guided filter: a field smoothed, or enlarged, along the edges of a picture.

    He, Sun and Tang, "Guided image filtering" (ECCV 2010); the statistics are taken at `GUIDE` px.

    Args:
        gray: the picture's luma, float32 (H, W), 0..1.
        field: float32 (h, w), of the same extent.
        side: px of the picture.
        width: deviation of the window, in 1/512 of the side.
        floor: variance of luma that counts as an edge.

    Returns:
        float32 (H, W).
    """
    scale = min(1.0, GUIDE / side)
    shape = tuple(max(1, round(length * scale)) for length in gray.shape)
    guide, values = resize(gray, shape), resize(field, shape)
    sigma = width * side * scale / UNIT
    mean_g, mean_v = blur(guide, sigma), blur(values, sigma)
    variance = np.maximum(blur(guide * guide, sigma) - mean_g * mean_g, 0)
    gain = (blur(guide * values, sigma) - mean_g * mean_v) / (variance + np.float32(floor))
    shift = blur(mean_v - gain * mean_g, sigma)
    height, width_px = gray.shape
    gain, shift = (
        cv2.resize(part, (width_px, height), interpolation=cv2.INTER_LINEAR)
        for part in (blur(gain, sigma), shift)
    )
    return gain * gray + shift


def chroma(rgb: Field, factor: float) -> Field:
    """Scale the distance from gray; float32 (H, W, 3)."""
    return cv2.addWeighted(rgb, factor, spread(luma(rgb)), 1 - factor, 0)


def relit(rgb: Field, light: Field) -> Field:
    """Add to the lightness and keep the colour's strength with it, as another light would.

    Args:
        rgb: float32 (H, W, 3).
        light: what to add to the luma, float32 (H, W).
    """
    gray = luma(rgb)
    ratio = np.clip((gray + light) / np.maximum(gray, np.float32(_DARKEST)), 0, 5)
    return rgb * spread(ratio)
