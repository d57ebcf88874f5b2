"""The user's insightface models: tiny ONNX files of the same interface run the real loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hasnet_models.errors import EXIT_WEIGHTS, WeightsError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.insightface_backend import PACKS, InsightFace, find_pack
from hasnet_models.face.search import locate
from hasnet_models.frame import FFHQ_TEMPLATE_512, rescaled, transform
from hasnet_models.image_io import Photo
from hasnet_models.plugins.builtin import INSIGHTFACE
from hasnet_models.plugins.detectors import load_detector

onnx = pytest.importorskip("onnx")
pytest.importorskip("insightface")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

STRIDES = (8, 16, 32)
BRIGHT = 200.0
TILE = [28, 28]


def save_model(path: Path, nodes, inputs, outputs, constants) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*o) for o in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def make_detector(path: Path, landmarks: bool = True) -> Path:
    """SCRFD's interface (9 outputs, two anchors a cell): each bright 32 px cell is a face.

    Score is 1 where the cell's mean is bright; the box reaches 2 strides from the cell's corner
    in each direction; the landmarks are the FFHQ template within it.
    """
    nodes, outputs, constants = [], [], {"axes": np.array([0, 2, 3, 1])}
    inputs = [("input.1", TensorProto.FLOAT, [1, 3, "height", "width"])]
    constants |= {"two": np.array([1, 1, 1, 2]), "score_shape": np.array([-1, 1])}
    constants["limit"] = np.float32((BRIGHT - 127.5) / 128)
    points = (FFHQ_TEMPLATE_512 / 256 - 1).astype(np.float32) * 2
    rows = {"box": np.full(4, 2, np.float32), "points": points.ravel()}
    constants |= {"axes": np.array([0, 2, 3, 1], np.int64)}
    for stride in STRIDES:
        mean, flat, score = (f"{n}_{stride}" for n in ("mean", "flat", "score"))
        nodes += [
            helper.make_node(
                "AveragePool", ["input.1"], [f"pool_{stride}"],
                kernel_shape=[stride] * 2, strides=[stride] * 2,
            ),
            helper.make_node("ReduceMean", [f"pool_{stride}"], [mean], axes=[1], keepdims=1),
            helper.make_node("Greater", [mean, "limit"], [f"over_{stride}"]),
            helper.make_node("Cast", [f"over_{stride}"], [f"on_{stride}"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", [f"on_{stride}"], [f"last_{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Tile", [f"last_{stride}", "two"], [flat]),
            helper.make_node("Reshape", [flat, "score_shape"], [f"all_{stride}"]),
            # Only the coarsest level speaks, so that one bright cell is one face.
            helper.make_node("Mul", [f"all_{stride}", f"speaks_{stride}"], [score]),
        ]  # fmt: skip
        constants[f"speaks_{stride}"] = np.float32(stride == STRIDES[-1])
        for kind, row in rows.items():
            constants[f"{kind}_row_{stride}"] = row
            nodes += [
                helper.make_node(
                    "Mul", [f"all_{stride}", f"zero_{stride}"], [f"{kind}_z_{stride}"]
                ),
                helper.make_node(
                    "Add", [f"{kind}_z_{stride}", f"{kind}_row_{stride}"], [f"{kind}_{stride}"]
                ),
            ]
        constants[f"zero_{stride}"] = np.float32(0)
    kinds = ("score", "box", "points") if landmarks else ("score", "box")
    width = {"score": 1, "box": 4, "points": 10}
    outputs = [
        (f"{kind}_{stride}", TensorProto.FLOAT, ["n", width[kind]])
        for kind in kinds
        for stride in STRIDES
    ]
    return save_model(path, nodes, inputs, outputs, constants)


def make_recogniser(path: Path, size: int = 16) -> Path:
    """ArcFace's interface: a 112 px face to a vector; here the mean of each of 16 tiles' red."""
    nodes = [
        helper.make_node("AveragePool", ["data"], ["mean"], kernel_shape=TILE, strides=TILE),
        helper.make_node("Slice", ["mean", "start", "end", "axis"], ["red"]),
        helper.make_node("Reshape", ["red", "shape"], ["vector"]),
    ]  # fmt: skip
    constants = {
        "start": np.array([0]),
        "end": np.array([1]),
        "axis": np.array([1]),
        "shape": np.array([-1, size]),
    }
    inputs = [("data", TensorProto.FLOAT, ["n", 3, 112, 112])]
    return save_model(path, nodes, inputs, [("vector", TensorProto.FLOAT, ["n", size])], constants)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a whole pack; a broken file for another task must not be opened."""
    folder = tmp_path / "models" / "buffalo_l"
    make_detector(folder / "det_10g.onnx")
    make_recogniser(folder / "w600k_r50.onnx")
    (folder / "1k3d68.onnx").write_bytes(b"never read")
    monkeypatch.setenv("INSIGHTFACE_HOME", str(tmp_path))
    return folder


def bright_square(height: int = 640, width: int = 640) -> np.ndarray:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[256:288, 320:352] = 255
    return rgb


def test_the_models_are_loaded_and_find_a_face(pack: Path, capsys) -> None:
    detector = load_detector(INSIGHTFACE)
    assert isinstance(detector, InsightFace)
    faces = detector.detect(bright_square())
    assert capsys.readouterr().out == ""
    face = min(faces, key=lambda f: np.abs(f.box - [256, 192, 384, 320]).sum())
    assert np.allclose(face.box, [256, 192, 384, 320], atol=1)  # corner of the cell +- 2 strides
    wanted = np.array([320, 256]) + (FFHQ_TEMPLATE_512 / 256 - 1) * 64
    assert np.allclose(face.landmarks, wanted, atol=1)
    assert [f.area for f in faces] == sorted((f.area for f in faces), reverse=True)


def test_it_works_as_a_detector_of_locate(pack: Path) -> None:
    aligned, _ = locate(Photo(bright_square()), FaceChoice(), load_detector("insightface"))
    assert aligned.crop.shape == (512, 512, 3)
    placed = transform(aligned.face.landmarks, aligned.matrix)
    assert np.allclose(placed, FFHQ_TEMPLATE_512, atol=1)


def test_nothing_found_is_an_empty_list(pack: Path) -> None:
    assert load_detector("insightface").detect(np.zeros((50, 70, 3), np.uint8)) == []


def test_the_embedding_sees_the_arcface_crop_in_rgb(pack: Path) -> None:
    backend = InsightFace()
    assert backend.model == "insightface/w600k_r50"
    # Paint in the 512 frame what the network is to see in one tile of its 112 px crop.
    from insightface.utils.face_align import arcface_dst

    from hasnet_models.frame import fit_similarity, invert

    to_frame = invert(fit_similarity(FFHQ_TEMPLATE_512, arcface_dst))
    (x1, y1), (x2, y2) = transform(np.array([[28, 56], [56, 84]]), to_frame).round().astype(int)
    crop = np.zeros((512, 512, 3), np.uint8)
    crop[y1:y2, x1:x2, 0] = 255
    crop[..., 2] = 90  # must not be taken for red
    vector = backend.embed(crop)
    assert vector.shape == (16,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert vector.argmax() == 2 * 4 + 1
    half = np.ascontiguousarray(crop[::2, ::2])
    assert float(backend.embed(half) @ vector) > 0.99
    assert np.allclose(rescaled(np.eye(2, 3), 1), np.eye(2, 3))


def test_no_models_says_what_to_fetch_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSIGHTFACE_HOME", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        load_detector("insightface")
    assert caught.value.exit_code == EXIT_WEIGHTS
    for word in (PACKS[0], "non-commercial", "https://", str(tmp_path / "models" / PACKS[0])):
        assert word in caught.value.hint
    assert not list(tmp_path.iterdir())  # nothing was fetched


@pytest.mark.parametrize("where", ["", "antelopev2", "models/buffalo_l", "models/buffalo_s"])
def test_packs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    (tmp_path / where / "det_10g.onnx").touch()
    monkeypatch.setenv("INSIGHTFACE_HOME", str(tmp_path))
    assert find_pack() == tmp_path / where


def test_the_home_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".insightface" / "models" / "buffalo_l"
    folder.mkdir(parents=True)
    (folder / "det_10g.onnx").touch()
    monkeypatch.delenv("INSIGHTFACE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert find_pack() == folder


@pytest.mark.parametrize("data", [b"", b"no network", b"\x08\x07"])
def test_a_damaged_model_is_named(pack: Path, data: bytes) -> None:
    (pack / "det_10g.onnx").write_bytes(data)
    with pytest.raises(WeightsError, match=r"det_10g\.onnx") as caught:
        InsightFace()
    assert "\n" not in str(caught.value)


def test_an_incomplete_pack_says_what_is_missing(tmp_path: Path) -> None:
    make_detector(tmp_path / "det_10g.onnx")
    with pytest.raises(WeightsError, match="no insightface model for recognition"):
        InsightFace(tmp_path)


def test_a_detector_without_landmarks(tmp_path: Path) -> None:
    make_detector(tmp_path / "det_10g.onnx", landmarks=False)
    make_recogniser(tmp_path / "w600k_r50.onnx")
    with pytest.raises(WeightsError, match="no landmarks"):
        InsightFace(tmp_path).detect(bright_square())
