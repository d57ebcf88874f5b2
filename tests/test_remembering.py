"""A runtime that keeps what a slider leaves as it was."""

from __future__ import annotations

import numpy as np

from hasnet_models.runtimes.remembering import Remembering


class Counting:
    name = "counting"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def embed(self, pictures):
        self.calls.append("embed")
        return pictures.astype(np.float32) + 1

    def recolour(self, *arrays):
        self.calls.append("recolour")
        return arrays[0] + 1, sum(float(a.sum()) for a in arrays)

    def redraw(self, picture):
        self.calls.append("redraw")
        return picture


def test_the_same_arrays_are_worked_on_once():
    inner = Counting()
    kept = Remembering(inner)
    a, b = np.zeros((1, 4, 4, 3), np.uint8), np.ones((1, 4, 4, 3), np.uint8)
    first, again = kept.recolour(a, b), kept.recolour(a.copy(), b.copy())
    assert first is again and inner.calls == ["recolour"]
    assert kept.recolour(b, a)[0].max() == 2 and inner.calls == ["recolour"] * 2
    assert kept.recolour(a.reshape(1, 3, 4, 4), b) and inner.calls == ["recolour"] * 3
    assert (kept.embed(a) == kept.embed(a)).all() and inner.calls.count("embed") == 1


def test_only_the_last_few_are_kept_and_the_rest_is_the_runtime_s_own():
    inner = Counting()
    kept = Remembering(inner, most=2)
    for value in (1, 2, 3, 1):
        kept.embed(np.full((1, 2, 2, 3), value, np.uint8))
    assert inner.calls == ["embed"] * 4
    assert kept.name == "counting" and kept.redraw(3) == 3
