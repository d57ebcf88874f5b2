"""Mixtures of references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_reference
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.controls.mix import merged, mix, proportion
from hasnet_models.errors import UsageError
from hasnet_models.plugins.reference import Reference


def whole(name: str, seed: int) -> Reference:
    """A reference with all there is."""
    rng = np.random.default_rng(seed)
    shares = rng.random((20, 6)).astype(np.float32)
    return replace(
        make_reference(name, seed),
        licence="L" + name,
        shares=shares / shares.sum(0),
        shape=rng.normal(0, 0.01, (468, 3)).astype(np.float32),
        appearance=rng.integers(0, 256, (48, 48, 3), dtype=np.uint8),
    )


A, B = whole("a", 1), whole("b", 2)


@pytest.mark.parametrize("weights", [(1, 0), (1.0, 0.0)])
def test_all_of_one_is_that_one(weights):
    assert mix([A, B], weights) is A
    assert mix([A], [1]) is A


def test_vectors_are_averaged_by_weight():
    found = mix([A, B], [0.7, 0.3])
    middle = 0.7 * A.z_id + 0.3 * B.z_id
    np.testing.assert_allclose(found.z_id, middle / np.linalg.norm(middle), atol=1e-6)
    np.testing.assert_allclose(found.shape, 0.7 * A.shape + 0.3 * B.shape, atol=1e-6)
    gap = found.appearance - (0.7 * A.appearance + 0.3 * B.appearance)
    assert np.abs(gap).max() <= 0.51
    assert found.name == "a+b" and found.licence == "La; Lb"


def test_palettes_are_merged_in_proportion():
    found = mix([A, B], [0.7, 0.3])
    of_a = [tuple(c) in {*map(tuple, A.palette)} for c in found.palette]
    assert sum(of_a) == 14 and of_a[0]
    np.testing.assert_allclose(found.shares.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(found.shares[np.array(of_a)].sum(0), 0.7, atol=1e-5)


def test_the_most_used_colours_are_taken_and_the_rest_goes_to_the_nearest():
    shares = np.full((20, 6), 0.01, np.float32)
    shares[[4, 7]] = 0.41
    palette = A.palette.copy()
    palette[0] = palette[7]
    few = replace(A, palette=palette, shares=shares / shares.sum(0))
    colours, found = merged([few, B], [0.1, 0.9])
    (place,) = np.flatnonzero((colours == palette[7]).all(1))
    assert (colours == palette[4]).all(1).any()
    assert found[place].min() > 0.1 * 0.4


def test_what_only_one_has_is_taken_from_it():
    bare = make_reference("c", 3)
    found = mix([A, bare], [0.2, 0.8])
    np.testing.assert_allclose(found.shape, A.shape, atol=1e-6)
    np.testing.assert_array_equal(found.appearance, A.appearance)
    nothing = mix([bare, make_reference("d", 4)], [0.5, 0.5])
    assert nothing.shape is None and nothing.appearance is None


def test_foreign_and_opposite_references_are_refused():
    with pytest.raises(UsageError, match="identity networks"):
        mix([A, replace(B, z_id_model="arcface")], [0.5, 0.5])
    with pytest.raises(UsageError, match="opposite"):
        mix([A, replace(B, z_id=-A.z_id)], [0.5, 0.5])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30))
def test_any_weights_give_a_sound_reference(weights):
    total = sum(weights)
    counts = proportion(weights, 20)
    assert counts.sum() == 20 and (counts >= 0).all()
    assert np.abs(counts - np.array(weights) / total * 20).max() <= 1
    found = mix([whole(str(i), i) for i in range(len(weights))], [w / total for w in weights])
    assert found.palette.shape == (20, 3)
