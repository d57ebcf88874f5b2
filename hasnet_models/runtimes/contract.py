"""What the networks do with pictures, whatever runs them: six operations on numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Operation:
    """How an operation's graph is called.

    Attributes:
        inputs, outputs: in the order of the module of the same name in `networks.operations`.
        weights: attribute of that module -> weight file.
        blocked: onnxruntime lays the channels of its convolutions in blocks, which takes longer to
            open. It pays for VGG, which is convolutions alone: wherever else something stands
            between two of them, its planes are laid out anew.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, str]
    blocked: bool = False


# In the order in which they are opened: what is in blocks needs twice its weights for a moment, and
# so comes first, when there is nothing else yet.
OPERATIONS: Mapping[str, Operation] = {
    "content": Operation(
        ("picture",), ("fine", "deep"), {"vgg": "vgg16.safetensors"}, blocked=True
    ),
    "embed": Operation(("pictures",), ("z_id",), {"identity": "mobilefacenet.safetensors"}),
    "recolour": Operation(
        ("pictures", "lift", "palettes", "zones", "shares"), ("x_sg", "x_rt"),
        {"rt": "rt_net.safetensors"},
    ),
    "warp": Operation(("planes", "flow"), ("warped",), {}),
    "lay": Operation(
        ("picture", "colours", "mask", "chroma", "pattern", "window"), ("patch",), {}
    ),
    "redraw": Operation(
        ("picture", "z_id", "code", "person", "oval", "fine", "deep"), ("x_tt",),
        {"tt": "tt_net.safetensors"},
    ),
}  # fmt: skip


class Runtime(Protocol):
    """Runs the operations, `content` as a part of `redraw`.

    Pictures are float32 (B, 3, S, S) in -1..1 but where uint8 is said.

    Attributes:
        name: "onnx" or "torch".
        device: where it computes, such as "cpu" or "cuda:0".
        domains: the names that TT-Net has a code for.
        uses_rt: False for the ablation in which the photo stands in the place of X_RT.
    """

    name: str

    @property
    def device(self) -> str: ...
    @property
    def domains(self) -> tuple[str, ...]: ...
    @property
    def uses_rt(self) -> bool: ...

    def embed(self, pictures: Pixels) -> Planes:
        """z_id of aligned faces, uint8 (B, S, S, 3) -> (B, 192) of unit length."""
        ...

    def recolour(
        self, pictures: Pixels, lift: Planes, palettes: Pixels, zones: Planes, shares: Planes
    ) -> tuple[Planes, Planes]:
        """X_Sg (B, 1, S, S) and X_RT of uint8 pictures (B, S, S, 3).

        Args:
            lift: (B, 1, S, S) or (B, 1, 1, 1), added to X_Sg first.
            palettes: uint8 (B, 20, 3).
            zones: (B, 6, h, w), summing to 1.
            shares: (B, 20, 6), of each zone of the reference the share of each colour.
        """
        ...

    def warp(self, planes: Planes, flow: Planes) -> Planes:
        """Planes (B, C, S, S) seen through a flow (B, 2, h, w) in fractions of the frame."""
        ...

    def lay(
        self, picture: Planes, colours: Pixels, mask: Planes, chroma: float, pattern: float
    ) -> Planes:
        """The chroma of `colours` laid over pictures where the mask is, and of its lightness the
        pattern.

        Args:
            colours: uint8 (B, h, w, 3).
            mask: (B, 1, h, w), 0..1.
            chroma, pattern: how far, 0..1.
        """
        ...

    def redraw(
        self, picture: Planes, z_id: Planes, code: Planes, person: Planes, oval: Planes,
        head: Path | None = None,
    ) -> Planes:  # fmt: skip
        """X_TT of pictures, about -1..1, not clamped.

        Args:
            z_id: (B, 192).
            code: (B, len(domains)), one-hot, or zeros for a domain that TT-Net was not taught.
            person, oval: (B, 1, 128, 128) and (B, 1, 32, 32), 0..1: what is to be redrawn (the
                person), and the face.
            head: weights of a domain in place of the base's.

        Raises:
            WeightsError: the head is missing, damaged or does not fit.
        """
        ...
