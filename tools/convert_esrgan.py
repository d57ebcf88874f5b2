"""Make an ONNX file of a slim ESRGAN, from the model of the npm package.

    npm pack @upscalerjs/esrgan-slim@1.0.0
    tar xzf upscalerjs-esrgan-slim-1.0.0.tgz
    pip install onnx
    python tools/convert_esrgan.py package/models/x4 esrgan_x4.onnx

The network (a residual dense one, MIT) stays as it is but for its order of axes: `image`
(N, 3, H, W) in 0..255 gives `larger` (N, 3, k H, k W) in about 0..255. Kernels are stored as
float16, with a cast in front that onnxruntime folds away.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
LICENCE = "MIT, Copyright (c) 2022 Kevin Scott (npm @upscalerjs/esrgan-slim 1.0.0)"


@dataclass(frozen=True)
class Layer:
    """A layer of the file: name, kind, settings, and the layers whose outputs it takes."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    inputs: list[str]


@dataclass
class Graph:
    """The ONNX graph as far as it is built; tensors are named by the layer that gives them."""

    weights: Mapping[str, np.ndarray]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Append one node."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def store(self, name: str, values: np.ndarray) -> str:
        """Keep values, kernels as float16; gives the name to read them by."""
        if values.ndim < 4:
            self.initializers.append(numpy_helper.from_array(values, name))
            return name
        self.initializers.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        self.add("Cast", [f"{name}.half"], name, to=TensorProto.FLOAT)
        return name


def read(folder: Path) -> tuple[list[Layer], dict[str, np.ndarray]]:
    """The layers of model.json in order, and the weights of its shards by name."""
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    config = model["modelTopology"]["model_config"]["config"]
    layers = []
    for one in config["layers"]:
        inputs = [source[0] for node in one["inbound_nodes"] for source in node]
        layers.append(Layer(one["name"], one["class_name"], one["config"], inputs))
    weights: dict[str, np.ndarray] = {}
    for group in model["weightsManifest"]:
        data, at = b"".join((folder / path).read_bytes() for path in group["paths"]), 0
        for entry in group["weights"]:
            count = math.prod(entry["shape"])
            values = np.frombuffer(data, "<f4", count, at)
            weights[entry["name"]] = values.reshape(entry["shape"])
            at += 4 * count
    return layers, weights


def _convolution(graph: Graph, layer: Layer) -> None:
    if layer.settings["activation"] != "linear" or layer.settings["strides"] != [1, 1]:
        raise SystemExit(f"The convolution {layer.name} is not one of those that are converted.")
    kernel = graph.weights[f"{layer.name}/kernel"].transpose(3, 2, 0, 1)  # from H W in out
    names = [graph.store(f"{layer.name}/kernel", np.ascontiguousarray(kernel))]
    names.append(graph.store(f"{layer.name}/bias", graph.weights[f"{layer.name}/bias"]))
    rows, columns = ((size - 1) // 2 for size in kernel.shape[2:])  # SAME; all sizes are odd
    graph.add("Conv", [*layer.inputs, *names], layer.name, pads=[rows, columns, rows, columns])


def _relu(graph: Graph, layer: Layer) -> None:
    if layer.settings["activation"] != "relu":
        raise SystemExit(f"The activation of {layer.name} is not converted.")
    graph.add("Relu", layer.inputs, layer.name)


def _enlarging(graph: Graph, layer: Layer) -> None:
    if layer.settings["interpolation"] != "nearest":
        raise SystemExit(f"{layer.name} does not repeat pixels, which is not converted.")
    scales = graph.store(f"{layer.name}/scales", np.float32([1, 1, *layer.settings["size"]]))
    graph.add(
        "Resize", [*layer.inputs, "", scales], layer.name, mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip


_KINDS: dict[str, Callable[[Graph, Layer], None]] = {
    "InputLayer": lambda graph, layer: graph.add("Identity", ["image"], layer.name),
    "Conv2D": _convolution,
    "Activation": _relu,
    "Concatenate": lambda graph, layer: graph.add("Concat", layer.inputs, layer.name, axis=1),
    "Add": lambda graph, layer: graph.add("Add", layer.inputs, layer.name),
    "UpSampling2D": _enlarging,
}


def convert(folder: Path) -> onnx.ModelProto:
    """The model of a folder with model.json and its shards.

    Raises:
        SystemExit: it has a layer that is not among those above.
    """
    layers, weights = read(folder)
    graph = Graph(weights)
    for layer in layers:
        if layer.kind not in _KINDS:
            raise SystemExit(f"The layer {layer.kind} of {folder} is not converted.")
        _KINDS[layer.kind](graph, layer)
    graph.add("Identity", [layers[-1].name], "larger")
    image, larger = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["pictures", 3, *sides])
        for name, sides in (("image", ["height", "width"]), ("larger", [None, None]))
    )
    whole = helper.make_graph(graph.nodes, "esrgan_slim", [image], [larger], graph.initializers)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    helper.set_model_props(model, {"licence": LICENCE})
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder with model.json")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    onnx.save(convert(options.model), str(options.out))
    print(options.out)


if __name__ == "__main__":
    main()
