"""Loops made of a finished avatar: what moves, what does not, and the files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakePipeline, picture
from PIL import Image, ImageSequence

from hasnet_models import image_io
from hasnet_models.animation import blinking, morphing, turning, writing
from hasnet_models.animation.kinds import KINDS, frames_of
from hasnet_models.animation.names import ANIMATIONS
from hasnet_models.animation.scene import Scene, flow_between, with_still_ground
from hasnet_models.animation.timing import DELAY_MS, there_and_back
from hasnet_models.errors import ImageError
from hasnet_models.face.types import FaceMesh
from hasnet_models.topology.flow import jacobians
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import EYES, FACE_OVAL, NOSE_TIP

SIDE = 256


def textured(seed: int, side: int = SIDE) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def scene() -> Scene:
    points = mean_face()
    person = np.zeros((64, 64), np.float32)
    person[8:, 12:52] = 1
    return Scene(textured(1), textured(2), points, points + np.array([0.01, -0.02, 0]), person)


def eye_box(points: np.ndarray, eye: tuple[int, ...]) -> tuple[slice, slice]:
    places = points[list(eye), :2] * SIDE
    (x1, y1), (x2, y2) = np.floor(places.min(0)).astype(int), np.ceil(places.max(0)).astype(int)
    return slice(y1, y2), slice(x1, x2)


# ---------------------------------------------------------------------------------- every kind


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_a_loop_is_seamless_and_short(kind):
    values = np.array(KINDS[kind].values())
    steps = np.abs(np.diff(np.append(values, values[0])))
    assert 1500 <= len(values) * DELAY_MS <= 3000
    assert steps[-1] <= steps.max() and np.ptp(values) > 0.9


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_frames_keep_size_kind_and_the_edge_of_the_frame(scene, kind):
    frames = frames_of(scene, kind)
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((SIDE, SIDE, 3), "uint8")}
    assert len({frame.tobytes() for frame in frames}) > 3
    if kind != "morph":
        for frame in frames:
            np.testing.assert_array_equal(frame[[0, -1]], scene.avatar[[0, -1]])
            np.testing.assert_array_equal(frame[:, [0, -1]], scene.avatar[:, [0, -1]])


def test_an_equal_frame_is_drawn_once(scene):
    frames = frames_of(scene, "blink")
    assert len({id(frame) for frame in frames}) == len(set(blinking.values())) < len(frames)


# --------------------------------------------------------------------------------------- blink


def test_a_blink_changes_the_eyes_and_nothing_below_them(scene):
    closed = blinking.frame(scene, 1.0)
    changed = (closed != scene.avatar).any(2)
    for eye in EYES:
        assert changed[eye_box(scene.goal, eye)].mean() > 0.4
    lowest = scene.goal[[i for eye in EYES for i in eye], 1].max() * SIDE
    assert not changed[int(lowest) + 3 :].any()
    np.testing.assert_array_equal(blinking.frame(scene, 0.0), scene.avatar)


def test_a_closed_lid_covers_the_eye_with_the_skin_above(scene):
    avatar = np.full((SIDE, SIDE, 3), 200, np.uint8)
    for eye in EYES:
        avatar[eye_box(scene.goal, eye)] = 0
    dark = [(blinking.frame(replace(scene, avatar=avatar), c) < 100).sum() for c in (0, 0.5, 1)]
    assert dark[0] > dark[1] > dark[2]


def test_a_large_drawn_eye_is_closed_by_the_colour_below_it(scene):
    goal = scene.goal.copy()
    for eye in map(list, EYES):
        goal[eye, 1] = 0.5 + (goal[eye, 1] - goal[eye, 1].mean()) * 5
    avatar = np.full((SIDE, SIDE, 3), (240, 200, 180), np.uint8)
    for eye in EYES:
        outline = np.round(goal[list(eye), :2] * SIDE - 0.5).astype(np.int32)
        cv2.fillPoly(avatar, [outline], (10, 10, 90))
    closed = blinking.frame(replace(scene, avatar=avatar, goal=goal), 1.0)
    rows, columns = eye_box(goal, EYES[0])
    middle = closed[(rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2]
    np.testing.assert_allclose(middle, (240, 200, 180), atol=2)


@pytest.mark.parametrize("shift", [(-2, 0), (2, 0), (0, -2), (0, 2), (0.5, 0), (-0.5, 0.5)])
def test_eyes_beyond_the_frame_are_no_fault(scene, shift):
    moved = replace(scene, goal=scene.goal + np.array([*shift, 0]))
    assert blinking.frame(moved, 0.7).shape == (SIDE, SIDE, 3)


def test_eyes_in_one_point_are_no_fault(scene):
    goal = scene.goal.copy()
    for eye in map(list, EYES):
        goal[eye] = goal[eye].mean(0)
    assert blinking.frame(replace(scene, goal=goal), 1.0).shape == (SIDE, SIDE, 3)


# ---------------------------------------------------------------------------------------- turn


def test_the_nose_goes_farther_than_the_ears(scene):
    turned = turning.turned(scene.goal, 8.0)
    across = turned[:, 0] - scene.goal[:, 0]
    outline = across[list(FACE_OVAL)]
    assert across[NOSE_TIP] > 0.02 > np.abs(outline).min()
    np.testing.assert_array_equal(turned[:, 1], scene.goal[:, 1])
    np.testing.assert_allclose(turning.turned(turned, 0), turned)


def test_a_turn_does_not_fold_and_leaves_the_ground_alone(scene):
    flow = flow_between(scene.goal, turning.turned(scene.goal, 8.0))
    still = with_still_ground(flow, scene.person)
    assert jacobians(still).min() > 0
    assert np.abs(still[:, :, :2]).max() < 1e-3 < np.abs(still[:, 30:34, 30:34]).max()
    assert with_still_ground(flow, None) is flow


def test_a_turn_to_both_sides_goes_through_the_avatar(scene):
    assert turning.frame(scene, 0.0) is scene.avatar
    left, right = turning.frame(scene, -1.0), turning.frame(scene, 1.0)
    assert (left != right).any()


# --------------------------------------------------------------------------------------- morph


def test_a_morph_begins_with_the_photo_and_reaches_the_avatar(scene):
    frames, values = frames_of(scene, "morph"), morphing.values()
    assert values[0] == 0 and max(values) == 1
    np.testing.assert_array_equal(frames[0], scene.photo)
    np.testing.assert_array_equal(frames[values.index(1)], scene.avatar)


def test_half_way_a_morph_is_the_mean_where_the_points_are_the_same(scene):
    half = morphing.frame(replace(scene, goal=scene.points), 0.5)
    mean = (scene.photo.astype(float) + scene.avatar) / 2
    assert abs(half - mean).max() <= 1


def test_a_way_there_is_the_way_back():
    shares = [there_and_back(i / 36, 0.16) for i in range(37)]
    assert shares == shares[::-1] and shares[0] == 0 and shares[18] == 1


# --------------------------------------------------------------------------------------- files


@pytest.fixture(scope="module")
def frames(scene):
    return frames_of(scene, "morph")[::6]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_a_file_holds_every_frame_for_ever_and_how_it_was_made(tmp_path, frames, suffix):
    path = tmp_path / f"loop{suffix}"
    writing.write(frames, path, quality=95, metadata={"version": "1", "animate": "morph"})
    with Image.open(path) as image:
        shown = [np.asarray(one.convert("RGB"), int) for one in ImageSequence.Iterator(image)]
        assert image.info["loop"] == 0
    assert len(shown) == len(frames)
    assert np.mean([abs(a - b).mean() for a, b in zip(shown, frames, strict=True)]) < 12
    assert image_io.read_metadata(path)["animate"] == "morph"


@pytest.mark.parametrize("side", [64, 63])
def test_mp4_holds_every_frame_of_any_side(tmp_path, side):
    av = pytest.importorskip("av")
    frames = [np.full((side, side, 3), 50 + 40 * i, np.uint8) for i in range(4)]
    writing.write(frames, tmp_path / "loop.mp4", quality=95, metadata={"animate": "turn"})
    with av.open(str(tmp_path / "loop.mp4")) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert json.loads(container.metadata["comment"])["hasnet"] == {"animate": "turn"}
    assert len(shown) == 4 and shown[0].shape == (64, 64, 3)
    for one, frame in zip(shown, frames, strict=True):
        assert abs(one[:side, :side].astype(int) - frame).max() < 6


def test_colours_of_a_gif_are_the_same_in_every_frame(scene):
    pictures = [Image.fromarray(textured(seed)) for seed in range(3)]
    palettes = {bytes(one.getpalette()) for one in writing.in_one_palette(pictures)}
    assert len(palettes) == 1


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path, frames):
    with pytest.raises(ImageError, match="cannot be written"):
        writing.write(frames, tmp_path / "no" / "a.gif", quality=95, metadata={})
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------- the command line


@pytest.fixture
def here(run, site, pipeline, monkeypatch):
    """`hasnet` in a folder with a photo whose face has a mesh, and one domain."""
    site.install("pencil")
    picture("face.png")
    plain = FakePipeline.crop

    def with_mesh(self, photo, *choice):
        aligned, notes = plain(self, photo, *choice)
        return replace(aligned, mesh=FaceMesh(mean_face().astype(np.float32), 1.0)), notes

    monkeypatch.setattr(FakePipeline, "crop", with_mesh)
    return run


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_an_avatar_moves(here, kind):
    args = ("avatar", "face.png", "--domain", "pencil", "--animate", kind, "--size", "32")
    assert here(*args) == (0, f"face-pencil-{kind}.gif\n", "")
    with Image.open(f"face-pencil-{kind}.gif") as image:
        assert image.size == (32, 32)
    found = json.loads(here("explain", f"face-pencil-{kind}.gif", "--json").out)
    assert f"--animate {kind}" in found["command"] and "--size 32" in found["command"]


@pytest.mark.parametrize(
    "args",
    [
        ("-o", "a.png"),
        ("-o", "a.jpg"),
        ("-o", "a"),
        ("-o", "-"),
        ("-o", "no/folder/a.gif"),
        ("--paste",),
        ("--face", "all"),
        ("--background", "transparent"),
        ("--animate", "dance"),
    ],
)
def test_what_cannot_move_is_2_before_any_work(here, pipeline, args):
    code, out, err = here(
        "avatar", "face.png", "--domain", "pencil", "--animate", "blink", *args
    )
    assert code == 2 and out == "" and "Traceback" not in err
    assert pipeline.rendered == []


def test_an_input_is_not_written_over(here, pipeline):
    Image.open("face.png").save("face.gif")
    before = Path("face.gif").read_bytes()
    args = ("avatar", "face.gif", "--domain", "pencil", "--animate", "turn", "-o", "face.gif")
    assert here(*args).code == 2 and Path("face.gif").read_bytes() == before


def test_without_pyav_mp4_is_2(here, pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    args = ("avatar", "face.png", "--domain", "pencil", "--animate", "turn", "-o", "a.mp4")
    code, _, err = here(*args)
    assert code == 2 and "hasnet[video]" in err and pipeline.rendered == []


def test_a_face_without_a_mesh_is_4(run, site, pipeline):
    site.install("pencil")
    picture("face.png")
    code, out, err = run("avatar", "face.png", "--domain", "pencil", "--animate", "blink")
    assert (code, out) == (4, "") and "cannot be animated" in err
    assert not Path("face-pencil-blink.gif").exists()


def test_a_batch_has_no_such_option(run, pipeline):
    assert run("batch", ".", "-o", "out", "--animate", "blink").code == 2
