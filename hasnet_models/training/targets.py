"""Pictures of the face set as tensors, and the VGG features of those that losses compare with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.config.frozen import LOSS_LAYERS
from hasnet_models.data.faces import FaceSet
from hasnet_models.data.rows import Rows
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.opencv import cv2

FACE_SHARE = 9 / 16
Key = tuple[int, bool]


def pictures(faces: FaceSet, keys: Sequence[Key], size: int, device: torch.device) -> Tensor:
    """Faces by (position, flipped), (B, 3, size, size) in -1..1."""
    images = [faces.images[i] for i, _ in keys]
    factor, rest = divmod(images[0].shape[0], size)
    if factor > 1 and not rest:  # means of whole blocks, before anything else is done for a pixel
        images = [_means(one, size) for one in images]
    flips = (flip for _, flip in keys)
    found = np.stack([o[:, ::-1] if flip else o for o, flip in zip(images, flips, strict=True)])
    return shrink(to_tensor(found, device), size)


def _means(picture: np.ndarray, side: int) -> np.ndarray:
    """A square picture uint8 (S, S, 3) as float32 (side, side, 3), S a multiple of that."""
    return cv2.resize(picture.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)


def fractions(rows: Rows | np.ndarray, keys: Sequence[Key], device: torch.device) -> Tensor:
    """Maps kept as uint8 (N, ..., h, w) by (position, flipped), as float32 in 0..1."""
    found = np.stack([rows[i][..., ::-1] if flip else rows[i] for i, flip in keys])
    return torch.from_numpy(found).to(device).float() / 255


class TargetFeatures:
    """Features of faces for the contextual loss, kept in half precision.

    What was used longest ago is forgotten beyond ``megabytes``; features of another size at once.

    Args:
        vgg: pictures and layer names -> features, see
            :class:`hasnet_models.networks.vgg.VGGFeatures`.
        pictures: keys and size -> (B, 3, size, size).
        shrink: the pictures are made smaller by so much first.
    """

    def __init__(
        self,
        vgg: Callable[[Tensor, Sequence[str]], dict[str, Tensor]],
        pictures: Callable[[Sequence[Key], int], Tensor],
        shrink: int,
        megabytes: int,
    ) -> None:
        self.vgg, self.pictures, self.shrink = vgg, pictures, shrink
        self.limit = megabytes * 2**20
        self.kept: OrderedDict[Key, dict[str, Tensor]] = OrderedDict()
        self.size = self.used = 0

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """VGG features of the faces in ``images`` (B, 3, S, S)."""
        crop = face_crop(images)
        return self.vgg(F.avg_pool2d(crop, self.shrink) if self.shrink > 1 else crop, LOSS_LAYERS)

    @torch.no_grad()
    def __call__(self, keys: Sequence[Key], size: int) -> dict[str, Tensor]:
        """Features of faces by (position, flipped), at ``size`` px."""
        if self.size != size:
            self.kept.clear()
            self.size, self.used = size, 0
        # one by one: rounding depends on the batch, and a resumed run must repeat it
        rows = [self._row(key) for key in keys]
        return {n: torch.stack([r[n] for r in rows]).float() for n in LOSS_LAYERS}

    def _row(self, key: Key) -> dict[str, Tensor]:
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        found = self.features(self.pictures([key], self.size))
        row = {n: f[0].half() for n, f in found.items()}
        self.kept[key] = row
        self.used += row_bytes(row)
        while self.used > self.limit and self.kept:
            self.used -= row_bytes(self.kept.popitem(last=False)[1])
        return row


def row_bytes(row: dict[str, Tensor]) -> int:
    """Memory of one face's features."""
    return sum(t.numel() * t.element_size() for t in row.values())


def face_crop(images: Tensor) -> Tensor:
    """Images up to 64 px whole, larger ones cut to the face, 9/16 of the side (as aligned)."""
    side = images.shape[-1]
    if side <= 64:
        return images
    cut = int(side * FACE_SHARE)
    left, top = (side - cut) // 2, (side - cut) * 5 // 8
    return images[..., top : top + cut, left : left + cut]


def shrink(images: Tensor, size: int) -> Tensor:
    """Area-averaged to ``size`` px; smaller images are enlarged bilinearly."""
    if images.shape[-1] == size:
        return images
    if images.shape[-1] < size:
        return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    return F.interpolate(images, size=(size, size), mode="area")
