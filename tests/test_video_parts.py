from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from fakes import face_at

from hasnet_models.face.choice import FaceChoice
from hasnet_models.frame import box_similarity, invert, similarity
from hasnet_models.opencv import cv2
from hasnet_models.video import flicker
from hasnet_models.video.cuts import CutDetector
from hasnet_models.video.one_euro import OneEuro
from hasnet_models.video.steadying import Steadier
from hasnet_models.video.tracking import Tracker, overlap

STEP = 0.04


def texture(seed: int = 0, height: int = 120, width: int = 160) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3))
    calm = cv2.GaussianBlur(noise, (0, 0), 4)
    return (calm / calm.std() * 40 + 128).clip(0, 255).astype(np.uint8)


# ------------------------------------------------------------------------------------ One-Euro


def test_jitter_at_rest_is_calmed():
    rng, one = np.random.default_rng(0), OneEuro(1.0, 0.02)
    found = rng.normal(0, 1, (200, 5))
    calm = np.array([one.step(x, i * STEP) for i, x in enumerate(found)])
    assert calm[50:].std() < 0.4 * found[50:].std()


def test_a_fast_movement_lags_little_and_a_constant_is_itself():
    slow, fast = OneEuro(1.0, 0.0), OneEuro(1.0, 2.0)
    for i in range(50):
        a, b = (one.step(np.array([10.0 * i * STEP]), i * STEP) for one in (slow, fast))
    aim = 10 * 49 * STEP
    assert aim - b[0] < 0.4 * (aim - a[0])
    still = OneEuro(1.0, 1.0)
    assert all(still.step(np.array([3.0]), i * STEP)[0] == 3 for i in range(9))


def test_time_that_stands_still_or_another_shape_begins_anew():
    one = OneEuro(1.0, 1.0)
    one.step(np.zeros(2), 1.0)
    assert one.step(np.ones(2), 1.0).tolist() == [1, 1]
    assert one.step(np.full(3, 2.0), 2.0).tolist() == [2, 2, 2]


# ---------------------------------------------------------------------------------------- cuts


def test_a_cut_is_found_and_light_and_movement_are_none():
    cuts = CutDetector()
    shot, other = texture(1), (texture(2) // 2 + np.array([100, 0, 30], np.uint8)).astype(np.uint8)
    assert cuts.step(shot)
    lit = [np.roll(shot, i, 1).astype(float) * (1 - 0.02 * i) for i in range(1, 15)]
    assert not any(cuts.step(one.astype(np.uint8)) for one in lit)
    assert cuts.step(other)
    assert not cuts.step(other)


# ------------------------------------------------------------------------------------ tracking


def face(x: float, y: float = 20, side: float = 48):
    return face_at(box_similarity(np.array([x, y, x + side, y + side])))


def unit(*values: float) -> np.ndarray:
    vector = np.array([*values, 0.0][:2], np.float32)
    return vector / np.linalg.norm(vector)


class Names:
    """z_id by what the test says is looked at next."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)

    def __call__(self, crop):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


A, B = unit(1, 0), unit(0, 1)


def test_overlap_of_boxes():
    box = np.array([0.0, 0, 10, 10])
    assert overlap(box, box) == 1
    assert overlap(box, box + 20) == 0
    assert overlap(box, box + np.array([5, 0, 5, 0])) == pytest.approx(1 / 3)
    assert overlap(np.zeros(4), np.zeros(4)) == 0


def test_a_face_is_followed_and_another_is_another():
    tracker, rgb = Tracker(Names(A, B), FaceChoice("all")), texture()
    for i in range(5):
        here = tracker.step(rgb, [face(10 + 2 * i), face(90)], i * STEP)
    assert [track.number for track in here] == [0, 1]
    assert here[0].box[0] > 15


def test_the_frame_rests_on_a_still_face_and_follows_one_that_moves():
    chance = np.random.default_rng(0)
    tracker, rgb = Tracker(Names(A)), texture()
    places = np.concatenate([np.full(40, 30.0), 30 + 1.5 * np.arange(1, 25)])
    seen, raw = [], []
    for i, x in enumerate(places):
        there = face(x)
        there = replace(
            there, landmarks=(there.landmarks + chance.normal(0, 0.1, (5, 2))).astype(np.float32)
        )
        (track,) = tracker.step(rgb, [there], i * STEP)
        seen.append(invert(track.matrix)[:, 2])
        raw.append(invert(similarity(there.landmarks))[:, 2])
    steps, wild = (np.linalg.norm(np.diff(one, axis=0), axis=1) for one in (seen, raw))
    assert steps[10:39].mean() < 0.15 * wild[10:39].mean()
    assert np.linalg.norm(seen[-1] - np.mean(raw[-3:], 0)) < 4.5  # three frames' way


def test_a_lost_face_moves_on_with_its_pixels_and_fades():
    tracker, rgb = Tracker(Names(A)), texture()
    tracker.step(rgb, [face(40)], 0.0)
    before = tracker.tracks[0].corners.value.copy()
    for i in range(1, 4):
        here = tracker.step(np.roll(rgb, 2 * i, 1), [], i * STEP)
    assert here[0].weight == 1
    moved = (here[0].corners.value - before).mean(0)
    assert moved == pytest.approx([6, 0], abs=1)
    weights = []
    for i in range(4, 30):
        tracker.step(np.roll(rgb, 6, 1), [], i * STEP)
        weights.append(tracker.tracks[0].weight)
    assert all(0 <= a - b <= 0.2 for a, b in itertools.pairwise(weights))
    assert weights[-1] == 0 and tracker.tracks[0].asleep


def test_after_a_cut_the_person_is_known_again():
    tracker = Tracker(Names(A, B, A), FaceChoice("all"))
    one, two = texture(1), 255 - texture(2) // 2
    tracker.step(one, [face(10)], 0.0)
    tracker.step(two, [face(10)], STEP)  # the same place, another person
    assert [t.number for t in tracker.tracks if not t.asleep] == [1]
    here = tracker.step(one, [face(60)], 2 * STEP)
    assert [t.number for t in here] == [0] and len(tracker.tracks) == 2
    assert here[0].weight == 1 and here[0].cut_in


def test_a_newcomer_fades_in():
    tracker, rgb = Tracker(Names(A), FaceChoice("all")), texture()
    tracker.step(rgb, [], 0.0)
    weights = [tracker.step(rgb, [face(40)], i * STEP)[0].weight for i in range(1, 9)]
    assert weights[0] < 0.3 and weights == sorted(weights) and weights[-1] == 1


def test_who_takes_a_place_in_a_blend_is_someone_else():
    tracker, rgb = Tracker(Names(A, B), FaceChoice("all")), texture()
    for i in range(60):
        here = tracker.step(rgb, [face(40)], i * STEP)
    assert [track.number for track in here] == [1]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("largest", 60), ("1", 0), ("2", 60), ("0,0,60,90", 0)],
)
def test_the_choice_is_made_once(choice, wanted):
    tracker, rgb = Tracker(Names(A, B), FaceChoice.parse(choice)), texture()
    tracker.step(rgb, [face(60, 10, 70), face(0)], 0.0)
    here = tracker.step(rgb, [face(60, 10, 60), face(0, 20, 66)], STEP)
    chosen = [track for track in here if track.wanted]
    assert len(chosen) == 1 and abs(chosen[0].box[0] - wanted) < 15


def test_like_takes_nobody_who_is_not_alike():
    tracker = Tracker(Names(A), FaceChoice.parse("like:x.png"), like=B)
    assert not tracker.step(texture(), [face(40)], 0.0)[0].wanted
    tracker = Tracker(Names(A), FaceChoice.parse("like:x.png"), like=A)
    assert tracker.step(texture(), [face(40)], 0.0)[0].wanted


# -------------------------------------------------------------------------- steadying, flicker


def test_an_avatar_of_a_still_face_is_calmed_and_a_change_comes_through():
    rng, one, face_ = np.random.default_rng(0), texture(3, 128, 128), texture(4, 128, 128)
    calm, raw, steadier = [], [], Steadier()
    for _ in range(12):
        drawn = (one + rng.normal(0, 12, one.shape)).clip(0, 255).astype(np.uint8)
        raw.append(drawn.astype(float))
        calm.append(steadier.step(face_, drawn).astype(float))
    assert np.abs(np.diff(calm[6:], axis=0)).mean() < 0.3 * np.abs(np.diff(raw[6:], axis=0)).mean()
    other = steadier.step(255 - face_, 255 - one)
    aim = (255 - one).astype(int)
    assert np.abs(other - aim).mean() < 0.25 * np.abs(one - aim).mean()


def test_what_is_drawn_anew_keeps_nothing():
    steadier, face_ = Steadier(), texture(4, 64, 64)
    steadier.step(face_, texture(5, 64, 64))
    drawn = texture(6, 64, 64)
    assert (steadier.step(face_, drawn, anew=True) == drawn).all()


def test_an_avatar_moves_with_the_face():
    steadier, face_, one = Steadier(), texture(4, 256, 256), texture(5, 256, 256)
    steadier.step(face_, one)
    calm = steadier.step(np.roll(face_, 3, 1), np.roll(one, 3, 1))
    assert np.abs(calm.astype(int) - np.roll(one, 3, 1))[20:-20, 20:-20].mean() < 2


def test_flicker_is_what_movement_does_not_explain():
    source = [np.roll(texture(7), 2 * i, 1) for i in range(6)]
    steady = [255 - one for one in source]
    found = flicker.measure(source, steady)
    assert found.ratio == pytest.approx(1, abs=0.2)
    flashing = [(one * (0.9 if i % 2 else 1)).astype(np.uint8) for i, one in enumerate(steady)]
    assert flicker.measure(source, flashing).ratio > 3 * found.ratio
