"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from hasnet_models.atomic import TEMPORARY_GLOB, check_replaceable, filling, replacing, scratch


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


def test_a_folder_appears_as_a_whole(tmp_path):
    folder = tmp_path / "new" / "folder"
    with filling(folder) as new:
        (new / "in").mkdir()
        (new / "in" / "a.txt").write_text("a")
        assert not folder.exists()
    assert (folder / "in" / "a.txt").read_text() == "a"
    assert list(folder.parent.iterdir()) == [folder]


def test_files_take_their_places_in_a_folder_and_others_stay(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    (folder / "a.txt").write_text("old")
    with filling(folder) as new:
        (new / "a.txt").write_text("new")
        (new / "in").mkdir()
        (new / "in" / "b.txt").write_text("b")
        assert (folder / "a.txt").read_text() == "old"
    texts = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.txt")}
    assert texts == {"kept.txt": "kept", "a.txt": "new", "in/b.txt": "b"}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_no_folder(tmp_path, error):
    with pytest.raises(error), filling(tmp_path / "folder") as new:
        (new / "a.txt").write_text("new")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_gone_afterwards():
    with scratch() as folder:
        (folder / "a").write_bytes(b"")
    assert not folder.exists()
