from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from hasnet_models.errors import DomainError
from hasnet_models.plugins.data_file import DataFile
from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.reference import (
    Reference,
    likest,
    load_reference_set,
    load_references,
    save_references,
)


def reference(name: str = "a", seed: int = 0, size: int = 192, **more) -> Reference:
    rng = np.random.default_rng(seed)
    z_id = rng.normal(size=size).astype(np.float32)
    palette = rng.integers(0, 256, (20, 3), dtype=np.uint8)
    return Reference(name, palette, z_id / np.linalg.norm(z_id), **more)


def names_in(path) -> tuple[str, ...]:
    """As `hasnet domains` reads them."""
    return Domain("x", "X", "l", DataFile(path)).reference_names


def test_a_file_gives_back_what_was_saved(tmp_path):
    saved = [
        reference("first", 1, licence="CC0", source="a museum"),
        reference("zweites ünïcode", 2),
    ]
    save_references(tmp_path / "r.safetensors", saved)
    loaded = load_references(tmp_path / "r.safetensors")
    for before, after in zip(saved, loaded, strict=True):
        assert (before.name, before.licence, before.source) == (
            after.name, after.licence, after.source,
        )  # fmt: skip
        assert after.z_id_model == "mobilefacenet"
        np.testing.assert_array_equal(before.palette, after.palette)
        assert after.z_id.dtype == np.float32
        assert np.linalg.norm(after.z_id) == pytest.approx(1, abs=1e-6)
        assert before.z_id @ after.z_id > 0.99999


def test_the_same_references_give_the_same_file(tmp_path):
    for i in range(4):
        save_references(tmp_path / str(i), [reference("a", 1, source="s"), reference("b", 2)])
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(DomainError, match="cannot be written"):
        save_references(tmp_path / "none" / "r", [reference()])


def test_a_file_is_small(tmp_path):
    save_references(tmp_path / "r", [reference(f"r{i}", i) for i in range(36)])
    assert (tmp_path / "r").stat().st_size < 20_000


@pytest.mark.parametrize(
    "change",
    [
        {"palette": np.zeros((19, 3), np.uint8)},
        {"palette": np.zeros((20, 3), np.float32)},
        {"z_id": np.zeros(192, np.float32)},
        {"z_id": np.full(192, np.nan, np.float32)},
        {"z_id": np.ones(192, np.float32)},
        {"z_id": np.eye(1, 192)[0]},
        {"z_id": np.eye(1, 192, dtype=np.float32)},
    ],
)
def test_wrong_arrays_are_refused(change):
    good = reference()
    with pytest.raises(ValueError):
        Reference("bad", **({"palette": good.palette, "z_id": good.z_id} | change))


@pytest.mark.parametrize(
    "given",
    [
        [],
        [reference("same", 1), reference("same", 2)],
        [reference("a", 1), reference("b", 2, z_id_model="arcface")],
    ],
)
def test_a_file_needs_distinct_names_and_one_network(tmp_path, given):
    with pytest.raises(ValueError, match="distinct names"):
        save_references(tmp_path / "r", given)


def tensors(rows: int = 2) -> dict[str, np.ndarray]:
    return {
        "palette": np.zeros((rows, 20, 3), np.uint8),
        "z_id": np.eye(rows, 192, dtype=np.float16),
    }


def metadata(**changes: object) -> dict[str, str]:
    lists = {key: ["a", "b"] for key in ("names", "licences", "sources")}
    return {"hasnet-references-1": json.dumps({"z_id_model": "m"} | lists | changes)}


@pytest.mark.parametrize(
    ("content", "about"),
    [
        ((tensors(), {"hasnet-references-9": "{}"}), "no entry hasnet-references-2"),
        ((tensors(), None), "no entry"),
        ((tensors(), {"hasnet-references-1": "no json"}), "Expecting value"),
        ((tensors(), {"hasnet-references-1": "{}"}), "names"),
        ((tensors(), {"hasnet-references-1": "[]"}), "no table"),
        ((tensors(), metadata(names=["a"])), "one palette"),
        ((tensors(), metadata(names=7)), "no list"),
        ((tensors(3), metadata()), "one palette"),
        (({"palette": tensors()["palette"]}, metadata()), "z_id"),
        (({**tensors(), "z_id": np.zeros((2, 192), np.float16)}, metadata()), "length 1"),
        (({**tensors(), "palette": np.zeros((2, 5, 3), np.uint8)}, metadata()), "palette"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, content, about):
    path = tmp_path / "r.safetensors"
    save_file(content[0], str(path), content[1])
    with pytest.raises(DomainError, match=about) as caught:
        load_references(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all", b"\xff" * 64])
def test_a_missing_or_damaged_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "r.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DomainError, match=r"cannot be (used|read)"):
        load_references(path)


def full(name: str, seed: int) -> Reference:
    rng = np.random.default_rng(seed)
    shares = rng.random((20, 6), dtype=np.float32)
    return replace(
        reference(name, seed),
        shares=shares / shares.sum(0),
        shape=rng.normal(0, 0.02, (468, 3)).astype(np.float32),
        appearance=rng.integers(0, 256, (48, 48, 3), dtype=np.uint8),
    )


def test_shares_shape_and_appearance_come_back_to_whom_they_belong(tmp_path):
    flat = replace(full("flat", 3), shape=None)
    saved = [reference("bare", 1), full("a", 2), flat, full("b", 4)]
    whole = full("domain", 9)
    save_references(tmp_path / "r", saved, whole.shape, whole.appearance)
    loaded = load_reference_set(tmp_path / "r")
    for before, after in zip(saved, loaded.references, strict=True):
        for name in ("shares", "shape", "appearance"):
            one, other = getattr(before, name), getattr(after, name)
            assert (one is None) == (other is None), (before.name, name)
            if one is not None:
                assert one.dtype == other.dtype
                np.testing.assert_allclose(one, other, atol=1e-3)
    np.testing.assert_allclose(loaded.shape, whole.shape, atol=1e-4)
    np.testing.assert_array_equal(loaded.appearance, whole.appearance)
    assert loaded.appearance_spread.shape == (48, 48)
    assert names_in(tmp_path / "r") == ("bare", "a", "flat", "b")


def test_a_file_of_the_first_version_still_loads(tmp_path):
    save_file(tensors(), str(tmp_path / "r"), metadata())
    loaded = load_reference_set(tmp_path / "r")
    assert [one.name for one in loaded.references] == ["a", "b"]
    assert all(one.shares is one.shape is one.appearance is None for one in loaded.references)
    assert loaded.shape is loaded.appearance is loaded.appearance_spread is None
    assert names_in(tmp_path / "r") == ("a", "b")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("shares", np.full((20, 6), 0.05)),
        ("shares", np.full((20, 5), 0.05, np.float32)),
        ("shares", np.full((20, 6), 0.5, np.float32)),
        ("shares", np.full((20, 6), np.nan, np.float32)),
        ("shape", np.zeros((468, 2), np.float32)),
        ("shape", np.full((468, 3), np.nan, np.float32)),
        ("shape", np.full((468, 3), 1.5, np.float32)),
        ("appearance", np.zeros((48, 48, 3), np.float32)),
        ("appearance", np.zeros((64, 64, 3), np.uint8)),
    ],
)
def test_wrong_optional_arrays_are_refused(tmp_path, name, array):
    with pytest.raises(ValueError, match=r"shape|share|appearance"):
        replace(reference(), **{name: array})
    if name != "shares":
        with pytest.raises(ValueError):
            save_references(tmp_path / "r", [reference()], **{name: array})
        assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("extra", "owners"),
    [
        ({}, [0]),
        ({"shape": np.zeros((1, 468, 3), np.float16)}, [0, 1]),
        ({"shape": np.zeros((1, 468, 3), np.float16)}, [5]),
        ({"shape": np.zeros((1, 468, 3), np.float16)}, 0),
        ({"shape": np.zeros((1, 9, 3), np.float16)}, [0]),
        ({"domain_shape": np.full((468, 3), np.inf, np.float16)}, []),
    ],
)
def test_optional_arrays_that_do_not_fit_are_one_sentence(tmp_path, extra, owners):
    about = json.loads(metadata()["hasnet-references-1"]) | {"shape": owners}
    save_file(
        tensors() | extra, str(tmp_path / "r"), {"hasnet-references-2": json.dumps(about)}
    )
    with pytest.raises(DomainError, match="cannot be used"):
        load_references(tmp_path / "r")


def test_likest_has_the_largest_cosine():
    many = [reference(f"r{i}", i) for i in range(9)]
    assert likest(many, many[6].z_id) is many[6]
    assert likest([many[2], many[2]], many[2].z_id) is many[2]
