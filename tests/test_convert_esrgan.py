"""The conversion of a slim ESRGAN: the ONNX graph gives what its file says, read word by word."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("onnx")

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import convert_esrgan

    return convert_esrgan


def layer(name: str, kind: str, inputs: list[str], **settings: object) -> dict:
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {"name": name, "class_name": kind, "config": settings, "inbound_nodes": nodes}


def conv(name: str, source: str, activation: str = "linear") -> dict:
    return layer(name, "Conv2D", [source], activation=activation, strides=[1, 1])


LAYERS = [
    layer("LR", "InputLayer", []),
    conv("first", "LR"),
    conv("grown", "first"),
    layer("grown_relu", "Activation", ["grown"], activation="relu"),
    layer("both", "Concatenate", ["first", "grown_relu"], axis=3),
    conv("fused", "both"),
    layer("sum", "Add", ["fused", "first"]),
    layer("up", "UpSampling2D", ["sum"], size=[2, 2], interpolation="nearest"),
    conv("SR", "up"),
]
SHAPES = {"first": (3, 3, 3, 5), "grown": (5, 5, 5, 2), "fused": (1, 1, 7, 5), "SR": (3, 3, 5, 3)}


@pytest.fixture
def model(tmp_path):
    """A small model as the package has them: model.json, weights in two shards."""
    rng, entries, data = np.random.default_rng(0), [], b""
    for name, shape in SHAPES.items():
        for part, size in (("kernel", shape), ("bias", shape[-1:])):
            entries.append({"name": f"{name}/{part}", "shape": list(size), "dtype": "float32"})
            # as float16 stores them, so that nothing but the arithmetic is compared
            data += (rng.normal(size=size) / 4).astype("<f2").astype("<f4").tobytes()
    half = len(data) // 2
    (tmp_path / "a.bin").write_bytes(data[:half])
    (tmp_path / "b.bin").write_bytes(data[half:])
    groups = [{"paths": ["a.bin", "b.bin"], "weights": entries}]
    topology = {"model_config": {"class_name": "Functional", "config": {"layers": LAYERS}}}
    text = json.dumps({"modelTopology": topology, "weightsManifest": groups})
    (tmp_path / "model.json").write_text(text)
    return tmp_path


def evaluated(layers: list, weights: dict[str, np.ndarray], image: np.ndarray) -> np.ndarray:
    """What the layers say, on (H, W, 3), literally."""
    found: dict[str, np.ndarray] = {}
    for one in layers:
        sources = [found[name] for name in one.inputs]
        if one.kind == "InputLayer":
            value = image
        elif one.kind == "Conv2D":
            value = convolved(sources[0], *(weights[f"{one.name}/{p}"] for p in ("kernel", "bias")))
        elif one.kind == "Activation":
            value = np.maximum(sources[0], 0)
        elif one.kind == "Concatenate":
            value = np.concatenate(sources, axis=2)
        elif one.kind == "Add":
            value = sources[0] + sources[1]
        else:
            value = sources[0].repeat(2, axis=0).repeat(2, axis=1)
        found[one.name] = value
    return found[layers[-1].name]


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    rows, columns = kernel.shape[:2]
    padded = np.pad(x, [(rows // 2,) * 2, (columns // 2,) * 2, (0, 0)])
    out = np.zeros((*x.shape[:2], kernel.shape[3])) + bias
    for i in range(rows):
        for j in range(columns):
            out += padded[i : i + x.shape[0], j : j + x.shape[1]] @ kernel[i, j]
    return out


def test_the_graph_gives_what_the_file_says(tool, model):
    image = np.random.default_rng(1).uniform(0, 255, (6, 9, 3)).astype(np.float32)
    wanted = evaluated(*tool.read(model), image)
    session = onnxruntime.InferenceSession(tool.convert(model).SerializeToString())
    (found,) = session.run(None, {"image": image.transpose(2, 0, 1)[None]})
    assert found.shape == (1, 3, 12, 18)
    np.testing.assert_allclose(found[0].transpose(1, 2, 0), wanted, rtol=1e-4, atol=1e-2)


def test_the_file_says_whose_it_is(tool, model):
    converted = tool.convert(model)
    assert "MIT" in {one.key: one.value for one in converted.metadata_props}["licence"]
    assert converted.opset_import[0].version == 17


@pytest.mark.parametrize(
    ("index", "change"),
    [
        (1, {"class_name": "LSTM"}),
        (1, {"config": {"activation": "tanh", "strides": [1, 1]}}),
        (1, {"config": {"activation": "linear", "strides": [2, 2]}}),
        (3, {"config": {"activation": "tanh"}}),
        (7, {"config": {"size": [2, 2], "interpolation": "bilinear"}}),
    ],
)
def test_what_is_not_known_is_not_converted(tool, model, index, change):
    text = json.loads((model / "model.json").read_text())
    text["modelTopology"]["model_config"]["config"]["layers"][index].update(change)
    (model / "model.json").write_text(json.dumps(text))
    with pytest.raises(SystemExit):
        tool.convert(model)
