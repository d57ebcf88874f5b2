"""The user's colours and backgrounds with the embedded weights, on the astronaut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hasnet_models import image_io
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.reading import reference_of
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.fine_zones import fine_zones
from hasnet_models.controls.zone_choice import parse_colours
from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.topology.zone_names import ZONES

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def face(networks):
    return networks.crop(image_io.read(ASTRONAUT))[0]


@pytest.fixture(scope="module")
def reference(networks, face):
    """Her own picture in gray, as a sketch would have it."""
    gray = cv2.cvtColor(face.crop, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
    return reference_of(replace(face, crop=gray), "gray", networks.embed)


def zone_mean(face, rgb: np.ndarray, zone: str) -> np.ndarray:
    """Mean Lab of a picture in a zone of the source."""
    share = fine_zones(face.crop, face.mesh.points, face.person)[ZONES.index(zone)] ** 2
    small = cv2.resize(rgb, share.shape[::-1], interpolation=cv2.INTER_AREA)
    return (to_lab(small) * share[..., None]).sum((0, 1)) / share.sum()


@pytest.mark.parametrize(
    ("zone", "code"), [("hair", "#3060a0"), ("skin", "#60a050"), ("lips", "#cc2244"),
                       ("background", "#204080"), ("clothes", "#a0a020")],
)  # fmt: skip
def test_rt_net_paints_a_zone_in_the_user_s_colour(networks, face, reference, zone, code):
    (one,) = colours = parse_colours([f"{zone}={code}"])
    goal = to_lab(one.colour)
    look = Look(shape=0.0, colour=colours)
    before = networks.render(face, reference, None, replace(look, colour=()))
    after = networks.render(face, reference, None, look)
    for name, least in (("x_rt", 0.5), ("x_map", 0.5), ("x_tt", 0.4)):
        chroma = zone_mean(face, getattr(after, name), one.zone)[1:]
        assert chroma @ goal[1:] > least * (goal[1:] @ goal[1:]), name
    far, near = (abs(zone_mean(face, s.x_rt, one.zone)[0] - goal[0]) for s in (before, after))
    assert near < far + 3
    others = [z for z in ("skin", "hair", "rest") if z != one.zone]
    for other in others:
        moved = zone_mean(face, after.x_rt, other) - zone_mean(face, before.x_rt, other)
        assert np.abs(moved[1:]).max() < 8, other


def test_kept_skin_has_the_photo_s_chroma(networks, face, reference):
    steps = networks.render(face, reference, None, Look(shape=0.0, keep=("skin",)))
    own = zone_mean(face, face.crop, "skin")[1:]
    assert np.abs(zone_mean(face, steps.x_tt, "skin")[1:] - own).max() < 5
    assert np.abs(zone_mean(face, steps.x_tt, "rest")[1:]).max() < 4


def test_the_person_of_an_avatar(networks, face, reference):
    look = Look(background=Background.parse("blur"))
    person = networks.render(face, reference, None, look).person
    assert person.shape == (512, 512) and person[200:400, 180:330].min() > 240
    assert person[5:60, 5:30].max() < 10
