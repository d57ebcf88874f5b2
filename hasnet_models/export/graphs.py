"""The graphs of the operations, without weights: what `runtimes/graphs` holds.

A graph names its weights as the safetensors files do, with the module's attribute in front
("tt.blocks.0.enter.weight"), and says that they lie elsewhere; `runtimes.binding` gives them. So
the weights are in the package once, and a head of a domain fits the same graph.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from hasnet_models.config.frozen import layer_channels, layer_stride
from hasnet_models.config.schema import RTConfig, TTConfig
from hasnet_models.export.simplify import outside, simplified
from hasnet_models.export.tracing import OPSET, trace
from hasnet_models.frame import CROP_SIZE
from hasnet_models.networks import operations
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet, content_layers
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.runtimes.contract import OPERATIONS
from hasnet_models.topology.zones import ZONES
from hasnet_models.version import __version__

LICENCE = "MIT (the graph; its weights have licences of their own)"
INDEX = "index.json"
_COLOURS, _BATCH = 20, 2


def make_graphs(
    folder: Path, rt: RTConfig, tt: TTConfig, vgg: VGGFeatures, side: int = CROP_SIZE
) -> None:
    """Write the graphs of all operations and their index.

    Args:
        rt, tt: the configurations that the graphs are for.
        vgg: of the architecture and the preprocessing that they are for.
        side: of the pictures in px.
    """
    index = {}
    for name, module in modules(rt, tt, vgg).items():
        model = graph(name, module, side)
        data = model.SerializeToString(deterministic=True)
        (folder / f"{name}.onnx").write_bytes(data)
        index[name] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "weights": {n: " ".join(map(str, p.shape)) for n, p in module.named_parameters()},
            "bound": [one.name for one in outside(model)],
        }
    about = {
        "opset": OPSET,
        "side": side,
        "sources": sources_digest(),
        "configurations": {"rt": asdict(rt), "tt": asdict(tt), "vgg": _about(vgg)},
        "graphs": index,
    }
    (folder / INDEX).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def modules(rt: RTConfig, tt: TTConfig, vgg: VGGFeatures) -> dict[str, nn.Module]:
    """The operations by name, with weights by chance: no two alike, so that none are merged."""
    made: dict[str, nn.Module] = {
        "embed": operations.Embed(MobileFaceNet()),
        "recolour": operations.Recolour(RTNet(rt)),
        "warp": operations.Warp(),
        "lay": operations.Lay(),
        "content": operations.Content(vgg, tt),
        "redraw": operations.Redraw(TTNet(tt)),
    }
    generator = torch.Generator().manual_seed(0)
    for module in made.values():
        for parameter in module.requires_grad_(False).parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return made


def graph(name: str, module: nn.Module, side: int = CROP_SIZE) -> onnx.ModelProto:
    """The graph of an operation, without the weights of its networks."""
    operation = OPERATIONS[name]
    arguments, axes = _example(name, module, side)
    model = trace(module, arguments, operation.inputs, operation.outputs, axes)
    owned_outside(model, dict(module.named_parameters()))
    model = simplified(model)
    with_properties(model, {"operation": name, "licence": LICENCE})
    return model


def owned_outside(model: onnx.ModelProto, owned: Container[str]) -> None:
    """Take the values of these initialisers out of a graph."""
    for one in model.graph.initializer:
        if one.name in owned:
            one.ClearField("raw_data")
            one.data_location = onnx.TensorProto.EXTERNAL
            one.external_data.add(key="location", value="weights")


def with_properties(model: onnx.ModelProto, properties: Mapping[str, str]) -> None:
    """Write into a graph what it is, beside the version and the digest of what it follows from."""
    model.producer_name, model.producer_version = "hasnet", __version__
    onnx.helper.set_model_props(
        model, {**properties, "opset": str(OPSET), "sources": sources_digest()}
    )


def _about(vgg: VGGFeatures) -> dict[str, str]:
    return {"architecture": vgg.arch, "preprocessing": vgg.preprocessing}


def _example(
    name: str, module: nn.Module, side: int
) -> tuple[tuple[Tensor, ...], dict[str, dict[int, str]]]:
    """Arguments to trace an operation with, and which of their sizes are free."""
    made = _EXAMPLES[name](module, side)
    operation = OPERATIONS[name]
    batch = {one: {0: "batch"} for one in operation.outputs}
    axes = batch | {one: free for one, (_, free) in zip(operation.inputs, made, strict=True)}
    if name == "warp":
        axes["warped"] = made[0][1]
    if name == "lay":
        axes["patch"] = {0: "batch", 2: "patch_height", 3: "patch_width"}
    return tuple(argument for argument, _ in made), axes


def _pictures(side: int) -> tuple[Tensor, dict[int, str]]:
    return torch.zeros(_BATCH, side, side, 3, dtype=torch.uint8), {0: "batch"}


def _planes(count: int, side: int, free: str | None = None) -> tuple[Tensor, dict[int, str]]:
    """(B, count, side, side); with a name its height and width are free."""
    sizes = {} if free is None else {2: f"{free}_height", 3: f"{free}_width"}
    return torch.zeros(_BATCH, count, side, side), {0: "batch", **sizes}


def _vectors(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, dict[int, str]]:
    return torch.zeros(_BATCH, *shape, dtype=dtype), {0: "batch"}


def _of_recolour(module: Any, side: int) -> list[tuple[Tensor, dict[int, str]]]:
    return [
        _pictures(side),
        _planes(1, 1, "lift"),
        _vectors(_COLOURS, 3, dtype=torch.uint8),
        _planes(len(ZONES), 32, "zones"),
        _vectors(_COLOURS, len(ZONES)),
    ]


def _of_warp(module: Any, side: int) -> list[tuple[Tensor, dict[int, str]]]:
    free = {0: "batch", 1: "planes", 2: "side", 3: "side"}
    return [(torch.zeros(_BATCH, 3, side, side), free), _planes(2, 64, "flow")]


def _of_lay(module: Any, side: int) -> list[tuple[Tensor, dict[int, str]]]:
    colours = torch.zeros(_BATCH, side // 4, side // 4, 3, dtype=torch.uint8)
    return [
        _planes(3, side),
        (colours, {0: "batch", 1: "colours_height", 2: "colours_width"}),
        _planes(1, side // 4, "mask"),
        (torch.tensor(0.8), {}),
        (torch.tensor(0.6), {}),
        (torch.tensor([0, side, 0, side]), {}),
    ]


def _of_redraw(module: Any, side: int) -> list[tuple[Tensor, dict[int, str]]]:
    config = module.tt.config
    return [
        _planes(3, side),
        _vectors(config.z_dim),
        _vectors(len(config.domains)),
        _planes(1, 128),
        _planes(1, 32),
        *((one, {0: "batch"}) for one in _features(config)),
    ]


def _features(config: TTConfig) -> list[Tensor]:
    """As `operations.Content` gives them."""
    side = config.content_size // config.content_pool
    return [
        torch.zeros(_BATCH, layer_channels(name), *[side // layer_stride(name)] * 2)
        for name in content_layers(config)
    ]


_EXAMPLES = {
    "embed": lambda module, side: [_pictures(side)],
    "recolour": _of_recolour,
    "warp": _of_warp,
    "lay": _of_lay,
    "content": lambda module, side: [_planes(3, side)],
    "redraw": _of_redraw,
}


def sources_digest() -> str:
    """sha256 of the code that the graphs follow from, whatever its comments and docstrings are."""
    here = Path(__file__).parent
    own = (here / name for name in ("tracing.py", "simplify.py", "quicker.py", "graphs.py"))
    return digest_of([*sorted((here.parent / "networks").glob("*.py")), *own])


def digest_of(files: Iterable[Path]) -> str:
    """As `sources_digest`, of some files in this order."""
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            _without_docstring(node)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def _without_docstring(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
        text = getattr(body[0].value, "value", None)
        if isinstance(text, str):
            del body[0]
