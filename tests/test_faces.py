"""Folders of faces: indexes, odd pictures, and the cache."""

import errno
import multiprocessing
import os
import time

import nano
import numpy as np
import pytest
from PIL import Image

from hasnet_models.data.check import check
from hasnet_models.data.faces import load_faces, load_splits
from hasnet_models.data.index import has_split, list_faces, read_index, read_table, write_table
from hasnet_models.data.pictures import read_face
from hasnet_models.errors import HasnetError, UsageError


def save(path, size, colour=(10, 200, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def load(folder, cache=None, size=32, progress=lambda *_: None):
    return load_faces(folder, "train", size, cache or folder / ".cache", nano.vectors(), progress)


def pixel_file(folder):
    (found,) = (folder / ".cache").glob("faces-*.u8")
    return found


def test_corrupt_picture_is_left_out_and_said(folder, tmp_path):
    (folder / "red" / "1.png").write_text("not a picture")
    found = nano.faces(folder)
    assert len(found) == 11 and len(found.skipped) == 1
    assert found.skipped[0].startswith("red/1.png: ")
    assert all(r.file != "red/1.png" for r in found.records)
    again = nano.faces(folder)
    assert again.skipped == found.skipped and np.array_equal(again.images, found.images)


def test_vectors_come_from_the_cache_by_content(folder, tmp_path):
    (folder / "parts.json").unlink()  # which goes by names
    nano.faces(folder)

    def refuse(faces):
        raise AssertionError("computed again")

    (folder / "red" / "0.png").rename(folder / "red" / "9.png")
    index = folder / "index.tsv"
    index.write_text(index.read_text().replace("red/0.png", "red/9.png"))
    found = load_faces(folder, "train", 32, folder / ".cache", nano.vectors(refuse))
    assert len(found) == 12


def test_folder_without_an_index(tmp_path):
    folder = nano.make_folder(tmp_path / "faces")
    (folder / "index.tsv").unlink()
    assert {r.domain for r in read_index(folder, "train")} == {"photo", "red", "blue"}
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no pictures"):
        read_index(folder, "train")


def test_missing_folder_and_empty_split_are_usage_errors(folder, tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        read_index(tmp_path / "nowhere", "train")
    with pytest.raises(UsageError, match="no faces of the split"):
        read_index(folder, "test")


def test_pictures_are_mapped_not_loaded_even_when_some_are_left_out(folder):
    (folder / "red" / "1.png").write_text("not a picture")
    found = nano.faces(folder)
    assert isinstance(found.images.base, np.memmap)
    assert found.images.shape == (11, 32, 32, 3) and not found.images.flags.writeable
    for record, image in zip(found.records, found.images, strict=True):
        assert np.array_equal(image, read_face(folder / record.file, 32))


def test_access_needs_the_pictures_no_more(folder):
    images = nano.faces(folder).images
    before = images[5].copy()
    for path in folder.glob("*/*.png"):
        path.unlink()
    assert np.array_equal(images[5], before)


def test_what_is_not_square_is_cut_to_its_middle(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert (read_face(tmp_path / "wide.png", 40) == 200).all()


def test_tiny_pictures_are_left_out_and_said(folder):
    save(folder / "red" / "0.png", (31, 500))
    found = nano.faces(folder)
    assert found.skipped == ["red/0.png: it has 31x500 px, and 32 px a side are the least."]


def test_missing_files_are_left_out_and_said(folder):
    (folder / "red" / "2.png").unlink()
    found = nano.faces(folder)
    assert len(found) == 11 and found.skipped == ["red/2.png: there is no such file."]


def test_files_named_twice_count_once(folder):
    with (folder / "index.tsv").open("a") as file:
        file.write("photo\ttrain\tred/2.png\tx\n")
    found = nano.faces(folder)
    assert len(found) == 12 and found.by_domain["red"] and len(found.by_domain["photo"]) == 4
    assert "first line counts: red/2.png." in found.notes[0]


def test_equal_pictures_are_said(folder):
    (folder / "red" / "2.png").write_bytes((folder / "red" / "1.png").read_bytes())
    found = nano.faces(folder)
    assert len(found) == 12
    assert found.notes == ["Pictures that are copies of one another: red/1.png = red/2.png."]


@pytest.mark.parametrize("make", [nano.rt_stage, nano.tt_stage])
def test_a_domain_of_one_picture_trains_and_is_said(tmp_path, make):
    folder = nano.make_folder(tmp_path / "faces")
    (folder / "index.tsv").unlink()
    for i in (1, 2, 3):
        (folder / "red" / f"{i}.png").unlink()
    stage = make(folder)
    assert any(n.endswith("learnt by heart: red.") for n in stage.faces.notes)
    for _ in range(3):
        assert all(np.isfinite(v) for v in stage.step().values())


def test_hidden_folders_and_files_are_no_domains(folder):
    (folder / "index.tsv").unlink()
    (folder / ".trash").mkdir()
    (folder / "red" / "._1.png").write_bytes(b"a file of another system")
    assert len(nano.faces(folder)) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'domain' and no column 'file'"),
        ("domain\tsplit\nred\ttrain\n", "has no column 'file'"),
        ("domain,file\nred,red/0.png\n", "has no column"),
        ("domain\tfile\n", "holds no faces of the split 'train'"),
        ("domain\tfile\nred\n", "line 2: it names no file and domain"),
        ("domain\tfile\nred\tred/none.png\n", "red/none.png: there is no such file"),
    ],
)
def test_malformed_index_is_one_sentence(folder, text, message):
    (folder / "index.tsv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=message) as caught:
        nano.faces(folder)
    assert "\n" not in str(caught.value)


def test_a_stray_quotation_mark_swallows_no_other_line(folder):
    index = folder / "index.tsv"
    lines = index.read_text().splitlines()
    lines[1] += '\t"a person'
    index.write_text("\n".join(lines))
    assert len(read_index(folder, "train")) == len(read_index(folder, "train"))
    before = len([line for line in lines[1:] if "\ttrain\t" in line])
    assert len(read_index(folder, "train")) == before


def test_values_with_tabs_quotes_and_names_that_are_no_text_come_back(tmp_path):
    rows = [{"domain": 'a "b"', "file": "x\ty"}, {"domain": '"c', "file": os.fsdecode(b"\xe9")}]
    write_table(tmp_path / "t.tsv", ("domain", "file"), rows)
    assert read_table(tmp_path / "t.tsv") == (["domain", "file"], rows)


def test_index_with_a_mark_and_short_rows(folder):
    text = (folder / "index.tsv").read_text()
    (folder / "index.tsv").write_bytes(b"\xef\xbb\xbf" + (text + "red\ttrain\n").encode())
    found = nano.faces(folder)
    assert len(found) == 12
    assert found.skipped == ["index.tsv, line 14: it names no file and domain."]


def test_no_readable_picture_is_a_usage_error(tmp_path):
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "1.png").write_text("no")
    with pytest.raises(UsageError, match="None of the 1 pictures"):
        load(tmp_path, tmp_path / "cache")


def test_index_without_a_validation_split(folder):
    assert has_split(folder, "train") and not has_split(folder, "val")
    train, val = load_splits(folder, 32, folder / ".cache", nano.vectors())
    assert val is train
    with (folder / "index.tsv").open("a") as file:
        file.write("red\tval\tred/9.png\t\n")
    save(folder / "red" / "9.png", (32, 32))
    train, val = load_splits(folder, 32, folder / ".cache", nano.vectors())
    assert len(train) == 12 and [r.file for r in val.records] == ["red/9.png"]


def test_fingerprint_follows_contents_and_domains_not_the_place(folder, tmp_path):
    first = nano.faces(folder).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert len(first) == 16 and nano.faces(moved).fingerprint == first
    index = moved / "index.tsv"
    index.write_text(index.read_text().replace("blue\t", "green\t"))
    relabelled = nano.faces(moved).fingerprint
    save(moved / "red" / "0.png", (32, 32))
    assert len({first, relabelled, nano.faces(moved).fingerprint}) == 3


@pytest.mark.parametrize("harm", ["cut", "empty", "gone", "notes", "rows"])
def test_damaged_pixels_are_decoded_again(folder, harm):
    good = np.array(nano.faces(folder).images)
    file = pixel_file(folder)
    notes = file.with_suffix(".json")
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "empty":
        file.write_bytes(b"")
    elif harm == "gone":
        file.unlink()
    elif harm == "notes":
        notes.write_text('{"rows"')
    else:
        notes.write_text('{"rows": 3, "faults": {}}')
    seen = []
    found = load(folder, progress=lambda what, done, total: seen.append(what))
    assert np.array_equal(found.images, good) and seen == ["decoding"] * 12


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no rows", None])
def test_damaged_vectors_are_made_again(folder, content):
    good = nano.faces(folder)
    z_ids, palettes = np.array(good.z_ids), np.array(good.palettes)
    for file in (folder / ".cache").glob("*.rows"):
        file.write_bytes(file.read_bytes()[:400] if content is None else content)
    again = nano.faces(folder)
    assert np.array_equal(again.z_ids, z_ids) and np.array_equal(again.palettes, palettes)


def test_progress_counts_to_the_end(folder):
    seen = []
    load(folder, progress=lambda what, done, total: seen.append((what, done, total)))
    for what in ("decoding", "vectors"):
        assert (what, 12, 12) in seen
    seen.clear()
    load(folder, progress=lambda *step: seen.append(step))
    assert not seen


def build(folder, cache, results):
    found = load(folder, cache)
    results.put((found.fingerprint, int(found.images.sum()), float(np.sum(found.z_ids))))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to start quickly")
def test_two_processes_build_the_cache_at_once(folder, tmp_path):
    expected = nano.faces(folder)
    context = multiprocessing.get_context("fork")
    for attempt in range(3):
        cache, results = tmp_path / f"cache{attempt}", context.Queue()
        both = [context.Process(target=build, args=(folder, cache, results)) for _ in range(2)]
        for process in both:
            process.start()
        found = [results.get(timeout=60) for _ in both]
        for process in both:
            process.join()
        assert found[0] == found[1] and found[0][0] == expected.fingerprint
        assert found[0][1] == expected.images.sum()
        again = load(folder, cache, progress=lambda *step: pytest.fail("made again"))
        assert np.array_equal(again.z_ids, expected.z_ids)
        assert not list(cache.glob(".*.tmp"))


def test_full_disk_is_one_sentence_and_leaves_nothing(folder, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hasnet_models.atomic.os.fsync", full)
    with pytest.raises(HasnetError, match="cannot be used: No space left on device") as caught:
        nano.faces(folder)
    assert caught.value.parameters == ("cache",)
    assert list((folder / ".cache").iterdir()) == []


def test_cache_that_is_a_file_is_one_sentence(folder):
    with pytest.raises(HasnetError, match="cannot be used"):
        load(folder, folder / "index.tsv")


def test_what_killed_processes_left_goes_after_a_day(folder):
    cache = folder / ".cache"
    cache.mkdir()
    for name, age in (("old", 2 * 86400), ("new", 60)):
        stale = cache / f".{name}.tmp"
        stale.touch()
        os.utime(stale, (time.time() - age,) * 2)
    nano.faces(folder)
    assert [p.name for p in cache.glob(".*")] == [".new.tmp"]


def test_check_counts_and_lists(folder):
    (folder / "red" / "0.png").write_text("no picture")
    (folder / "red" / "1.png").unlink()
    save(folder / "red" / "extra.png", (32, 32))
    copy = folder / "blue" / "copy.png"
    copy.write_bytes((folder / "blue" / "0.png").read_bytes())
    with (folder / "index.tsv").open("a") as file:
        file.write("blue\tval\tblue/copy.png\t\n")
    seen = []
    report = check(folder, lambda: seen.append(1))
    assert report.counts == {
        ("photo", "train"): 4, ("red", "train"): 2, ("blue", "train"): 4, ("blue", "val"): 1,
    }  # fmt: skip
    assert [line.split(":")[0] for line in report.skipped] == ["red/1.png", "red/0.png"]
    assert "Pictures that are both in train and in val: 1." in report.notes
    assert "Pictures that index.tsv does not name: red/extra.png." in report.notes
    assert any(n.startswith("Split val: ") and n.endswith(": blue.") for n in report.notes)
    assert len(seen) == 12


def test_listing_keeps_the_order_of_the_names(folder):
    files = [r.file for r in list_faces(folder, "train").records]
    assert files == sorted(files)
