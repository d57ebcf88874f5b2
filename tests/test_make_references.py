"""tools/make_references.py and tools/seal_domain.py."""

from __future__ import annotations

import hashlib
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture(scope="module")
def tool():
    return SimpleNamespace(**runpy.run_path(str(TOOLS / "make_references.py")))


def pool(tool, count: int):
    rng = np.random.default_rng(0)
    z_ids = rng.normal(size=(count, 8)) + 2
    z_ids[-1] = -5
    z_ids /= np.linalg.norm(z_ids, axis=1, keepdims=True)
    palettes = rng.integers(0, 256, (count, 20, 3), dtype=np.uint8)
    return [
        tool.Candidate(f"{i}.png", "s", palette, z_id)
        for i, (palette, z_id) in enumerate(zip(palettes, z_ids, strict=True))
    ]


def test_the_chosen_are_distinct_and_without_outliers(tool):
    everyone = pool(tool, 60)
    chosen = [candidate.file for candidate in tool.choose(everyone, 36)]
    assert len(set(chosen)) == 36 and "59.png" not in chosen
    assert chosen == [candidate.file for candidate in tool.choose(everyone, 36)]
    assert chosen[:10] == [candidate.file for candidate in tool.choose(everyone, 10)]


def test_a_small_pool_gives_what_it_has(tool):
    assert len(tool.choose(pool(tool, 10), 36)) == 9


def test_the_first_is_the_most_typical_and_the_second_the_farthest(tool):
    flat = np.zeros((20, 3), np.uint8)
    z_ids = np.array([[1, 0], [0.999, 0.0447], [0.8, 0.6]])
    rows = [tool.Candidate(str(i), "s", flat, z_id) for i, z_id in enumerate(z_ids)] * 4
    assert [c.file for c in tool.choose(rows, 2)] == ["1", "2"]


def test_only_training_rows_one_a_person(tool, tmp_path):
    (tmp_path / "index.tsv").write_text(
        "domain\tsplit\tfile\tsource\tlicence\tidentity\n"
        "oil\ttrain\toil/b.jpg\ts\tl\tanna\n"
        'oil\ttrain\toil/a.jpg\ts\t"only" half quoted\tanna\n'
        "oil\tval\toil/c.jpg\ts\tl\tbert\n"
        "oil\ttrain\toil/d.jpg\ts\tl\t\n"
        "oil\ttrain\toil/e.jpg\ts\tl\t\n"
        "anime\ttrain\tanime/a.jpg\ts\tl\tcora\n"
    )
    found = [row["file"] for row in tool.rows_of(tmp_path, "oil")]
    assert found == ["oil/a.jpg", "oil/d.jpg", "oil/e.jpg"]


def test_seal_writes_the_hashes_of_what_is_there(tmp_path):
    seal = runpy.run_path(str(TOOLS / "seal_domain.py"))["seal"]
    (tmp_path / "domain.toml").write_text('api = 1\nname = "x"\n\n[references]\nsha256 = "old"\n')
    (tmp_path / "references.safetensors").write_bytes(b"r")
    assert set(tomllib.loads(seal(tmp_path))) == {"api", "name", "references"}
    (tmp_path / "head.safetensors").write_bytes(b"h")
    manifest = tomllib.loads(seal(tmp_path))
    assert manifest["head"]["sha256"] == hashlib.sha256(b"h").hexdigest()
    assert manifest["references"]["file"] == "references.safetensors"
    (tmp_path / "domain.toml").write_text(seal(tmp_path))
    assert tomllib.loads(seal(tmp_path)) == manifest
