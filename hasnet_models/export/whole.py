"""From an aligned face to its avatar in one file, for programs that have only onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from hasnet_models.atomic import replacing
from hasnet_models.controls.tint import shares_of
from hasnet_models.errors import WeightsError
from hasnet_models.export.graphs import owned_outside, with_properties
from hasnet_models.export.simplify import outside, simplified
from hasnet_models.export.tracing import trace
from hasnet_models.frame import CROP_SIZE
from hasnet_models.networks import operations
from hasnet_models.networks.appearance import laid
from hasnet_models.networks.tensors import from_pixels
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.networks.warp import warp
from hasnet_models.plugins import Domain
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.flow import GRID
from hasnet_models.topology.strength import CHROMA, PATTERN
from hasnet_models.topology.zones import ZONES, zone_maps
from hasnet_models.weights import load
from hasnet_models.weights.digests import sha256_of
from hasnet_models.weights.files import weight_path

IMAGE, AVATAR = "image", "avatar"
_SIDE = 128  # of maps and masks
_FILES = ("rt_net.safetensors", "tt_net.safetensors", "vgg16.safetensors")


class Whole(nn.Module):
    """Recolour, warp, lay, content and redraw in a row; what is given once serves every picture."""

    def __init__(self, rt: nn.Module, tt: TTNet, vgg: nn.Module) -> None:
        super().__init__()
        self.recolour = operations.Recolour(rt)
        self.content, self.redraw = operations.Content(vgg, tt.config), operations.Redraw(tt)

    def forward(
        self, image: Tensor, palette: Tensor, shares: Tensor, z_id: Tensor, code: Tensor,
        zones: Tensor, person: Tensor, oval: Tensor, flow: Tensor, colours: Tensor, mask: Tensor,
    ) -> Tensor:  # fmt: skip
        """uint8 (B, S, S, 3), then what `defaults` names, for one or for B pictures."""
        given = (palette, shares, z_id, code, zones, person, oval, flow, colours, mask)
        palette, shares, z_id, code, zones, person, oval, flow, colours, mask = (
            one.expand(image.shape[0], *one.shape[1:]) for one in given
        )
        x_rt = self.recolour(image, torch.zeros_like(oval[:, :, :1, :1]), palette, zones, shares)[1]
        x_map = laid(warp(x_rt, flow), from_pixels(colours), mask, CHROMA, PATTERN)
        features = self.content(x_map)
        x_tt = self.redraw(x_map, z_id, code, warp(person, flow), oval, *features)
        levels = ((x_tt.clamp(-1, 1) + 1) * 127.5).round()
        return levels.to(torch.uint8).permute(0, 2, 3, 1)


def export(domain: Domain, reference: Reference, file: Path) -> None:
    """Write the networks with a domain's reference into one ONNX file, whole or not at all.

    The input "image" is uint8 (B, 512, 512, 3), aligned faces in RGB, the output "avatar" of the
    same shape. The other inputs may be left out, see `defaults`. The domain's medium, which is
    laid after the networks, is not in the file.

    Raises:
        DomainError, WeightsError: weights are missing or damaged, or the file cannot be written.
    """
    tt = load.load_tt(head=domain.head)
    module = Whole(load.load_rt(), tt, load.load_vgg())
    given = defaults(domain, reference, tt.config.domains)
    model = _traced(module, given)
    with_properties(model, _properties(domain, reference))
    onnx.checker.check_model(model)
    try:
        with replacing(file) as stream:
            stream.write(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise WeightsError(f"The file {file} cannot be written: {error.strerror}.") from error


def defaults(
    domain: Domain, reference: Reference, known: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """The inputs that may be left out, by name, each for one picture.

    palette uint8 (1, 20, 3), shares (1, 20, 6), z_id (1, 192) and code (1, domains) are the
    reference's and the domain's. zones (1, 6, 32, 32), person (1, 1, 128, 128) and oval
    (1, 1, 32, 32) are those of a mean face. flow (1, 2, 64, 64), colours uint8 (1, 128, 128, 3) and
    mask (1, 1, 128, 128) leave the shape and the colours of the face as they are.
    """
    zones = zone_maps(None)
    ground = torch.from_numpy(1 - zones[ZONES.index("rest")])[None, None]
    code = np.array([name == domain.name for name in known], np.float32)
    given = {
        "palette": reference.palette,
        "shares": shares_of(reference).astype(np.float32),
        "z_id": reference.z_id.astype(np.float32),
        "code": code,
        "zones": zones.astype(np.float32),
        "person": nn.functional.interpolate(ground, (_SIDE, _SIDE), mode="bilinear")[0].numpy(),
        "oval": zones[:3].sum(0)[None].astype(np.float32),
        "flow": np.zeros((2, GRID, GRID), np.float32),
        "colours": np.zeros((_SIDE, _SIDE, 3), np.uint8),
        "mask": np.zeros((1, _SIDE, _SIDE), np.float32),
    }
    return {name: array[None] for name, array in given.items()}


def _traced(module: Whole, given: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The graph with weights and defaults in it; an input that has a default may be left out."""
    image = torch.zeros(2, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8)
    example = [image, *(torch.from_numpy(one.repeat(2, 0)) for one in given.values())]
    names = [IMAGE, *given]
    axes = {name: {0: "batch" if name == IMAGE else f"{name}_batch"} for name in names}
    model = trace(module, example, names, [AVATAR], {**axes, AVATAR: {0: "batch"}})
    owned = {name: one.numpy() for name, one in module.named_parameters()}
    owned_outside(model, owned)
    model = simplified(model)
    for one in outside(model):
        one.CopyFrom(numpy_helper.from_array(owned[one.name], one.name))
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in given.items()
    )
    return model


def _properties(domain: Domain, reference: Reference) -> dict[str, str]:
    weights = {name: sha256_of(weight_path(name)) for name in _FILES}
    if domain.head is not None:
        weights[domain.head.name] = sha256_of(domain.head)
    return {
        "domain": domain.name,
        "reference": reference.name,
        "licence": f"weights: non-commercial research use; references: {domain.licence}",
        "weights": json.dumps(weights, sort_keys=True),
    }
