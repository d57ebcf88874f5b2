"""Drawn faces: the finder, the maths around it, and the tools that made its network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from fakes import Finds, face_at

from hasnet_models import image_io
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.drawn import (
    CELL,
    TEMPLATE,
    TYPICAL,
    DrawnFace,
    DrawnFaceFinder,
    central_score,
    mesh_of,
    middle,
    parts,
    soft_argmax,
    template_similarity,
    upright,
)
from hasnet_models.face.drawn_too import DrawnToo, as_face
from hasnet_models.face.search import select
from hasnet_models.frame import fit_similarity, invert, similarity, transform
from hasnet_models.image_io import Photo
from hasnet_models.plugins.detectors import load_detector
from hasnet_models.topology.points import EYES
from hasnet_models.topology.zones import ZONES, zone_maps

TOOLS = Path(__file__).parents[1] / "tools"


def typical(matrix: np.ndarray | None = None, side: int = 96) -> DrawnFace:
    """The typical face as its window of some side shows it, moved by a matrix."""
    sizes = np.array([[0.19, 0.15], [0.19, 0.15], [0.12, 0.06]]) * side
    face = DrawnFace(TYPICAL * side - 0.5, sizes, 0.9)
    return face if matrix is None else face.moved(matrix)


def turned(degrees: float, scale: float, x: float, y: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)) * scale, np.sin(np.deg2rad(degrees)) * scale
    return np.array([[c, -s, x], [s, c, y]])


def cartoon(side: int = 256) -> np.ndarray:
    """A simple face in the place of the typical one, drawn with a few ovals and lines."""
    picture = np.full((side, side, 3), (150, 190, 220), np.uint8)
    left, right, nose, mouth = (tuple(int(v) for v in p * side) for p in TYPICAL[:4])
    hair, skin, ink = (90, 50, 40), (250, 222, 200), (50, 30, 30)

    def oval(centre, width, height, colour, thick=-1):
        axes = (int(width * side / 2), int(height * side / 2))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, thick, cv2.LINE_AA)

    oval((side // 2, int(0.4 * side)), 0.86, 0.8, hair)
    cv2.rectangle(picture, (int(0.42 * side), int(0.65 * side)), (int(0.58 * side), side), skin, -1)
    oval((side // 2, int(0.42 * side)), 0.66, 0.62, skin)
    oval((side // 2, int(0.42 * side)), 0.66, 0.62, ink, 2)
    cv2.ellipse(picture, (side // 2, int(0.25 * side)), (int(0.36 * side), int(0.16 * side)),
                0, 180, 360, hair, -1)  # fmt: skip
    for eye in (left, right):
        oval(eye, 0.16, 0.15, (255, 255, 255))
        oval(eye, 0.10, 0.14, (60, 90, 160))
        oval(eye, 0.05, 0.08, (15, 15, 30))
        oval((eye[0] - 4, eye[1] - 6), 0.03, 0.04, (255, 255, 255))
        lid = (int(0.085 * side), int(0.08 * side))
        cv2.ellipse(picture, eye, lid, 0, 190, 350, ink, 4, cv2.LINE_AA)
        brow = (eye[0], eye[1] - int(0.03 * side))
        cv2.ellipse(picture, brow, lid, 0, 220, 320, ink, 2, cv2.LINE_AA)
    cv2.line(picture, nose, (nose[0] + 2, nose[1] + 4), ink, 2, cv2.LINE_AA)
    cv2.ellipse(picture, mouth, (14, 5), 0, 0, 180, (170, 60, 60), 2, cv2.LINE_AA)
    return picture


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ------------------------------------------------------------------------------------------ maths


def test_the_typical_face_comes_to_the_template_wherever_it_is():
    face = typical(turned(25, 2.5, 300, 70))
    there = face.moved(template_similarity(face, 512))
    assert np.allclose((there.points + 0.5) / 512, TEMPLATE, atol=1e-9)
    assert np.allclose(TEMPLATE[:2, 1], 0.475, atol=0.002)


def test_the_window_of_a_face_shows_it_upright_in_its_place():
    face = typical(turned(-40, 0.7, 20, 90))
    there = transform(face.points, upright(face))
    off = there - typical().points
    assert np.allclose(off, off[0], atol=1e-9)
    assert np.abs(off).max() < 5  # px of 96
    assert np.allclose((middle(there) + 0.5) % CELL, CELL / 2)
    assert face.side == pytest.approx(0.7 * 96)


def test_parts_are_boxes_in_fractions_of_the_crop():
    found = parts(typical(), np.eye(2, 3), 96)
    assert found["re"] == pytest.approx([0.324 - 0.095, 0.347 - 0.075, 0.19, 0.15])
    assert found["mouth"][2:] == pytest.approx([0.12, 0.06])
    assert found["chin"] == pytest.approx([0.502, 0.719])


def test_a_sharp_peak_gives_its_own_place_and_size():
    maps = np.zeros((1, 11, 24, 24), np.float32)
    maps[0, :5, 6, 18] = 50
    maps[0, 5:] = 9.0
    maps[0, 5:, 6, 18] = np.log(0.2)
    points, sizes = soft_argmax(maps)
    assert np.allclose(points, [18.5 / 24, 6.5 / 24])
    assert np.allclose(sizes, 0.2)


def test_two_equal_peaks_give_the_point_between_them():
    maps = np.zeros((1, 11, 12, 24), np.float32)
    maps[0, :5, 3, [4, 10]] = 50
    assert np.allclose(soft_argmax(maps)[0], [7.5 / 24, 3.5 / 12])


def test_only_places_near_the_middle_of_the_face_count():
    cells = np.full((2, 2, 12, 12), -9.0, np.float32)
    cells[0, 0, 0, 0] = 9
    column, row = (middle(TYPICAL) * 12).astype(int)
    cells[1, 0, row, column] = 9
    assert central_score(cells).tolist() == pytest.approx([0.0, 1.0], abs=1e-3)


# ----------------------------------------------------------------------------------------- finder


@pytest.fixture(scope="module")
def finder() -> DrawnFaceFinder:
    return DrawnFaceFinder()


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-20, 0, 15])
def test_a_cartoon_is_found_wherever_it_is(finder, degrees):
    matrix = turned(degrees, 0.9, 190, 120)
    picture = np.full((480, 640, 3), (200, 220, 190), np.uint8)
    cv2.warpAffine(cartoon(), matrix, (640, 480), picture, borderMode=cv2.BORDER_TRANSPARENT)
    face = finder.find(picture)
    assert face is not None
    wanted = typical(matrix, 256)
    off = np.linalg.norm(face.points - wanted.points, axis=1) / wanted.side
    assert off[[0, 1, 3]].max() < 0.05
    assert off.max() < 0.1
    assert np.abs(np.log(face.side / wanted.side)) < 0.2


@pytest.mark.slow
def test_a_cartoon_has_zones(finder):
    face = finder.find(cartoon())
    mesh = mesh_of(face, template_similarity(face, 256), 256)
    zones = dict(zip(ZONES, zone_maps(mesh.points), strict=True))
    left, right, _, mouth, _ = (TEMPLATE * 32).astype(int)
    assert zones["eyes"][left[1], left[0]] > 0.7 and zones["eyes"][right[1], right[0]] > 0.7
    assert zones["lips"][mouth[1], mouth[0]] > 0.3
    assert zones["skin"][mouth[1] - 3, mouth[0]] > 0.7
    assert zones["below"][31, 16] > 0.7


@pytest.mark.slow
def test_a_mirrored_picture_has_the_mirrored_face(finder):
    picture = cartoon()
    picture[150:200, 30:60] = 0  # so that it is no mirror image of itself
    face, other = finder.find(picture), finder.find(np.ascontiguousarray(picture[:, ::-1]))
    mirrored = [255, 0] - other.points[[1, 0, 2, 3, 4]] * [1, -1]
    assert np.allclose(face.points, mirrored, atol=2.0)
    assert face.score == pytest.approx(other.score, abs=0.05)


@pytest.mark.slow
def test_two_faces_are_both_found_and_the_larger_comes_first(finder):
    picture = np.full((256, 480, 3), (150, 190, 220), np.uint8)
    picture[:, :256] = cartoon()
    picture[40:216, 280:456] = cv2.resize(cartoon(), (176, 176), interpolation=cv2.INTER_AREA)
    faces = finder.find_all(picture)
    assert len(faces) == 2
    assert faces[0].points[:, 0].max() < 256 < 280 < faces[1].points[:, 0].min()


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 700, 3), 90, np.uint8),
        np.full((700, 2, 3), 90, np.uint8),
        np.zeros((256, 256, 3), np.uint8),
        np.full((300, 200, 3), 127, np.uint8),
        np.full((64, 64, 3), 255, np.uint8),
        noise(200, 300),
        noise(9, 7),
    ],
    ids=["1px", "line", "column", "black", "grey", "white", "noise", "tiny"],
)
def test_there_is_no_face_where_there_is_nothing(finder, picture):
    assert finder.find(picture) is None


@pytest.mark.slow
def test_a_face_is_found_in_a_huge_picture(finder):
    picture = np.full((3000, 9000, 3), 200, np.uint8)
    picture[500:2500, 6000:8000] = cv2.resize(cartoon(), (2000, 2000))
    face = finder.find(picture)
    wanted = typical(np.array([[1.0, 0, 6000], [0, 1, 500]]), 2000)
    assert np.linalg.norm(face.points - wanted.points, axis=1)[[0, 1, 3]].max() < 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((20, 20), np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((20, 20, 3), np.float32),
        np.zeros((0, 20, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(finder, picture):
    with pytest.raises(ValueError, match="uint8"):
        finder.find(picture)


@pytest.mark.slow
def test_a_least_score_of_zero_gives_finite_points_everywhere(finder):
    for picture in (noise(120, 90), cartoon(64)):
        for face in finder.find_all(picture, 0.0):
            assert np.isfinite(face.points).all() and (face.sizes > 0).all()
            assert 0 <= face.score <= 1


# ------------------------------------------------------------------------------------------ tools


@pytest.fixture
def views(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import drawn_landmark_views

    return drawn_landmark_views


@pytest.fixture
def example(views):
    face = typical(side=256)
    return views.Example(cartoon(), TYPICAL, face.sizes / 256)


def test_every_view_keeps_its_points_inside_and_on_the_face(views, example):
    rng = np.random.default_rng(0)
    for _ in range(40):
        view = views.face_view(example, [noise(256, 256)], rng)
        assert view.rgb.shape == (96, 96, 3) and view.rgb.dtype == np.uint8
        assert view.points.min() > 0.02 and view.points.max() < 0.98
        assert view.points[0, 0] < view.points[1, 0]  # left stays left, also when mirrored
        matrix = fit_similarity(view.points, TYPICAL)
        assert np.abs(transform(view.points, matrix) - TYPICAL).max() < 0.05


def test_without_strength_the_view_is_the_picture(views, example):
    view = views.face_view(example, [], np.random.default_rng(0), strength=0.0)
    assert np.allclose(view.points, TYPICAL)
    small = cv2.resize(cartoon(), (96, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(view.rgb.astype(int) - small).mean() < 4


def test_equal_seeds_give_equal_views(views, example):
    def show(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return np.stack(
            [views.face_view(example, [], rng).rgb, views.empty_view([example], [], rng).rgb]
        )

    assert (show(3) == show(3)).all()
    assert (show(3) != show(4)).any()


def test_parts_that_are_no_face_are_left_out(views):
    good = {
        "p": 0.99,
        "re": [0.23, 0.27, 0.19, 0.15],
        "le": [0.585, 0.27, 0.19, 0.15],
        "mouth": [0.44, 0.57, 0.12, 0.06],
        "nose": [0.483, 0.488],
        "chin": [0.477, 0.719],
    }
    assert np.allclose(views.geometry(good)[0], TYPICAL, atol=0.01)
    assert views.credible(good)
    assert not views.credible({**good, "p": 0.3})
    assert not views.credible({**good, "mouth": [0.1, 0.1, 0.12, 0.06]})
    tiny = {k: v if k == "p" else (np.array(v) * 0.3).tolist() for k, v in good.items()}
    assert not views.credible(tiny)


def test_a_face_in_a_larger_picture_lies_where_its_points_say(views, example):
    picture, points = views.scattered(example, [], np.random.default_rng(1), 0.4)
    matrix = fit_similarity(points, TYPICAL * 256 - 0.5)
    back = cv2.warpAffine(picture, matrix, (256, 256))
    assert np.abs(back.astype(int) - cartoon())[60:200, 60:200].mean() < 8
    assert invert(matrix)[0, 0] < 1


def test_a_run_that_was_cut_off_ends_as_one_that_was_not(views, example, tmp_path):
    torch = pytest.importorskip("torch")
    import train_drawn_landmarks as tool

    config = tool.TrainingConfig(steps=3, batch=4)

    def run(folder: Path, until: int):
        folder.mkdir(exist_ok=True)
        trainer = tool.Trainer(config, folder)
        while trainer.step < until:
            trainer.advance(*tool.batch_of([example] * 4, [], trainer.step, config))
        trainer.save()
        return trainer.mean.state_dict()

    whole = run(tmp_path / "whole", 3)
    run(tmp_path / "cut", 2)
    again = run(tmp_path / "cut", 3)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_loss_falls_when_one_face_is_learnt(views, example, tmp_path):
    pytest.importorskip("torch")
    import train_drawn_landmarks as tool

    config = tool.TrainingConfig(steps=200, batch=6)
    trainer = tool.Trainer(config, tmp_path)
    batch = tool.batch_of([example] * 6, [], 0, config)
    losses = [trainer.advance(*batch) for _ in range(12)]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_the_onnx_file_says_what_the_network_says(views, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    import onnxruntime
    from drawn_landmark_net import DrawnLandmarkNet, export

    torch.manual_seed(0)
    net = DrawnLandmarkNet()
    export(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    for shape in ((2, 3, 96, 96), (1, 3, 64, 160)):
        image = torch.rand(shape)
        with torch.no_grad():
            wanted = net(image)
        found = session.run(["cells", "maps"], {"image": image.numpy()})
        for a, b in zip(wanted, found, strict=True):
            assert a.shape == b.shape
            assert np.abs(a.numpy() - b).max() < 0.02


# --- beside the detector and the mesh


def test_a_drawn_face_as_a_detector_gives_it_is_aligned_the_same_way():
    face = typical(turned(20, 2.5, 40, 10))
    assert np.allclose(similarity(as_face(face).landmarks), template_similarity(face), atol=1e-3)


def test_drawn_faces_are_looked_for_only_where_no_other_is_found():
    photographed = face_at(turned(0, 1, 0, 0))
    drawn = SimpleNamespace(find_all=lambda rgb: [typical()])
    assert DrawnToo(Finds(photographed), lambda: drawn).detect(cartoon()) == [photographed]
    assert [face.score for face in DrawnToo(Finds(), lambda: drawn).detect(cartoon())] == [0.9]


@pytest.mark.slow
def test_a_cartoon_is_aligned_by_its_own_points_and_has_a_mesh():
    rgb = cv2.copyMakeBorder(cartoon(), 60, 20, 90, 30, cv2.BORDER_REPLICATE)
    geometry = Geometry()
    detector = DrawnToo(Finds(), lambda: geometry.drawn)
    (aligned,), _ = select(Photo(rgb), FaceChoice(), detector)
    known = geometry.known(aligned, rgb)
    assert known.mesh.source == "boxes" and known.zones[2].sum() > 1
    eyes = known.mesh.points[:, :2][[list(eye) for eye in EYES]].mean(1)
    assert np.allclose(eyes, TEMPLATE[:2], atol=0.04)


@pytest.mark.slow
def test_a_photographed_face_is_not_taken_for_a_drawn_one():
    rgb = image_io.read(Path(__file__).parents[1] / "examples" / "astronaut.png").rgb
    geometry = Geometry()
    (aligned,), _ = select(Photo(rgb), FaceChoice(), load_detector())
    known = geometry.known(aligned, rgb)
    assert known.mesh.source == "mesh" and (known.matrix == aligned.matrix).all()
