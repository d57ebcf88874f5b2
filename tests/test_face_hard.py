"""Faces as photos have them: many and small, tilted, cut off by the edge, or none at all."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import Finds, face_at

from hasnet_models import image_io
from hasnet_models.avatar import provenance
from hasnet_models.errors import EXIT_NO_FACE, NoFaceError
from hasnet_models.face.align import share_outside, warp
from hasnet_models.face.centerface import SURE, CenterFace
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.crowd import View, detect_all, distinct, everyone, views
from hasnet_models.face.drawn_too import DrawnToo
from hasnet_models.face.search import locate, locate_reference, select
from hasnet_models.face.types import Face
from hasnet_models.frame import FFHQ_TEMPLATE_512, transform
from hasnet_models.image_io import Photo

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
ALL, AUTO = FaceChoice.parse("all"), FaceChoice()
GROUND = (110, 120, 115)


@cache
def portrait() -> np.ndarray:
    return image_io.read(ASTRONAUT).rgb


@cache
def upright() -> np.ndarray:
    """The landmarks of the portrait's face, and so the truth of all that is made of it."""
    return detector().detect(portrait())[0].landmarks


@cache
def detector() -> CenterFace:
    return CenterFace()


def turned(angle: float, side: int = 640, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The portrait turned clockwise by degrees on a plain ground, and its landmarks."""
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    matrix = np.array([[c, -s, 0.0], [s, c, 0.0]])
    matrix[:, 2] = side / 2 - matrix[:, :2] @ [225, 130]  # about the middle of the face
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    rgb = cv2.warpAffine(portrait(), matrix, (side, side), flags=flags, borderValue=GROUND)
    return rgb, transform(upright(), matrix)


def off(found: np.ndarray, truth: np.ndarray) -> float:
    """The largest error of a landmark in eye distances."""
    eyes = np.linalg.norm(truth[0] - truth[1])
    return float(np.linalg.norm(found - truth, axis=1).max() / eyes)


# ------------------------------------------------------------------------------------------ tilted


@pytest.mark.parametrize("angle", [0, 30, 60, 75, 90, 105, 120, 150, 180, 225, 270, 315])
def test_a_tilted_face_is_cut_out_upright(angle: int) -> None:
    rgb, truth = turned(angle)
    (aligned,), _ = select(Photo(rgb), AUTO, detector())
    assert off(aligned.face.landmarks, truth) < 0.2
    tilt = np.degrees(np.arctan2(-aligned.matrix[1, 0], aligned.matrix[0, 0]))
    assert abs((tilt - angle + 180) % 360 - 180) < 8
    x1, y1, x2, y2 = aligned.face.box
    assert (truth > (x1, y1)).all() and (truth < (x2, y2)).all()


def test_an_upright_face_is_where_it_was_before_tilts_were_looked_for() -> None:
    face = detector().detect(portrait())[0]
    assert (detector()._refined(portrait(), face, 0.0) - face.landmarks < 3).all()
    assert detector()._tilt(portrait(), face, face.landmarks) == 0


def test_tilted_faces_of_a_group() -> None:
    angles = (0, 90, 180, 270)
    shots = [turned(angle, 400, 0.8) for angle in angles]
    faces, _ = select(Photo(np.hstack([rgb for rgb, _ in shots])), ALL, detector())
    assert len(faces) == len(angles)
    for i, (aligned, (_, truth)) in enumerate(zip(faces, shots, strict=True)):
        assert off(aligned.face.landmarks, np.add(truth, (400 * i, 0))) < 0.25


class FindsUpright(CenterFace):
    """As CenterFace, but finds nothing in a look at a picture whose mark is not on the left."""

    def _look(self, rgb, look):
        return super()._look(rgb, look) if rgb[:, :8, 0].mean() > 250 else []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_where_nothing_is_sure_the_picture_is_turned(quarters: int) -> None:
    marked = portrait().copy()
    marked[:, :40] = 255
    turned_by = np.ascontiguousarray(np.rot90(marked, quarters))
    (face,) = FindsUpright().detect(turned_by)
    size = len(marked) - 1
    point = upright()
    for _ in range(quarters):  # numpy.rot90: x, y -> y, size - x
        point = np.stack([point[:, 1], size - point[:, 0]], axis=1)
    assert off(face.landmarks, point) < 0.2


# ------------------------------------------------------------------------------------------- groups


def group(columns: int, rows: int, width: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """The portrait many times, smaller and larger, every second one mirrored; middles of faces."""
    cell = width // columns
    rgb = np.full((cell * rows, width, 3), GROUND, np.uint8)
    middles = []
    for i in range(columns * rows):
        side = round(cell * (0.55 + 0.35 * (i * 7 % 10) / 10))
        one = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
        middle = transform(upright().mean(0)[None], np.eye(2, 3))[0] * side / 512
        if i % 2:
            one, middle = one[:, ::-1], np.array([side - 1 - middle[0], middle[1]])
        left, top = (i % columns) * cell, (i // columns) * cell
        rgb[top : top + side, left : left + side] = one
        middles.append(np.add(middle, (left, top)))
    return rgb, np.array(middles)


def test_all_of_a_large_group_are_found() -> None:
    rgb, middles = group(8, 4)
    faces = detector().detect_all(rgb)
    found = np.array([face.landmarks.mean(0) for face in faces])
    nearest = np.linalg.norm(found[:, None] - middles[None], axis=2)
    assert len(faces) == len(middles) == 32
    assert nearest.min(0).max() < 15 and nearest.min(1).max() < 15


@pytest.mark.parametrize("choice", ["all", "3", "like:me.png"])
def test_whoever_asks_for_more_than_the_largest_has_all_looked_at(choice: str) -> None:
    seen = []

    class Takes(Finds):
        def detect_all(self, rgb):
            seen.append(rgb.shape)
            return self.faces

    faces = [face_at(np.array([[4.0, 0, 256 - 4 * x], [0, 4.0, 0]])) for x in (90, 200, 400)]
    photo = Photo(np.zeros((200, 600, 3), np.uint8))
    select(photo, FaceChoice.parse(choice), Takes(*faces), lambda crop: 1.0)
    select(photo, FaceChoice.parse(choice), DrawnToo(Takes(*faces), lambda: None), lambda _: 1.0)
    assert seen == [photo.rgb.shape] * 2


class Bright:
    """A detector that finds each bright square of at least 16 px in what it is shown, once."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.shapes.append(rgb.shape[:2])
        count, _, stats, _ = cv2.connectedComponentsWithStats((rgb[..., 0] > 200).astype(np.uint8))
        faces = []
        for x, y, width, height, _ in stats[1:count]:
            if min(width, height) < 16:
                continue
            box = np.float32([x, y, x + width - 1, y + height - 1])
            points = FFHQ_TEMPLATE_512 / 512 * [width, height] + [x, y]
            faces.append(Face(box, points.astype(np.float32), 0.9))
        return sorted(faces, key=lambda face: -face.area)


def test_any_detector_sees_small_faces_in_a_large_photo() -> None:
    rgb = np.zeros((2600, 3900, 3), np.uint8)
    places = [(40, 40), (1260, 900), (1700, 1200), (2500, 1270), (3850, 2550), (1300, 2000)]
    for x, y in places:
        rgb[y : y + 32, x : x + 32] = 255
    rgb[100:1500, 100:1100] = 255  # larger than a part
    plain = Bright()
    found = detect_all(plain, rgb)
    assert len(found) == len(places) + 1 and max(max(shape) for shape in plain.shapes) <= 1280
    corners = np.array([face.box[:2] for face in found[1:]])
    for place in places:
        assert np.abs(corners - place).max(1).min() < 4
    assert np.abs(found[0].box - (100, 100, 1100, 1500)).max() < 6


@pytest.mark.parametrize("shape", [(1, 1), (600, 640), (1280, 30), (3000, 4000), (200, 9000)])
def test_views_cover_the_photo(shape: tuple[int, int]) -> None:
    rgb = np.zeros((*shape, 3), np.uint8)
    found = list(views(shape))
    assert found[0].of(rgb).shape[0] > 0
    parts = [view for view in found if any(view.cut)]
    assert all(max(view.of(rgb).shape) <= 1280 for view in found)
    if parts:
        k = parts[0].scale
        covered = np.zeros([round(length * k) for length in shape], bool)
        for view in parts:
            covered[view.top : view.bottom, view.left : view.right] = True
        assert covered.all()
    assert bool(parts) == (max(shape) > 1280)


def test_a_face_of_a_view_comes_back() -> None:
    view = View(0.5, 100, 50, 300, 250, (True, True, False, False))
    face = Face(np.float32([10, 20, 60, 90]), np.float32([[30, 40]] * 5), 0.7)
    back = view.back(face)
    assert back.box.tolist() == [220.5, 140.5, 320.5, 280.5]
    assert back.landmarks[0].tolist() == [260.5, 180.5]
    assert not view.halves(face)
    assert view.halves(Face(np.float32([2, 20, 60, 90]), face.landmarks, 0.7))
    assert not view.halves(Face(np.float32([150, 150, 199, 199]), face.landmarks, 0.7))


def test_each_face_once_the_surest_find_of_it() -> None:
    def at(x, side, score):
        box = np.float32([x, 0, x + side, side])
        return Face(box, np.zeros((5, 2), np.float32), score)

    best, same, inside, other = at(0, 100, 0.9), at(10, 100, 0.8), at(50, 30, 0.6), at(90, 100, 0.5)
    assert distinct([same, other, inside, best]) == [best, other]


def test_a_look_at_a_small_photo_is_one() -> None:
    shapes = []
    everyone(np.zeros((300, 400, 3), np.uint8), lambda rgb: shapes.append(rgb.shape) or [])
    assert shapes == [(300, 400, 3)]


# ------------------------------------------------------------------------------------------- unsure


def unsure(x: float, score: float = 0.28) -> Face:
    found = face_at(np.array([[4.0, 0, 256 - 4 * x], [0, 4.0, 0]]))
    return Face(found.box, found.landmarks, score, sure=False)


PHOTO = Photo(np.zeros((200, 600, 3), np.uint8), name="engine.jpg")
SURELY = face_at(np.array([[4.0, 0, 256 - 4 * 300], [0, 4.0, 0]]))


@pytest.mark.parametrize("choice", ["auto", "largest", "all", "1", "like:me.jpg"])
def test_what_may_be_no_face_is_said_to_be_uncertain(choice: str) -> None:
    finds = Finds(unsure(100, 0.21), unsure(400, 0.28))
    with pytest.raises(NoFaceError, match=r"uncertain.*engine\.jpg.*0\.28") as caught:
        select(PHOTO, FaceChoice.parse(choice), finds, lambda crop: 1.0)
    assert caught.value.exit_code == EXIT_NO_FACE
    box = caught.value.hint.split("face=")[1]
    faces, _ = select(PHOTO, FaceChoice.parse(box), finds)  # what the hint says does it
    assert len(faces) == 1


def test_a_sure_face_beside_unsure_ones() -> None:
    large = unsure(100)
    large = Face(large.box * [1, 1, 3, 3], large.landmarks, 0.3, sure=False)
    faces, notes = select(PHOTO, AUTO, Finds(large, SURELY))
    assert [one.face for one in faces] == [SURELY] and not any("faces found" in n for n in notes)
    assert [one.face for one in select(PHOTO, ALL, Finds(large, SURELY))[0]] == [SURELY]


def test_a_reference_may_be_uncertain_and_says_so() -> None:
    face = unsure(100)
    aligned, notes = locate_reference(PHOTO, AUTO, Finds(face))
    assert aligned.face is face and "0.28" in notes[0]


def test_a_drawn_face_comes_before_an_uncertain_one() -> None:
    class Drawn:
        def find_all(self, rgb):
            return []

    weak = unsure(100)
    assert DrawnToo(Finds(weak), Drawn).detect(PHOTO.rgb) == [weak]
    assert DrawnToo(Finds(SURELY), lambda: None).detect(PHOTO.rgb) == [SURELY]


def machine(seed: int) -> np.ndarray:
    """Discs, spokes and bars, as an engine has them."""
    rng = np.random.default_rng(seed)
    rgb = np.full((480, 640, 3), rng.integers(60, 200), np.uint8)
    for _ in range(40):
        x, y = rng.integers(0, 640), rng.integers(0, 480)
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        radius, width = int(rng.integers(4, 60)), int(rng.integers(-1, 8))
        cv2.circle(rgb, (int(x), int(y)), radius, colour, width)
        end = (int(x + rng.integers(-90, 90)), int(y + rng.integers(-90, 90)))
        cv2.line(rgb, (int(x), int(y)), end, colour, int(rng.integers(1, 12)))
    return cv2.GaussianBlur(rgb, (0, 0), 1.2)


@pytest.mark.parametrize("seed", range(3))
def test_no_sure_face_in_machines(seed: int) -> None:
    assert not any(face.sure for face in detector().detect(machine(seed)))


def test_the_portrait_is_sure() -> None:
    (face,) = detector().detect(portrait())
    assert face.sure and face.score > SURE + 0.2


# --------------------------------------------------------------------------------- beyond the photo

CUTS = {
    "close up": np.s_[85:170, 182:268],
    "head cut off": np.s_[85:400, 100:350],
    "left": np.s_[20:300, 205:420],
    "right": np.s_[20:300, 60:235],
    "below": np.s_[20:150, 120:330],
}


@pytest.mark.parametrize("name", CUTS)
def test_no_second_face_beyond_the_edge(name: str) -> None:
    cut = np.ascontiguousarray(portrait()[CUTS[name]])
    aligned, notes = locate(Photo(cut), AUTO, detector())
    assert len(detector().detect_all(aligned.crop)) == 1
    share = share_outside(cut.shape, aligned.matrix)
    assert 0.1 < share < 0.9
    assert any(f"{share:.0%} of the frame lies beyond the photo" in note for note in notes)


@pytest.mark.parametrize("size", [160, 512])
def test_beyond_the_photo_there_is_no_detail(size: int) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    matrix = np.array([[1.0, 0, size / 2], [0, 1.0, 0]])  # the left half lies outside
    crop = warp(photo, matrix, size).astype(float)
    assert (crop[:, size // 2 :] == photo[:, : size // 2]).all()
    detail = np.abs(np.diff(crop[..., 0], axis=0)).mean(0)
    assert detail[: size // 4].max() < 0.02 * detail[size // 2 :].mean()
    assert abs(crop[:, : size // 4].mean() - 127.5) < 12


def test_the_haze_goes_on_from_the_edge() -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[:150] = (200, 40, 40)
    photo[150:] = (40, 40, 200)
    crop = warp(photo, np.array([[1.0, 0, 200], [0, 1.0, 100]])).astype(int)
    assert np.abs(crop[150, 190] - (200, 40, 40)).max() < 8
    assert np.abs(crop[350, 190] - (40, 40, 200)).max() < 8
    assert 80 < crop[250, 20, 0] < 160  # far away the two are mixed


def test_the_share_beyond_the_photo() -> None:
    assert share_outside((512, 512), np.eye(2, 3)) == 0
    half = np.array([[1.0, 0, 256], [0, 1.0, 0]])
    assert share_outside((512, 512), half) == pytest.approx(0.5, abs=0.01)
    photo = Photo(np.zeros((512, 512, 3), np.uint8))
    assert provenance._outside(photo, half) == "0.500"
    assert provenance._outside(photo, np.eye(2, 3)) == provenance._outside(photo, None) == ""
