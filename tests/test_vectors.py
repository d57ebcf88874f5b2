"""The vectors of faces: by content, by what they depend on, kept whole."""

import os
import subprocess
import sys
from pathlib import Path

import nano
import numpy as np
import pytest

from hasnet_models.data import rows, workers
from hasnet_models.data.faces import load_faces
from hasnet_models.data.rows import RowStore
from hasnet_models.data.vectors import (
    GIVEN,
    PALETTES,
    KeyedFace,
    VectorKind,
    VectorStore,
    palettes_of,
)
from hasnet_models.errors import HasnetError

ROOT = Path(__file__).parents[1]


def face(value):
    return np.full((256, 256, 3), value, np.uint8)


FACES = [KeyedFace(f"{i:024d}", face(i)) for i in range(5)]
KEYS = [f.key for f in FACES]


class Counted:
    """Counts the faces it is given; the vector of a face is its colour times a factor."""

    def __init__(self, factor):
        self.factor, self.faces = factor, 0

    def __call__(self, faces):
        self.faces += len(faces)
        return faces[:, 0, 0, :2] * np.float32(self.factor)


def kind(function, key="one", **changes):
    return VectorKind(key, "float32", (2,), function, **changes)


def fill(cache, table, faces=FACES):
    store = VectorStore(cache, table)
    wanted = set(store.lacking(f.key for f in faces))
    store.fill(f for f in faces if f.key in wanted)
    return store.rows([f.key for f in faces])


def test_vectors_are_computed_once(tmp_path):
    compute = Counted(2)
    for _ in range(2):
        found = fill(tmp_path, {"double": kind(compute)})["double"]
        assert found.shape == (5, 2) and found.dtype == np.float32 and len(found) == 5
        assert np.array_equal(found, [[2 * i, 2 * i] for i in range(5)])
    assert compute.faces == 5
    assert np.array_equal(found[3], [6, 6]) and np.array_equal(found[[4, 0]], [[8, 8], [0, 0]])
    assert np.array_equal(found[1:3], [[2, 2], [4, 4]])


def test_another_key_dtype_or_shape_never_finds_the_rows_of_before(tmp_path):
    fill(tmp_path, {"v": kind(Counted(2))})
    assert np.array_equal(fill(tmp_path, {"v": kind(Counted(3), "two")})["v"][4], [12, 12])
    whole = VectorKind("one", "uint8", (2,), lambda faces: faces[:, 0, 0, :2])
    assert np.array_equal(fill(tmp_path, {"v": whole})["v"][4], [4, 4])
    long = VectorKind("one", "float32", (3,), lambda faces: faces[:, 0, 0].astype(np.float32))
    assert fill(tmp_path, {"v": long})["v"].shape == (5, 3)
    again = Counted(2)
    assert np.array_equal(fill(tmp_path, {"v": kind(again)})["v"][4], [8, 8]) and not again.faces


def test_a_second_identity_network_is_not_served_the_vectors_of_the_first(tmp_path):
    folder = nano.make_folder(tmp_path / "faces")

    def load(digest, sign):
        def embed(faces):
            return sign * nano.fake_embed(faces)

        table = {"palettes": PALETTES, "z_ids": VectorKind(digest, "float32", (192,), embed)}
        return load_faces(folder, "train", 32, tmp_path / "cache", table)

    first, second, again = load("a" * 64, 1), load("b" * 64, -1), load("a" * 64, 0)
    assert np.array_equal(first.z_ids, -np.asarray(second.z_ids))
    assert np.array_equal(first.z_ids, again.z_ids)
    assert np.array_equal(first.palettes, second.palettes)


def test_a_new_version_of_the_palette_is_computed_anew(tmp_path):
    first = fill(tmp_path, {"palettes": PALETTES})["palettes"]
    assert np.array_equal(first, palettes_of(np.stack([f.pixels for f in FACES])))
    newer = VectorKind("version 99", "uint8", (20, 3), lambda faces: palettes_of(255 - faces))
    second = fill(tmp_path, {"palettes": newer})["palettes"]
    assert not np.array_equal(first, second) and len(list(tmp_path.iterdir())) == 2


def test_a_kind_may_need_another_and_depends_on_its_key(tmp_path):
    def table(key):
        double = kind(Counted(2), key)
        return {"double": double, "sum": kind(lambda f, d: d + f[:, 0, 0, :2], needs=("double",))}

    assert np.array_equal(fill(tmp_path, table("one"))["sum"][4], [12, 12])
    fill(tmp_path, table("two"))
    assert len(list(tmp_path.glob("sum-*"))) == 2
    # computed in a run of its own, from what lies on the disk
    for file in tmp_path.glob("sum-*"):
        file.unlink()
    assert np.array_equal(fill(tmp_path, table("one"))["sum"], [[3 * i] * 2 for i in range(5)])


def test_a_kind_may_need_what_is_computed_apart_and_what_is_given(tmp_path):
    def compute(faces, palettes, given):
        return palettes[:, 0, :2] + given

    table = {"palettes": PALETTES, "v": kind(compute, needs=("palettes", GIVEN))}
    faces = [f._replace(given=np.full(2, i, np.float32)) for i, f in enumerate(FACES)]
    first = palettes_of(np.stack([f.pixels for f in FACES]))[:, 0, :2]
    assert np.array_equal(fill(tmp_path, table, faces)["v"], first + np.arange(5.0)[:, None])


def test_a_table_in_the_wrong_order_is_refused(tmp_path):
    table = {"v": kind(Counted(1), needs=("later",)), "later": kind(Counted(1))}
    with pytest.raises(ValueError, match="v cannot be computed from later"):
        VectorStore(tmp_path, table)


def test_a_kind_that_gives_another_shape_is_an_error(tmp_path):
    wrong = kind(lambda faces: faces[:, 0, 0].astype(np.float32))
    with pytest.raises(ValueError, match=r"expected \(5, 2\)"):
        fill(tmp_path, {"v": wrong})
    assert not list(tmp_path.iterdir())


def test_what_was_computed_before_an_interrupt_is_kept(tmp_path):
    compute = Counted(1)
    many = [KeyedFace(f"{i:024d}", face(i % 256)) for i in range(80)]

    def interrupted():
        yield from many[:70]
        raise KeyboardInterrupt

    store = VectorStore(tmp_path, {"v": kind(compute)})
    with pytest.raises(KeyboardInterrupt):
        store.fill(interrupted())
    assert compute.faces == 64  # whole batches
    fill(tmp_path, {"v": kind(compute)}, many)
    assert compute.faces == 80


def test_many_rows_become_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_FLUSH", 2)
    monkeypatch.setattr(rows, "_BLOCK", 2)
    store = RowStore(tmp_path, "v", "int16", (3,))
    for i in range(7):
        store.add([f"{i:024d}"], np.full((1, 3), i))
    store.flush()
    assert len(list(tmp_path.iterdir())) == 4
    found = store.mapped([f"{i:024d}" for i in (6, 0, 3)])
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(found, [[6] * 3, [0] * 3, [3] * 3])


def test_rows_of_two_processes_are_merged_and_doubles_dropped(tmp_path):
    one, two = (RowStore(tmp_path, "v", "int16", ()) for _ in range(2))
    one.add(["a" * 24, "b" * 24], np.array([1, 2]))
    two.add(["b" * 24, "c" * 24], np.array([2, 3]))
    one.flush()
    two.flush()
    assert one.mapped(["d" * 24]) is None
    assert np.array_equal(one.mapped(["c" * 24, "a" * 24, "b" * 24]), [3, 1, 2])
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == 8 + 3 * (24 + 2)


def test_a_damaged_file_beside_a_whole_one_goes(tmp_path):
    (tmp_path / "v.0123456789abcdef.rows").write_bytes(b"\x02" + bytes(50))
    store = RowStore(tmp_path, "v", "int16", ())
    store.add(["a" * 24], np.array([1]))
    store.flush()
    assert np.array_equal(store.mapped(["a" * 24]), [1])
    assert len(list(tmp_path.iterdir())) == 1


def test_no_faces_have_no_vectors(tmp_path):
    found = fill(tmp_path, {"v": kind(Counted(1))}, [])["v"]
    assert found.shape == (0, 2) and np.asarray(found).shape == (0, 2)


class Word(str):
    """A hash that counts how often one is compared with another."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Word.compared += 1
        return str.__eq__(self, other)


def test_hashes_are_not_looked_up_one_by_one(tmp_path):
    compared = []
    for count in (100, 400):
        faces = [KeyedFace(Word(f"{i:024d}"), face(0)) for i in range(count)]
        Word.compared = 0
        store = VectorStore(tmp_path, {"v": kind(Counted(1), str(count))})
        store.fill(iter(faces))
        store.rows([f.key for f in faces])
        compared.append(Word.compared / count)
    assert compared[1] <= compared[0] + 1  # a face's share does not grow with their number


# processes


def test_first_calls_run_here_and_the_others_in_fresh_processes():
    import torch  # noqa: F401  (what must not be forked)

    with workers.processes(first_here=2) as submit:
        pids = [result() for result in [submit(os.getpid) for _ in range(6)]]
        assert pids[:2] == [os.getpid()] * 2 and os.getpid() not in pids[2:]
        assert submit(eval, "'torch' in __import__('sys').modules")() is False


def test_processes_that_die_are_one_sentence():
    with (
        pytest.raises(HasnetError, match="ended before their work was done"),
        workers.processes(first_here=0) as submit,
    ):
        submit(os._exit, 1)()


SCRIPT = """
import sys
import numpy as np
from hasnet_models.data import workers
from hasnet_models.data.vectors import palettes_of
from hasnet_cli.main import main

if __name__ == "__main__":
    with workers.processes(first_here=0) as submit:
        print(submit(palettes_of, np.zeros((3, 32, 32, 3), np.uint8))().shape)
    sys.exit(main(["--version"]))
"""


@pytest.mark.parametrize("way", ["script", "module"])
def test_processes_start_from_a_console_script_and_from_a_module(way, tmp_path):
    (tmp_path / "program.py").write_text(SCRIPT)
    call = [sys.executable, "program.py"] if way == "script" else [sys.executable, "-m", "program"]
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    done = subprocess.run(
        call, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(3, 20, 3)\n") and done.stdout.count("hasnet") == 1
