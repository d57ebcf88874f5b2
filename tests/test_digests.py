"""Digests of weight files, read once and kept between processes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from hasnet_models import folders
from hasnet_models.testing.offline import hide_the_user
from hasnet_models.weights import digests


@pytest.fixture(autouse=True)
def reads(monkeypatch, tmp_path) -> list[Path]:
    """Every reading of a whole file; all files count as written long ago."""
    hide_the_user(monkeypatch, tmp_path / "home")
    found, read = [], digests._read
    monkeypatch.setattr(digests, "_read", lambda path: found.append(path) or read(path))
    monkeypatch.setattr(digests, "_SETTLED_NS", 0)
    start_anew()
    yield found
    start_anew()
    digests._new.clear()


def start_anew() -> None:
    """As in another process."""
    digests._settled_digest.cache_clear()
    digests._kept.cache_clear()


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"weights")
    return path


def kept(path: Path) -> str:
    """Its digest, as a process finds it that keeps it for others."""
    digest = digests.sha256_of(path)
    digests.keep(path, digest)
    digests.flush()
    start_anew()
    return digest


def cache() -> Path:
    return folders.user_folder("cache") / digests.FILE


def test_another_process_does_not_read_the_file(weights, reads):
    assert kept(weights) == hashlib.sha256(b"weights").hexdigest()
    assert digests.sha256_of(weights) == hashlib.sha256(b"weights").hexdigest()
    assert len(reads) == 1


def test_a_digest_that_nobody_checked_is_not_kept(weights, reads):
    digests.sha256_of(weights)
    digests.flush()
    start_anew()
    digests.sha256_of(weights)
    assert len(reads) == 2


def test_it_is_read_whatever_is_known_where_that_is_asked_for(weights, reads):
    kept(weights)
    digests.sha256_of(weights, anew=True)
    assert len(reads) == 2


def test_other_content_of_the_same_size_and_time_is_read(weights, reads):
    first, stat = kept(weights), weights.stat()
    time.sleep(0.02)  # the clock of a file's entry ticks some hundred times a second
    weights.write_bytes(b"stewigh")
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digests.sha256_of(weights) != first


def test_a_file_just_written_is_not_kept(weights, monkeypatch):
    monkeypatch.setattr(digests, "_SETTLED_NS", 10**12)
    os.utime(weights, ns=(0, 0))  # an archive's time; that of its entry is now
    kept(weights)
    assert not cache().exists() or str(weights) not in json.loads(cache().read_text())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"%s": 3}', '{"%s": ["a", 1]}', '{"%s": [1, 2, 3, 4, 5]}']
)
def test_a_damaged_cache_is_as_if_there_were_none(weights, reads, text):
    cache().parent.mkdir(parents=True, exist_ok=True)
    cache().write_text(text.replace("%s", str(weights)))
    start_anew()
    assert kept(weights) == hashlib.sha256(b"weights").hexdigest()
    digests.sha256_of(weights)
    assert len(reads) == 1


def test_a_cache_that_cannot_be_written_costs_time_only(weights, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(folders, "user_folder", lambda kind: tmp_path / "file" / "below")
    assert kept(weights) == hashlib.sha256(b"weights").hexdigest()


def test_files_checked_long_ago_make_room(tmp_path, weights, monkeypatch):
    monkeypatch.setattr(digests, "_MOST", 3)
    kept(weights)
    for name in "abc":
        (tmp_path / name).write_text(name)
        kept(tmp_path / name)
    assert list(json.loads(cache().read_text())) == [str(tmp_path / name) for name in "abc"]
