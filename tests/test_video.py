from __future__ import annotations

import pytest

av = pytest.importorskip("av")

import clips  # noqa: E402
import numpy as np  # noqa: E402
from clips import BLUE, RED, Squares, moving  # noqa: E402

from hasnet_cli import factory  # noqa: E402


@pytest.fixture
def squares(monkeypatch):
    fake = Squares()
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: fake)
    return fake


@pytest.fixture
def video(run, site, squares, tmp_path):
    site.install("pencil")

    def call(source, out="out.mp4", *more):
        target = tmp_path / out
        result = run("video", source, "--domain", "pencil", "-o", target, *more)
        return result, target

    return call


def test_each_frame_has_its_avatar_and_its_time(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(12))
    result, out = video(source)
    assert (result.code, result.out) == (0, f"{out}\n"), result.err
    frames, times = clips.read(out)
    before, expected = clips.read(source)
    assert times == pytest.approx(expected)
    for a, b, i in zip(frames, before, range(12), strict=True):
        middle = (44, 34 + i)
        assert np.abs(a[middle].astype(int) - RED).max() > 40  # an avatar
        assert np.abs(a[:, 120:].astype(int) - b[:, 120:]).mean() < 3  # the rest of the frame
