"""The avatar goes back exactly where its face was cut out."""

from __future__ import annotations

import numpy as np
import pytest
from test_face import turned, waves

from hasnet_models.face.align import warp
from hasnet_models.face.paste import feathered_mask, paste
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import invert, transform

FRAMES = {
    "enlarging": turned(0.3, 2.0, -100, -300),
    "shrinking": turned(-0.2, 0.4, 60, 30),
    "over the edge": turned(0.1, 1.0, 250, 300),
}


@pytest.mark.parametrize("name", FRAMES)
def test_the_crop_itself_changes_nothing_to_speak_of(name: str) -> None:
    photo = waves(700, 900, period=60)
    matrix = FRAMES[name]
    result = paste(photo, warp(photo, matrix), AlignedFace(warp(photo, matrix), matrix))
    assert np.abs(result.astype(int) - photo).mean() < 1.0
    assert np.percentile(np.abs(result.astype(int) - photo), 99) <= 8


@pytest.mark.parametrize("name", FRAMES)
def test_the_avatar_stands_in_its_frame_only(name: str) -> None:
    photo = np.full((700, 900, 3), 40, np.uint8)
    matrix = FRAMES[name]
    avatar = np.full((512, 512, 3), 220, np.uint8)
    result = paste(photo, avatar, AlignedFace(avatar, matrix))
    y, x = np.mgrid[:700, :900]
    at = transform(np.stack([x, y], axis=-1).reshape(-1, 2), matrix).reshape(700, 900, 2)
    margin = 3 + 2 * np.hypot(*matrix[:, 0])
    outside = ((at < -margin) | (at > 511 + margin)).any(-1)
    deep = ((at > 75) & (at < 436)).all(-1)
    assert (result[outside] == 40).all()
    assert (result[deep] == 220).all()
    assert (photo == 40).all()  # the photo itself is untouched


def test_the_border_is_soft() -> None:
    photo = np.zeros((512, 512, 3), np.uint8)
    avatar = np.full_like(photo, 255)
    row = paste(photo, avatar, AlignedFace(avatar, np.eye(2, 3)))[256, :, 0].astype(int)
    assert np.abs(np.diff(row)).max() < 12
    assert (row[0], row[256], row[-1]) == (0, 255, 0)


def test_avatars_of_any_side_fit_the_frame() -> None:
    photo = np.zeros((600, 600, 3), np.uint8)
    matrix = turned(0.2, 1.3, 10, -50)
    results = [
        paste(photo, np.full((side, side, 3), 200, np.uint8), AlignedFace(photo, matrix))
        for side in (64, 512, 1024)
    ]
    for result in results:
        assert np.abs(result.astype(int) - results[1]).mean() < 2


def test_a_frame_wholly_beyond_the_photo() -> None:
    photo = waves(50, 50)
    away = np.array([[1.0, 0, 5000], [0, 1.0, 5000]])
    avatar = np.zeros((512, 512, 3), np.uint8)
    assert (paste(photo, avatar, AlignedFace(avatar, away)) == photo).all()


def test_no_feather_is_a_hard_edge() -> None:
    assert feathered_mask(64, 0.0).min() == pytest.approx(0.25, abs=0.26)
    assert feathered_mask(64, 0.0)[1:-1, 1:-1].min() == 1
    mask = feathered_mask(100)
    assert np.allclose(mask, mask[::-1]) and np.allclose(mask, mask.T)


def test_round_trip_of_points() -> None:
    points = np.random.default_rng(0).uniform(0, 500, (9, 2))
    for matrix in FRAMES.values():
        assert np.allclose(transform(transform(points, matrix), invert(matrix)), points)
