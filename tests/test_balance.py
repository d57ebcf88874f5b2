"""References that are chosen evenly over skin lightness."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from test_make_references import pool
from test_reference import full, reference

from hasnet_models.authoring.balance import (
    choose_evenly,
    lightness_of_face,
    lightness_of_reference,
    quotas,
)
from hasnet_models.authoring.selection import choose
from hasnet_models.face.types import AlignedFace
from hasnet_models.topology.zones import zone_maps


def lit(count: int, lightness) -> list:
    return [replace(one, lightness=lightness(i)) for i, one in enumerate(pool(count))]


def test_few_dark_faces_among_many_light_ones_are_as_many_as_any():
    skewed = lit(120, lambda i: 30.0 if i % 6 == 0 else 60 + 20 * i / 120)
    plain, evenly = (
        sum(one.lightness < 40 for one in choosing(skewed, 36))
        for choosing in (choose, choose_evenly)
    )
    assert plain < 9 and evenly == 12  # one of the four levels is empty
    files = [one.file for one in choose_evenly(skewed, 36)]
    assert len(set(files)) == 36 and files == [one.file for one in choose_evenly(skewed, 36)]


def test_where_a_level_has_too_few_others_give_more():
    chosen = choose_evenly(lit(60, lambda i: 20.0 if i < 2 else 80 - 10 * (i % 3)), 36)
    assert len(chosen) == 36


def test_faces_whose_skin_is_not_known_are_left_out_while_there_are_others():
    half = lit(80, lambda i: math.nan if i % 2 else float(i))
    assert all(math.isfinite(one.lightness) for one in choose_evenly(half, 36))
    unknown = (choosing(pool(60), 36) for choosing in (choose, choose_evenly))
    assert len({tuple(one.file for one in chosen) for chosen in unknown}) == 1


@pytest.mark.parametrize("lightness", [50.0, 0.0])
def test_one_lightness_for_all_is_no_matter(lightness):
    assert len(choose_evenly(lit(60, lambda _: lightness), 36)) == 36


@pytest.mark.parametrize(
    ("sizes", "count", "found"),
    [
        ([9, 9, 9, 9], 8, [2, 2, 2, 2]),
        ([1, 9, 0, 9], 9, [1, 4, 0, 4]),
        ([2, 3], 36, [2, 3]),
        ([5, 5], 3, [1, 2]),
    ],
)
def test_quotas(sizes, count, found):
    assert quotas(sizes, count) == found


def test_the_lightness_is_that_of_the_skin_alone():
    zones = zone_maps(None)
    skin = np.kron(zones[0] > 0.05, np.ones((4, 4)))[..., None] > 0
    light, dark = (
        AlignedFace(np.uint8(np.where(skin, a, b)).repeat(3, 2), np.eye(2, 3), zones=zones)
        for a, b in ((255, 0), (0, 255))
    )
    assert lightness_of_face(light) > 95 and lightness_of_face(dark) < 5
    assert math.isnan(lightness_of_face(replace(light, zones=None)))


def test_the_lightness_of_a_reference():
    shares = np.zeros((20, 6), np.float32)
    shares[3] = 1
    palette = np.zeros((20, 3), np.uint8)
    palette[3] = 255
    white = replace(full("a", 1), palette=palette, shares=shares)
    assert lightness_of_reference(white) == pytest.approx(100, abs=0.1)
    assert math.isnan(lightness_of_reference(reference()))
