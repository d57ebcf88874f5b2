"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from hasnet_models.atomic import TEMPORARY_GLOB, check_replaceable, replacing


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.glob(TEMPORARY_GLOB)] != []
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_the_longest_name_there_is_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_full_disk_is_the_caller_s_to_explain(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), replacing(tmp_path / "a") as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_place_can_be_checked_beforehand(tmp_path):
    check_replaceable(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError):
        check_replaceable(tmp_path / "none" / "a")
