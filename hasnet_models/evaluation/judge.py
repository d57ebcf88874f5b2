"""What is measured of one picture, by networks that are opened once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hasnet_models import palette
from hasnet_models.errors import WeightsError
from hasnet_models.evaluation import features
from hasnet_models.evaluation.colour_distance import FACTOR as COLOUR_FACTOR
from hasnet_models.evaluation.content import perceptual_distance, ssim_outside
from hasnet_models.evaluation.identity_distance import identity_distance
from hasnet_models.evaluation.landmarks import landmark_error
from hasnet_models.evaluation.sharpness import edge_energy
from hasnet_models.face.align import resized
from hasnet_models.face.mesh import MeshFinder
from hasnet_models.networks import identity
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.plugins.reference import Z_ID_MODEL
from hasnet_models.weights.load import load_identity

# side in px that every picture is brought to first, so that a system's own size counts for nothing
SIDE = 256
ID = "id"

Measures = dict[str, NDArray]


class Judge:
    """The networks that measure.

    Args:
        device: of the networks that have torch.
        feature_file: see `features.from_file`; None for the embedded features.
        second: whether an insightface model of the user's is asked too.

    Raises:
        WeightsError: weights are missing or damaged.
    """

    def __init__(
        self, device: torch.device, feature_file: Path | None = None, *, second: bool = True
    ) -> None:
        self.device = device
        self.perception = features.Perception(device)
        self.features = (
            features.embedded()
            if feature_file is None
            else features.from_file(feature_file, device)
        )
        self._identity = load_identity().to(device)
        self._mesh = MeshFinder()
        self._second = _second_embedder() if second else None

    @property
    def embedders(self) -> tuple[str, ...]:
        """The names of the networks that tell identities, the one of training first."""
        return (Z_ID_MODEL, *([self._second.model] if self._second else ()))

    def view(self, rgb: NDArray[np.uint8]) -> View:
        """What is seen in a picture, computed when it is asked for."""
        return View(self, resized(np.ascontiguousarray(rgb), SIDE))

    @torch.inference_mode()
    def embed(self, rgb: NDArray[np.uint8]) -> dict[str, NDArray]:
        """The z_id by each of `embedders`."""
        found = identity.embed(self._identity, to_tensor(rgb[None], self.device))
        z_ids = {Z_ID_MODEL: found[0].double().cpu().numpy()}
        if self._second:
            z_ids[self._second.model] = np.asarray(self._second.embed(rgb), np.float64)
        return z_ids

    def points(self, rgb: NDArray[np.uint8]) -> NDArray | None:
        """The mesh (468, 3), or None where it is not sure."""
        mesh = self._mesh.find(rgb)
        return None if mesh is None else mesh.points


@dataclass(frozen=True, eq=False)
class View:
    """A picture, uint8 (256, 256, 3), with what the judge's networks see in it."""

    judge: Judge
    rgb: NDArray[np.uint8]

    @cached_property
    def z_ids(self) -> Mapping[str, NDArray]:
        return self.judge.embed(self.rgb)

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        return palette.extract(self.rgb)

    @cached_property
    def layers(self) -> features.Layers:
        return self.judge.perception.layers(self.rgb)

    @cached_property
    def points(self) -> NDArray | None:
        return self.judge.points(self.rgb)


def alone(view: View) -> Measures:
    """What a picture has by itself: features for FID and the classifier, sharpness."""
    return {
        "features": view.judge.features.describe(view.rgb, view.layers),
        "pooled": features.pooled(view.layers),
        "sharpness": np.array(edge_energy(view.rgb)),
    }


def compared(result: View, source: View, reference: View) -> Measures:
    """All that is measured of a result; numbers that cannot be had are NaN."""
    found = {
        f"{ID}/{name}": identity_distance(z_id, reference.z_ids[name])
        for name, z_id in result.z_ids.items()
    }
    found["colour"] = COLOUR_FACTOR * palette.distance(result.palette, reference.palette)
    found["content"] = perceptual_distance(result.layers, source.layers)
    found["ssim"] = ssim_outside(result.rgb, source.rgb, source.points)
    known = result.points is not None and source.points is not None
    found["landmarks"] = landmark_error(result.points, source.points) if known else np.nan
    found["mesh"] = np.nan if source.points is None else float(result.points is not None)
    return {**{key: np.array(value) for key, value in found.items()}, **alone(result)}


def _second_embedder() -> Any:
    """The user's insightface model where there is one."""
    from hasnet_models.face.insightface_backend import InsightFace

    try:
        return InsightFace()
    except WeightsError:
        return None
