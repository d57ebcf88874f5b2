"""What is refused of a domain's package, and with which sentence: the table of docs/plugins.md."""

from __future__ import annotations

import json
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import picture
from safetensors.numpy import load_file, save_file

from hasnet_models.errors import EXIT_DOMAIN
from hasnet_models.palette import COLOURS
from hasnet_models.plugins import layout
from hasnet_models.plugins.header import LONGEST, parse
from hasnet_models.plugins.seal import sealed_manifest
from hasnet_models.topology.appearance import SIDE
from hasnet_models.topology.zones import ZONES
from hasnet_models.weights.files import weight_path

DOCUMENT = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
REFERENCES, HEAD = "references.safetensors", "head.safetensors"
Break = Callable[[Path], None]


# ------------------------------------------------------------------------- ways to break a package


def sealed(change: Break) -> Break:
    """The change, and the hashes of what it left: a package that its author wrote like that."""

    def apply(package: Path) -> None:
        change(package)
        (package / "domain.toml").write_text(sealed_manifest(package))

    return apply


def content(data: bytes, name: str = REFERENCES) -> Break:
    return sealed(lambda package: (package / name).write_bytes(data) and None)


def text(old: str, new: str) -> Break:
    """Another text of the manifest; `old` is a regular expression."""

    def apply(package: Path) -> None:
        path = package / "domain.toml"
        path.write_text(re.sub(old, lambda _: new, path.read_text()))

    return apply


def bent(change: Callable[[bytes], bytes]) -> Break:
    """The reference file with other bytes, sealed."""

    def apply(package: Path) -> None:
        path = package / REFERENCES
        path.write_bytes(change(path.read_bytes()))

    return sealed(apply)


def header(change: Callable[[dict], object]) -> Break:
    """The reference file with another header, sealed."""

    def apply(data: bytes) -> bytes:
        (length,) = struct.unpack_from("<Q", data)
        table = json.loads(data[8 : 8 + length])
        changed = json.dumps(change(table) or table).encode()
        return struct.pack("<Q", len(changed)) + changed + data[8 + length :]

    return bent(apply)


def about(change: Callable[[dict], object]) -> Break:
    """The reference file saying something else of its references, sealed."""

    def apply(table: dict) -> None:
        metadata, name = table["__metadata__"], layout.VERSIONS[-1]
        metadata[name] = json.dumps(change(json.loads(metadata[name])))

    return header(apply)


def tensors(**changes: Callable[[np.ndarray], np.ndarray]) -> Break:
    """The reference file with other tensors, sealed; a new one is made of the palettes."""

    def apply(package: Path) -> None:
        path = package / REFERENCES
        metadata = parse(path.read_bytes()).metadata
        arrays = load_file(path)
        for name, change in changes.items():
            arrays[name] = change(arrays.get(name, arrays["palette"]))
        save_file(arrays, path, dict(metadata))

    return sealed(apply)


def head(**arrays: np.ndarray) -> Break:
    """A head of these tensors, sealed."""
    return sealed(lambda package: save_file(arrays, package / HEAD))


def link(name: str) -> Break:
    """A file of the package that is a link to one outside, with the same content."""

    def apply(package: Path) -> None:
        outside = package.parent / f"outside-{name}"
        (package / name).rename(outside)
        (package / name).symlink_to(outside)

    return apply


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array[-1, -1] = value
        return array

    return change


def large(package: Path) -> None:
    with (package / REFERENCES).open("r+b") as file:
        file.truncate(layout.REFERENCES.largest + 1)


def overlapping(table: dict) -> None:
    last = max(table.keys() - {"__metadata__"}, key=lambda name: table[name]["data_offsets"])
    table[last]["data_offsets"] = [n - 1 for n in table[last]["data_offsets"]]


def replaced(package: Path) -> None:
    (package / REFERENCES).unlink()
    (package / REFERENCES).mkdir()


def shape_of(name: str) -> tuple[int, ...]:
    """Of a tensor of the installed TT-Net."""
    return parse(weight_path("tt_net.safetensors").read_bytes()).tensors[name].shape


TENSOR = next(iter(parse(weight_path("tt_net.safetensors").read_bytes()).tensors))
ESCAPE = "\x1b[31mred"
FILE = f'file = "{REFERENCES}"'
BREAKAGES: dict[str, Break] = {
    "another hash": lambda package: (package / REFERENCES).write_bytes(b"x") and None,
    "no hash": text(r"sha256 = .*", ""),
    "a hash that is none": text(r'sha256 = "..', 'sha256 = "'),
    "a pickle called .safetensors": content(pickle.dumps({"palette": [1, 2]}, 4)),
    "a torch file called .safetensors": content(b"PK\x03\x04" + bytes(60)),
    "a pickle": text(REFERENCES, "references.pkl"),
    "a path with ..": text(FILE, f'file = "../{REFERENCES}"'),
    "an absolute path": text(FILE, f'file = "/etc/{REFERENCES}"'),
    "a link that leads out": link(REFERENCES),
    "a path with a null byte": text(FILE, r'file = "a\u0000.safetensors"'),
    "no file": lambda package: (package / REFERENCES).unlink(),
    "a folder for a file": replaced,
    "an empty file": content(b""),
    "a file cut short": bent(lambda data: data[:-100]),
    "more behind the tensors": bent(lambda data: data + b"#!/bin/sh"),
    "a file too large": large,
    "a header too long": bent(lambda data: struct.pack("<Q", LONGEST + 1) + data[8:]),
    "a header that is no JSON": bent(lambda data: data[:9] + b"]" + data[10:]),
    "a header nested without end": content(struct.pack("<Q", 90_005) + b'{"a":' + b"[" * 90_000),
    "a header with a key twice": bent(lambda data: data.replace(b'"z_id":', b'"palette":')),
    "a tensor without its entry's keys": header(lambda table: table | {"z_id": {}}),
    "a tensor of another number of bytes": header(
        lambda table: table["palette"]["shape"].append(2)
    ),
    "tensors that overlap": header(overlapping),
    "a tensor with no place": tensors(extra=lambda palette: palette.copy()),
    "a tensor of another type": tensors(palette=lambda palette: palette.astype(np.float32)),
    "a tensor of a type that is not known": tensors(z_id=lambda z_id: z_id.astype(np.float64)),
    "a tensor of another shape": tensors(palette=lambda palette: palette[:, :19].copy()),
    "too many references": tensors(palette=lambda palette: np.resize(palette, (2049, 20, 3))),
    "NaN": tensors(z_id=with_value(np.nan)),
    "Inf": tensors(domain_shape=lambda _: np.full((468, 3), np.inf, np.float16)),
    "no word on the references": header(lambda table: table | {"__metadata__": {}}),
    "fewer names than references": about(lambda all: all | {"names": all["names"][1:]}),
    "one name twice": about(lambda all: all | {"names": ["a", "b", "a"]}),
    "a name that colours the terminal": about(lambda all: all | {"names": ["a", "b", ESCAPE]}),
    "a head with NaN": head(**{TENSOR: np.full(shape_of(TENSOR), np.nan, np.float16)}),
    "a head with Inf": head(**{TENSOR: np.full(shape_of(TENSOR), np.inf, np.float32)}),
    "a head of another shape": head(**{TENSOR: np.zeros((2, 3), np.float16)}),
    "a head for another network": head(**{"layer9": np.zeros((2, 3), np.float16)}),
    "a head of whole numbers": head(**{TENSOR: np.zeros(shape_of(TENSOR), np.uint8)}),
    "a head of too many tensors": head(**{f"t{i}": np.zeros(1, np.float16) for i in range(4097)}),
    "a head that is a pickle": content(pickle.dumps([1], 2), HEAD),
    "a manifest that leads out": link("domain.toml"),
    "a manifest too large": text(r"\Z", "#" * 65_536),
    "a manifest that is no TOML": text(r"\Z", "this is [ not toml"),
    "a manifest nested without end": text(r"\Z", "x = " + "[" * 30_000),
    "a key that is not known": text("title", "titel"),
    "a title that colours the terminal": text('title = "', r'title = "\u001b[31m'),
    "another api": text("api = 1", "api = 9"),
}  # fmt: skip


def documented() -> dict[str, str]:
    """What is broken -> the sentence, of the table in docs/plugins.md."""
    table = DOCUMENT.split("## What is refused")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| `(.+)` \|$", table, re.MULTILINE)
    return dict(rows)


# ----------------------------------------------------------------------------------------- refused


def test_the_document_has_each_breakage():
    assert list(documented()) == list(BREAKAGES)


@pytest.mark.parametrize("what", BREAKAGES)
def test_it_is_refused_with_the_documented_sentence(run, site, pipeline, what):
    package = site.install("bent")
    BREAKAGES[what](package)
    site.install("good")
    sentence = documented()[what].replace("PACKAGE", package.name).rstrip(".…")
    picture("face.png")

    listed = run("domains", "--json")
    rows = {row["name"]: row.get("error", "") for row in json.loads(listed.out)["domains"]}
    assert listed.code == 0 and not rows["good"] and sentence in rows["bent"]
    assert "\x1b" not in listed.out

    checked = run("domain", "validate", package)
    (line,) = [line for line in checked.out.splitlines() if line.startswith("✗")]
    assert checked.code == EXIT_DOMAIN and sentence in line

    code, out, err = run("avatar", "face.png", "--domain", "bent", "-o", "out.png")
    assert (code, out) == (EXIT_DOMAIN, "") and sentence in err
    assert "Traceback" not in err and not Path("out.png").exists()
    assert run("avatar", "face.png", "--domain", "good", "-o", "out.png").code == 0


# ------------------------------------------------------------------------------------ and what not


def test_what_the_table_breaks_was_sound(run, site):
    package = site.install("sound")
    head(**{TENSOR: np.ones(shape_of(TENSOR), np.float16)})(package)
    code, out, err = run("domain", "validate", package)
    assert (code, err) == (0, "") and all(line[0] in "✓!" for line in out.splitlines())


def test_the_layout_is_that_of_the_networks():
    from hasnet_models.face.mesh import POINTS

    assert layout.PALETTE_SHAPE == (COLOURS, 3)
    assert (COLOURS, len(ZONES)) == layout.SHARES_SHAPE
    assert layout.SHAPE_SHAPE == (POINTS, 3)
    assert layout.APPEARANCE_SHAPE == (SIDE, SIDE, 3)


def test_a_package_that_is_reached_by_a_link_is_sound(run, site, tmp_path):
    (tmp_path / "linked").symlink_to(site.install("sound"))
    assert run("domain", "validate", tmp_path / "linked").code == 0


# ---------------------------------------------------------------------------------------- validate


@pytest.mark.parametrize("name", ["weights.pkl", "data.npy", "notes.onnx", "link.toml"])
def test_validate_refuses_other_data(run, site, tmp_path, name):
    package = site.install("messy")
    if name == "link.toml":
        (package / name).symlink_to(tmp_path)
    else:
        (package / name).write_bytes(b"x")
    code, out, _ = run("domain", "validate", package)
    assert code == EXIT_DOMAIN and f"✗ files: fake_domain_messy holds {name}" in out
    assert run("domains", "-q").code == 0


def test_validate_runs_no_code_and_says_that_there_is_some(run, site, tmp_path):
    package = site.install("bomb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    code, out, _ = run("domain", "validate", package)
    assert code == 0 and "! code: its own" in out
    assert not (tmp_path / "ran").exists()


def test_validate_takes_the_plugins_folder_and_an_installed_name(run, site):
    package = site.install("pencil")
    pyproject = package.parent / "pyproject.toml"
    pyproject.write_text('[project.entry-points.hasnet]\npencil = "fake_domain_pencil"\n')
    named, folder = run("domain", "validate", "pencil"), run("domain", "validate", package.parent)
    assert named.code == folder.code == 0 and named.out == folder.out
    assert "✓ code: the template's" in named.out and "✓ entry point:" in named.out
    for wrong in ('[project.entry-points.hasnet]\npencil = "other"\n', "[project]", "no toml", ""):
        pyproject.write_text(wrong)
        code, out, _ = run("domain", "validate", package)
        assert code == EXIT_DOMAIN and "✗ entry point: " in out and "pyproject.toml" in out


def test_validate_as_json(run, site):
    package = site.install("pencil")
    sound = json.loads(run("domain", "validate", package, "--json").out)
    assert sound["ok"] and {row["status"] for row in sound["checks"]} == {"ok"}
    (package / REFERENCES).write_bytes(b"x")
    broken = run("domain", "validate", package, "--json")
    assert broken.code == EXIT_DOMAIN and not json.loads(broken.out)["ok"]


def test_validate_checks_the_medium(run, site):
    package = site.install("pencil")
    text(r"\Z", '\n[medium]\nkind = "pencil"\nwidth = nan\n')(package)
    code, out, _ = run("domain", "validate", package)
    assert code == EXIT_DOMAIN and "✗ medium: domain.toml of domain 'pencil', [medium]" in out


@pytest.mark.parametrize("named", ["nobody", ".", "./nowhere", "/"])
def test_validate_of_nothing_is_one_sentence(run, named):
    code, out, err = run("domain", "validate", named)
    assert (code, out) == (EXIT_DOMAIN, "") and err.startswith("hasnet: ")
