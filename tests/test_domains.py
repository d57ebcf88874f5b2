from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hasnet_models.errors import DomainError
from hasnet_models.plugins import Domain, discover
from hasnet_models.plugins.media import medium_of
from hasnet_models.testing import assert_domain_ok
from hasnet_models.topology.strength import Shaping

REPOSITORY = Path(__file__).parents[1]
HOOK = "from hasnet_models.plugins import Domain, hookimpl\n@hookimpl\n"


def test_no_plugins_is_an_empty_registry(site):
    registry = discover({})
    assert registry.domains == () and registry.failures == ()
    with pytest.raises(DomainError, match="no domain 'sketch'") as caught:
        registry.get("sketch")
    assert "No domain plugin is installed" in caught.value.hint


def test_a_plugin_provides_its_domain(site):
    site.install("pencil", version="2.5")
    (domain,) = discover({}).domains
    assert (domain.name, domain.title) == ("pencil", "Pencil world")
    assert (domain.distribution, domain.version) == ("hasnet-domain-pencil", "2.5")
    assert [r.name for r in domain.references] == ["pencil-01", "pencil-02", "pencil-03"]
    assert domain.references is domain.references
    assert domain.head is None


BROKEN = {
    "import error": ("import no_such_module_anywhere", "import", "no_such_module_anywhere"),
    "syntax error": ("def :", "import", "SyntaxError"),
    "exit at import": ("import sys\nsys.exit(3)", "import", "SystemExit: 3"),
    "raise at import": ("raise RuntimeError('two\\nlines')", "import", "RuntimeError: two lines"),
    "wrong arguments": (HOOK + "def hasnet_domains(wish): return []", "register", "wish"),
    "no hook": ("x = 1", "register", "none of the hooks hasnet_domains"),
    "raising hook": (HOOK + "def hasnet_domains(): 1 / 0", "domains", "ZeroDivisionError"),
    "raising half way": (
        HOOK + "def hasnet_domains():\n yield Domain.from_package(__name__)\n raise KeyError('k')",
        "domains",
        "KeyError",
    ),
    "exit in hook": (HOOK + "def hasnet_domains(): raise SystemExit", "domains", "SystemExit"),
    "not a domain": (HOOK + "def hasnet_domains(): yield 'sketch'", "domains", "not a Domain"),
    "nothing": (HOOK + "def hasnet_domains(): pass", "domains", "NoneType"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_costs_nobody_else_anything(site, kind):
    code, stage, about = BROKEN[kind]
    site.install("aaa", code)
    site.install("good")
    site.install("zzz")
    registry = discover({})
    assert [domain.name for domain in registry.domains] == ["good", "zzz"]
    (failure,) = registry.failures
    assert (failure.plugin, failure.distribution) == ("aaa", "hasnet-domain-aaa")
    assert failure.stage == stage
    assert about in failure.error and "\n" not in failure.error
    assert "Traceback" in failure.details


def test_a_domain_of_a_broken_plugin_says_what_broke_it(site):
    site.install("anime", "import no_such_module_anywhere")
    with pytest.raises(DomainError, match=r"'anime'.*hasnet-domain-anime 1\.0.*no_such_module"):
        discover({}).get("anime")


def test_what_a_plugin_prints_stays_off_standard_output(site, capsys):
    site.install("noisy", "print('hello')\n" + HOOK + "def hasnet_domains(): print('x'); return []")
    discover({})
    out, err = capsys.readouterr()
    assert out == "" and "hello" in err


def test_two_plugins_with_one_name(site):
    site.install("one", domain="sketch")
    site.install("two", domain="sketch")
    registry = discover({})
    with pytest.raises(DomainError, match="hasnet-domain-one and hasnet-domain-two"):
        registry.get("sketch")
    assert registry.get("hasnet-domain-two/sketch").distribution == "hasnet-domain-two"


@pytest.mark.parametrize("wanted", ["sketsch", "skech", "ketch"])
def test_a_near_miss_is_suggested(site, wanted):
    site.install("sketch")
    with pytest.raises(DomainError) as caught:
        discover({}).get(wanted)
    assert caught.value.hint == "Did you mean 'sketch'?"
    assert caught.value.exit_code == 6


def test_far_off_names_get_the_list(site):
    site.install("sketch")
    with pytest.raises(DomainError) as caught:
        discover({}).get("qqq")
    assert caught.value.hint == "Installed: sketch."


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, ["anime", "sketch"]),
        ({"HASNET_PLUGINS": ""}, []),
        ({"HASNET_PLUGINS": " sketch ,nothing"}, ["sketch"]),
        ({"HASNET_PLUGINS": "hasnet-domain-anime"}, ["anime"]),
        ({"HASNET_DISABLE_PLUGINS": "anime"}, ["sketch"]),
        ({"HASNET_PLUGINS": "anime", "HASNET_DISABLE_PLUGINS": "anime"}, []),
    ],
)
def test_plugins_are_switched_off_by_the_environment(site, environ, names):
    site.install("sketch")
    site.install("anime")
    registry = discover(environ)
    assert [domain.name for domain in registry.domains] == names
    for name in registry.disabled:
        with pytest.raises(DomainError, match="switched off"):
            registry.get(name)


def test_a_plugin_that_is_switched_off_is_not_imported(site):
    site.install("bomb", "raise RuntimeError")
    assert discover({"HASNET_DISABLE_PLUGINS": "bomb"}).failures == ()


def test_missing_references_break_the_plugin(site):
    (site.install("bare") / "references.safetensors").unlink()
    (failure,) = discover({}).failures
    assert "references.safetensors" in failure.error


def test_a_bad_hash_is_found_when_the_references_are_used(site):
    package = site.install("bent")
    with (package / "references.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x77")
    (domain,) = discover({}).domains
    with pytest.raises(DomainError, match="damaged"):
        _ = domain.references


def test_a_head_is_checked_too(site):
    package = site.install("headed")
    manifest = package / "domain.toml"
    table = f'[head]\nfile = "h.safetensors"\nsha256 = "{64 * "0"}"\n'
    manifest.write_text(manifest.read_text() + table)
    assert "h.safetensors" in discover({}).failures[0].error
    (package / "h.safetensors").write_bytes(b"weights")
    (domain,) = discover({}).domains
    with pytest.raises(DomainError, match=r"h\.safetensors of fake_domain_headed is damaged"):
        _ = domain.head


@pytest.mark.parametrize(
    ("manifest", "about"),
    [
        (None, "no domain.toml"),
        ("", "api = None"),
        ("api = 3", "api = 3"),
        ("this is [ not toml", "cannot be read"),
        ("api = 1\nname = 'x'\ntitle = 'X'", "'licence'"),
        ("api = 1\nname = 7\ntitle = 'X'\nlicence = 'L'", "'name' as a string"),
        ("api = 1\nname = 'x'\ntitle = 'X'\nlicence = 'L'\nreferences = 'f'", "as a table"),
        ("api = 1\nname = 'x'\ntitle = 'X'\nlicence = 'L'\n[references]\nfile = 1", "as strings"),
        ("api = 1\nnome = 'x'", "unknown key 'nome'"),
        (
            "api = 1\nname = 'Bad Name'\ntitle = 'X'\nlicence = 'L'\n"
            f"[references]\nfile = 'references.safetensors'\nsha256 = '{64 * '0'}'",
            "cannot be the name",
        ),
        (
            "api = 1\nname = 'none'\ntitle = 'X'\nlicence = 'L'\n"
            f"[references]\nfile = 'references.safetensors'\nsha256 = '{64 * '0'}'",
            "cannot be the name",
        ),
    ],
)
def test_a_wrong_manifest_is_one_sentence(site, manifest, about):
    path = site.install("wrong") / "domain.toml"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)
    (failure,) = discover({}).failures
    assert about in failure.error


def shaped(site, table: str, api: int = 2):
    """The domain and the failures of a package whose manifest has a table [shape]."""
    path = site.install("shaped") / "domain.toml"
    text = path.read_text().replace("api = 1", f"api = {api}")
    path.write_text(f"{text}\n[shape]\n{table}\n")
    registry = discover({})
    return registry.domains, registry.failures


def test_a_manifest_says_how_far_faces_go_to_its_shape(site):
    (domain,), _ = shaped(site, "strength = 0.75\nown = 0")
    assert domain.shaping == Shaping(0.75, own=0)


def test_a_manifest_of_the_first_kind_has_the_defaults(site):
    site.install("pencil")
    (domain,) = discover({}).domains
    assert domain.shaping == Shaping()
    assert domain.reference_set.shape is None


@pytest.mark.parametrize(
    ("table", "about"),
    [
        ("strength = 1.6", "strength is 0 to 1.5, not 1.6"),
        ("strength = -1", "strength is 0 to 1.5"),
        ("strength = nan", "strength is 0 to 1.5"),
        ("own = 2.1", "own is 0 to 2"),
        ("domain = '1'", "needs 'domain' in [shape] as a number"),
        ("domain = true", "as a number"),
        ("width = 1", "unknown key 'width' in [shape]"),
    ],
)
def test_a_wrong_shape_table_is_one_sentence(site, table, about):
    domains, (failure,) = shaped(site, table)
    assert not domains and about in failure.error


def test_references_by_number_and_name(site):
    site.install("pencil")
    domain = discover({}).get("pencil")
    assert domain.reference("1").name == "pencil-01"
    assert domain.reference("3").name == "pencil-03"
    assert domain.reference("pencil-02").name == "pencil-02"
    for wrong in ("0", "4", "-1", "x", "", "²"):
        with pytest.raises(DomainError, match="has no reference"):
            domain.reference(wrong)


def test_discovery_imports_neither_torch_nor_numpy():
    code = (
        "import sys; from hasnet_models.plugins import discover; discover()\n"
        "print([m for m in ('torch', 'numpy', 'cv2', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WORLDS = sorted(path.name for path in (REPOSITORY / "domains").iterdir())
LARGEST = 500_000  # bytes of one package, without a head


@pytest.fixture(params=WORLDS)
def world(request, monkeypatch) -> Domain:
    """One of our own domains, from its folder."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "domains" / request.param))
    return Domain.from_package(package(request.param))


PAPER = ["photo", "night", "nir", "cartoon3d", "anime", "sketch", "caricature", "oil", "sculpture"]
PAPER += ["opera", "buddha", "avatar", "ancient"]
SHEETS = 1_500_000  # bytes of all


def test_the_thirteen_worlds_of_the_paper_are_there():
    assert {f"hasnet-domain-{name}" for name in PAPER} <= set(WORLDS)


@pytest.mark.parametrize("name", WORLDS)
def test_our_own_packages_show_what_they_make_and_are_sound(name):
    folder = REPOSITORY / "domains" / name
    assert_domain_ok(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    picture, word = readme.split("(sheet.jpg)\n\n")
    assert "example portrait" in picture and len(word.split("\n\n")[0]) > 80
    gallery = (REPOSITORY / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert f"(../domains/{name}/sheet.jpg)" in gallery and word.split("\n\n")[0] in gallery
    assert (folder / "LICENSE").is_file()
    assert (folder / "tests" / f"test_{package(name)}.py").is_file()
    with Image.open(folder / "sheet.jpg") as sheet:
        assert sheet.width > 5 * sheet.height and sheet.format == "JPEG"


def test_all_sheets_together_are_small():
    sizes = [(REPOSITORY / "domains" / name / "sheet.jpg").stat().st_size for name in WORLDS]
    assert sum(sizes) < SHEETS


def package(name: str) -> str:
    return name.replace("-", "_")


def test_our_own_manifests_say_all(world):
    assert f"hasnet-domain-{world.name}" in WORLDS
    assert world.title and world.licence
    assert medium_of(world) is not None
    assert world.reference_file.sha256
    assert world.head_file is None or world.head_file.sha256
    assert world.reference_file.path.stat().st_size < LARGEST
    _ = world.head


def test_our_own_references_are_sound(world):
    references = world.references
    assert len(references) >= 16
    assert references[0].name == f"{world.name}-01"
    assert len({reference.z_id.tobytes() for reference in references}) == len(references)
    for reference in references:
        assert len(np.unique(reference.palette, axis=0)) == 20
        assert reference.z_id.shape == (192,)
        assert reference.shares.shape == (20, 6)
        assert reference.source and reference.licence
    assert world.reference_set.shape is not None
    assert world.reference_set.appearance_spread is not None


@pytest.mark.parametrize("name", WORLDS)
def test_our_own_origins_name_every_source(name, monkeypatch):
    folder = REPOSITORY / "domains" / name
    monkeypatch.syspath_prepend(str(folder))
    world = Domain.from_package(package(name))
    origin = (folder / "ORIGIN.md").read_text(encoding="utf-8")
    assert world.licence in origin
    assert all(f"| {one.source} |" in origin for one in world.references)
