"""A TensorFlow Lite graph as an ONNX graph: channels first, any number of pictures at once.

For the two networks of MediaPipe that hasnet embeds (convert_face_mesh.py, convert_person_mask.py),
thus with their operators only. Weights that the file stores as float16 stay float16, with a cast in
front which onnxruntime folds away when it loads the file: nothing is rounded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8

_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_BUILTIN = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
_OPTIONS = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
}
# Weights as the file lays them out, in ONNX's order: outputs, inputs, height, width (a transposed
# convolution: inputs first; a depthwise one has a single input for each output).
_LAYOUTS = {
    "CONV_2D": (0, 3, 1, 2),
    "DEPTHWISE_CONV_2D": (3, 0, 1, 2),
    "Convolution2DTransposeBias": (3, 0, 1, 2),
}


@dataclass(frozen=True)
class Operator:
    """One operator: its name (a custom one's own), tensor indices, and its table of options."""

    name: str
    inputs: list[int]
    outputs: list[int]
    options: Any


@dataclass
class Conversion:
    """The ONNX graph as far as it is built.

    Tensors are named by their index in the file; the input is `image`, channels first.
    """

    path: Path
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    constants: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = tflite.Model.GetRootAs(self.path.read_bytes(), 0)
        self.graph = self.model.Subgraphs(0)
        self.add("Identity", ["image"], self.graph.Inputs(0))

    def shape(self, index: int) -> list[int]:
        """Of a tensor as the file has it: (1, height, width, channels)."""
        return [int(length) for length in self.graph.Tensors(index).ShapeAsNumpy()]

    def constant(self, index: int) -> np.ndarray:
        """The values of a tensor; KeyError where they are not in the file."""
        if index in self.constants:
            return self.constants[index]
        tensor = self.graph.Tensors(index)
        buffer = self.model.Buffers(tensor.Buffer())
        if buffer.DataLength() == 0:
            raise KeyError(index)
        values = buffer.DataAsNumpy().view(_TYPES[tensor.Type()])
        return values.reshape(self.shape(index))

    def weight(self, index: int, values: np.ndarray) -> str:
        """Store values for a tensor (float16 with its cast); gives the name to read them by."""
        name = f"w{index}"
        if values.dtype != np.float16:
            self.initializers.append(numpy_helper.from_array(values, name))
            return name
        self.initializers.append(numpy_helper.from_array(values, f"{name}.half"))
        self.nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
        return name

    def add(self, kind: str, inputs: list[str], output: str | int, **attributes: Any) -> None:
        """Append one node."""
        self.nodes.append(helper.make_node(kind, inputs, [str(output)], **attributes))

    def operators(self) -> Iterator[Operator]:
        """Those of the file, in order."""
        for k in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(k)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            name = _BUILTIN[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            if name == "CUSTOM":
                name = code.CustomCode().decode()
            inputs, outputs = operator.InputsAsNumpy(), operator.OutputsAsNumpy()
            yield Operator(
                name, [int(i) for i in inputs], [int(i) for i in outputs], _options(operator, name)
            )


def _options(operator: tflite.Operator, name: str) -> Any:
    if name not in _OPTIONS:
        return None
    options, table = _OPTIONS[name](), operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def _convolution(to: Conversion, op: Operator) -> None:
    source, kernel, bias = op.inputs
    strides = [op.options.StrideH(), op.options.StrideW()]
    values = to.constant(kernel).transpose(_LAYOUTS[op.name])
    to.add(
        "Conv",
        [str(source), to.weight(kernel, values), to.weight(bias, to.constant(bias))],
        op.outputs[0],
        strides=strides,
        group=to.shape(source)[3] if op.name == "DEPTHWISE_CONV_2D" else 1,
        pads=_pads(to.shape(source)[1:3], values.shape[2:], strides, op.options.Padding()),
    )


def _pads(size: list[int], kernel: tuple[int, ...], strides: list[int], padding: int) -> list[int]:
    """TensorFlow's SAME puts the odd pixel after the picture; VALID adds none."""
    if padding == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    total = [
        max((-(-n // step) - 1) * step + k - n, 0)
        for n, k, step in zip(size, kernel, strides, strict=True)
    ]
    before = [n // 2 for n in total]
    return [*before, *(n - b for n, b in zip(total, before, strict=True))]


def _transposed_convolution(to: Conversion, op: Operator) -> None:
    source, kernel, bias = op.inputs
    values = to.constant(kernel).transpose(_LAYOUTS[op.name])
    to.add(
        "ConvTranspose",
        [str(source), to.weight(kernel, values), to.weight(bias, to.constant(bias))],
        op.outputs[0],
        strides=values.shape[2:],
    )


def _prelu(to: Conversion, op: Operator) -> None:
    source, slope = op.inputs
    values = to.constant(slope).reshape(-1, 1, 1)
    to.add("PRelu", [str(source), to.weight(slope, values)], op.outputs[0])


def _max_pool(to: Conversion, op: Operator) -> None:
    kernel = [op.options.FilterHeight(), op.options.FilterWidth()]
    strides = [op.options.StrideH(), op.options.StrideW()]
    to.add("MaxPool", [str(op.inputs[0])], op.outputs[0], kernel_shape=kernel, strides=strides)


def _global_mean(to: Conversion, op: Operator) -> None:
    to.add("GlobalAveragePool", [str(op.inputs[0])], op.outputs[0])


def _pad(to: Conversion, op: Operator) -> None:
    source, amounts = op.inputs
    before, after = to.constant(amounts)[[0, 3, 1, 2]].T.astype(np.int64)
    to.add("Pad", [str(source), to.weight(amounts, np.append(before, after))], op.outputs[0])


def _resize(to: Conversion, op: Operator) -> None:
    if not op.options.HalfPixelCenters():
        raise SystemExit("The file resizes without half pixel centres, which is not converted.")
    source, size = op.inputs
    factors = to.constant(size) / np.array(to.shape(source)[1:3])
    scales = to.weight(size, np.array([1, 1, *factors], np.float32))
    to.add("Resize", [str(source), "", scales], op.outputs[0], mode="linear")


def _dequantize(to: Conversion, op: Operator) -> None:
    to.constants[op.outputs[0]] = to.constant(op.inputs[0])


def _plain(kind: str) -> Callable[[Conversion, Operator], None]:
    def convert(to: Conversion, op: Operator) -> None:
        to.add(kind, [str(index) for index in op.inputs], op.outputs[0])

    return convert


_OPERATORS: dict[str, Callable[[Conversion, Operator], None]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed_convolution,
    "PRELU": _prelu,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _global_mean,
    "PAD": _pad,
    "RESIZE_BILINEAR": _resize,
    "DEQUANTIZE": _dequantize,
    "ADD": _plain("Add"),
    "MUL": _plain("Mul"),
    "RELU": _plain("Relu"),
    "HARD_SWISH": _plain("HardSwish"),
    "LOGISTIC": _plain("Sigmoid"),
}


def convert(path: Path) -> Conversion:
    """All operators of a file.

    Raises:
        SystemExit: the file has an operator that is not among those above.
    """
    to = Conversion(path)
    for op in to.operators():
        if op.name not in _OPERATORS:
            raise SystemExit(f"The operator {op.name} of {path.name} is not converted.")
        _OPERATORS[op.name](to, op)
    return to


def save(to: Conversion, image: tuple, outputs: dict[str, tuple], path: Path) -> None:
    """Write the model, checked; shapes of the input and of the outputs by name are given."""

    def declared(shapes: dict[str, tuple]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

    graph = helper.make_graph(
        to.nodes, path.stem, declared({"image": image}), declared(outputs), to.initializers
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def run(description: str, build: Callable[[Path, Path], None], default: Path) -> None:
    """The command line of a conversion script: the file to read, and where to write."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("tflite", type=Path)
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    build(arguments.tflite, arguments.out)
    print(arguments.out)
