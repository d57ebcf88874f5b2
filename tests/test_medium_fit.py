from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.medium import KINDS, apply, fit, scale, statistics

SIDE = statistics.SIDE


def stripes(angle: float = 0.0, period: float = 6.0) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    phase = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    return scale.spread((0.5 + 0.3 * np.sin(2 * np.pi * phase / period)).astype(np.float32))


def soft(seed: int = 0) -> np.ndarray:
    """Broad blobs of colour."""
    noise = np.random.default_rng(seed).random((5, 5, 3), dtype=np.float32)
    return scale.resize(noise, (SIDE, SIDE)).clip(0, 1)


def noisy(amount: float) -> np.ndarray:
    grain = np.random.default_rng(1).normal(0, amount, (SIDE, SIDE)).astype(np.float32)
    return (soft() + scale.spread(grain)).clip(0, 1)


def test_orientations_agree_in_stripes_and_not_in_noise():
    lined, grained = statistics.of([stripes(30)]), statistics.of([noisy(0.1)])
    assert lined.coherence[1] > 0.9 > 0.4 > grained.coherence[0]


def test_each_octave_sees_its_own_stripes():
    octaves = [int(np.argmax(statistics.of([stripes(period=p)]).edges)) for p in (3, 6, 12, 24)]
    assert octaves == sorted(octaves) and octaves[0] == 0 and octaves[-1] == 3


def test_grain_is_seen_in_flat_places_and_in_the_gradients():
    plain, grained = statistics.of([soft()]), statistics.of([noisy(0.05)])
    assert grained.grain[-1] > 5 * plain.grain[-1]
    assert grained.gradients.sum() == pytest.approx(1)
    assert grained.gradients[0] < plain.gradients[0]
    assert grained.edge_energy > plain.edge_energy


def test_a_distance_is_nothing_to_itself_and_grows():
    at = [statistics.of([noisy(amount)]) for amount in (0.0, 0.02, 0.08)]
    assert all(value == 0 for value in statistics.distance(at[0], at[0]).values())
    near, far = (statistics.distance(at[0], other) for other in at[1:])
    assert all(near[name] < far[name] for name in ("edges", "gradients", "grain"))


def test_other_sizes_have_the_same_statistics_and_small_ones_some():
    large = statistics.of([scale.resize(soft(), (512, 512))])
    assert large.edge_energy == pytest.approx(statistics.of([soft()]).edge_energy, rel=0.05)
    thin = statistics.of([np.full((1, 500, 3), 0.5, np.float32)])
    assert thin.edge_energy < 1e-5 and not thin.grain.any()
    with pytest.raises(ValueError, match="no picture"):
        statistics.of([])


def test_a_fit_finds_the_grain_of_its_references():
    film = KINDS["film"]
    references = [apply(soft(seed), film(grain=0.08), seed=seed) for seed in range(2)]
    notes: list[str] = []
    others = set(film.bounds()) - {"grain"}
    found = fit(references, film(), fixed=others, evaluations=14, say=notes.append)
    assert found.medium.grain > 2 * film().grain
    assert found.after["grain"] < 0.5 * found.before["grain"]
    assert abs(found.energy_after - 1) < abs(found.energy_before - 1)
    assert notes and "grain" in notes[0]
    assert all(getattr(found.medium, name) == getattr(film(), name) for name in others)


def test_a_fit_is_repeatable_and_its_budget_counts():
    picture = [stripes()]
    once, twice = (fit(picture, KINDS["film"](), evaluations=6) for _ in range(2))
    assert once == twice
    assert fit(picture, KINDS["film"](), [soft()], evaluations=1).medium == KINDS["film"]()


def test_sources_have_zones_of_their_own():
    zones = np.zeros((6, 8, 8), np.float32)
    zones[2] = 1
    reference = [apply(soft(), KINDS["pencil"]())]
    at_eyes, even = (
        fit(reference, KINDS["pencil"](), [soft()], given, evaluations=1) for given in ([zones], [])
    )
    assert at_eyes.energy_before < even.energy_before
    with pytest.raises(ValueError, match="shorter"):
        fit(reference, KINDS["pencil"](), [soft(), soft()], [zones])


def test_a_fit_refuses_nothing_to_fit():
    with pytest.raises(ValueError, match="no picture"):
        fit([], KINDS["film"]())
    with pytest.raises(ValueError, match="no parameter brush"):
        fit([soft()], KINDS["film"](), fixed=["brush"])
