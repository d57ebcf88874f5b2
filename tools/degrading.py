"""Good faces made weak: blurred, made small, noisy and compressed, as old and far faces are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Pixels = np.ndarray  # uint8 (S, S, 3)


@dataclass(frozen=True)
class Weakness:
    """How a face is made weak.

    Attributes:
        side: of its frame, px.
        blur: standard deviation of the blur, in px of that frame.
        noise: standard deviation of the noise, 0..255.
        quality: of JPEG, 1..100; None for no compression.
    """

    side: int
    blur: float = 0.0
    noise: float = 0.0
    quality: int | None = None


def weakened(face: Pixels, how: Weakness, seed: int = 0) -> Pixels:
    """A face, uint8 (S, S, 3), as a weak one, uint8 (side, side, 3)."""
    sigma = how.blur * len(face) / how.side
    blurred = cv2.GaussianBlur(face, (0, 0), sigma) if sigma else face
    small = cv2.resize(blurred, (how.side, how.side), interpolation=cv2.INTER_AREA)
    if how.noise:
        noise = np.random.default_rng(seed).normal(0, how.noise, small.shape)
        small = (small + noise).round().clip(0, 255).astype(np.uint8)
    return small if how.quality is None else compressed(small, how.quality)


def compressed(picture: Pixels, quality: int) -> Pixels:
    """A picture after JPEG."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def any_weakness(rng: np.random.Generator, smallest: int = 24, largest: int = 128) -> Weakness:
    """One by chance: a side between the two, as likely in each octave."""
    side = round(float(np.exp(rng.uniform(np.log(smallest), np.log(largest)))))
    blur = rng.uniform(0.2, 1.4) if rng.random() < 0.7 else 0.0
    noise = rng.uniform(1, 8) if rng.random() < 0.5 else 0.0
    quality = int(rng.integers(35, 96)) if rng.random() < 0.7 else None
    return Weakness(side, blur, noise, quality)
