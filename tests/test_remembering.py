"""A runtime that keeps what a slider leaves as it was."""

from __future__ import annotations

import numpy as np
import pytest

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

    def warp(self, *arrays):
        self.calls.append("warp")
        return arrays[0] * 2

    def lay(self, picture, colours, chroma):
        self.calls.append("lay")
        return picture

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
    planes, flow = np.ones((1, 3, 4, 4), np.float32), np.zeros((1, 2, 2, 2), np.float32)
    assert kept.warp(planes, flow) is kept.warp(planes.copy(), flow)
    assert inner.calls.count("warp") == 1 and kept.warp(planes, flow + 1) is not None
    assert inner.calls.count("warp") == 2
    assert (kept.embed(a) == kept.embed(a)).all() and inner.calls.count("embed") == 1


def test_only_the_last_few_are_kept_and_the_rest_is_the_runtime_s_own():
    inner = Counting()
    kept = Remembering(inner, most=2)
    for value in (1, 2, 3, 1):
        kept.embed(np.full((1, 2, 2, 3), value, np.uint8))
    assert inner.calls == ["embed"] * 4
    assert kept.name == "counting" and kept.redraw(3) == 3


def test_it_asks_before_each_piece_of_work_and_what_was_done_is_kept():
    asked = []

    def go_on():
        asked.append(len(asked))
        if len(asked) == 3:
            raise InterruptedError

    inner = Counting()
    kept = Remembering(inner, go_on)
    a = np.ones((1, 2, 2, 3), np.uint8)
    kept.embed(a)
    kept.embed(a)  # nothing to do, nothing to ask
    kept.lay(a, a, chroma=1.0)
    with pytest.raises(InterruptedError):
        kept.redraw(a)
    assert inner.calls == ["embed", "lay"]
    kept.redraw(a)
    kept.embed(a)
    assert inner.calls == ["embed", "lay", "redraw"]
