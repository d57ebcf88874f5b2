"""Tiny seeded networks and faces, so that training runs in a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hasnet_models.config.schema import Preset, RTConfig
from hasnet_models.data.faces import FaceSet, load_faces
from hasnet_models.data.vectors import GIVEN, PALETTES, VectorKind, VectorTable
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.testing.tiny import preset
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.tt_stage import TTStage
from hasnet_models.training.vectors import FROM_MESHES, MESH_SHAPE, PERSON_SHAPE

CPU = torch.device("cpu")
FP32 = Runtime()


def make_folder(folder: Path, each: int = 4, side: int = 32) -> Path:
    """Faces of three domains as PNG files; those of one number share an identity."""
    lines = ["domain\tsplit\tfile\tidentity"]
    rng = np.random.default_rng(0)
    for domain, tint in (("photo", (1, 1, 1)), ("red", (1, 0.3, 0.3)), ("blue", (0.3, 0.3, 1))):
        (folder / domain).mkdir(parents=True)
        for i in range(each):
            pixels = rng.integers(0, 256, (side // 4, side // 4, 3)) * tint
            image = Image.fromarray(pixels.astype(np.uint8)).resize((side, side))
            image.save(folder / domain / f"{i}.png")
            lines.append(f"{domain}\ttrain\t{domain}/{i}.png\tperson{i}")
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")
    (folder / "parts.json").write_text(json.dumps(parts_of(folder)))
    return folder


def parts_of(folder: Path) -> dict[str, dict]:
    """Boxes for the faces of :func:`make_folder` but each domain's last; no two are alike."""
    rng = np.random.default_rng(1)
    files = [line.split("\t")[2] for line in (folder / "index.tsv").read_text().splitlines()[1:]]
    last = {file.split("/")[0]: file for file in files}
    return {file: boxes(rng) for file in files if file not in last.values()}


def boxes(rng: np.random.Generator) -> dict[str, list[float]]:
    """The parts of a face where an aligned frame has them, about."""
    places = {"re": (0.31, 0.42), "le": (0.59, 0.42), "mouth": (0.44, 0.7), "nose": (0.5, 0.6)}
    found = {name: list(rng.normal(xy, 0.01)) for name, xy in places.items()}
    for name in ("re", "le", "mouth"):
        found[name] += [0.12 + 0.03 * rng.random(), 0.06]
    return {**found, "chin": list(rng.normal((0.5, 0.85), 0.01))}


def fake_embed(faces: np.ndarray) -> np.ndarray:
    """A z_id that depends on the picture, of unit length."""
    z = faces.reshape(len(faces), -1)[:, :192].astype(np.float32) + 1
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def vectors(embed: Callable[[np.ndarray], np.ndarray] = fake_embed) -> VectorTable:
    """All kinds, z_ids as ``embed`` gives them; all of them pass for the same network."""
    return {
        "palettes": PALETTES,
        "z_ids": VectorKind("nano", "float32", (192,), embed),
        "meshes": VectorKind("nano", "float32", MESH_SHAPE, given_mesh, (GIVEN,)),
        "persons": VectorKind("nano", "uint8", PERSON_SHAPE, fake_persons),
        **FROM_MESHES,
    }


def given_mesh(faces: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Nothing is found where nothing is given."""
    return np.nan_to_num(given)


def fake_persons(faces: np.ndarray) -> np.ndarray:
    """A person fills the middle half of each picture."""
    masks = np.zeros((len(faces), *PERSON_SHAPE), np.uint8)
    masks[:, :, 16:48] = 255
    return masks


def faces(folder: Path, size: int = 32) -> FaceSet:
    """The faces of a folder made by :func:`make_folder`."""
    return load_faces(folder, "train", size, folder / ".cache", vectors())


def rt_stage(folder: Path, config: Preset | None = None, runtime: Runtime = FP32) -> RTStage:
    """A stage I that can be stepped."""
    found = faces(folder)
    return RTStage(config or preset(), found, found, runtime)


def tt_stage(
    folder: Path,
    config: Preset | None = None,
    domains: tuple[str, ...] = (),
    runtime: Runtime = FP32,
) -> TTStage:
    """A stage II that can be stepped, behind random frozen networks."""
    config = config or preset()
    found = faces(folder)
    return TTStage(config, found, found, runtime, frozen(config.rt), domains)


@lru_cache
def frozen(rt: RTConfig) -> tuple[RTNet, VGGFeatures, MobileFaceNet]:
    """Random networks that stage II stands on; nothing changes them."""
    torch.manual_seed(0)
    nets = (RTNet(rt), VGGFeatures("vgg16", "relu4_2"), MobileFaceNet())
    return tuple(net.eval().requires_grad_(False) for net in nets)


def onnx_network(
    path: Path,
    shape: tuple[int | str, ...],
    *,
    add: float = 0.0,
    half: bool = False,
    integers: bool = False,
    inputs: int = 1,
    outputs: int = 1,
) -> Path:
    """An ONNX file of a network that adds a number to what it is given."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.FLOAT16 if half else TensorProto.INT64 if integers else TensorProto.FLOAT
    number = numpy_helper.from_array(np.array(add, helper.tensor_dtype_to_np_dtype(kind)), "add")
    names = [[f"{end}{i}" for i in range(n)] for end, n in (("in", inputs), ("out", outputs))]
    ends = [[helper.make_tensor_value_info(n, kind, shape) for n in side] for side in names]
    nodes = [helper.make_node("Add", [names[0][0], "add"], [name]) for name in names[1]]
    graph = helper.make_graph(nodes, "adds", *ends, [number])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path
