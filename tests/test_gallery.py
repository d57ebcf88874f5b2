"""The tool that draws the domains' sheets and the gallery, with avatars that are plain colours."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import Site
from PIL import Image

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool in a repository of two domains, whose avatars are gray."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import make_gallery

    for name in ("ink", "chalk"):
        package = tmp_path / "domains" / f"hasnet-domain-{name}" / f"hasnet_domain_{name}"
        package.mkdir(parents=True)
        Site.write_data(package, name, 9)
    (tmp_path / "domains.toml").write_text(
        '[ink]\nword = "Black."\nshown = "ink-03"\n[chalk]\nword = "White."\n'
    )
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(make_gallery, "ROOT", tmp_path)
    monkeypatch.setattr(make_gallery, "FACTS", tmp_path / "domains.toml")
    for name, file in {"GALLERY": "gallery.md", "WORLDS": "worlds.jpg"}.items():
        monkeypatch.setattr(make_gallery, name, tmp_path / "docs" / file)
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr(make_gallery, "drawing", lambda: draw)

    def draw(name: str, reference: str) -> SimpleNamespace:
        drawn.append((name, reference))
        picture = np.full((512, 512, 3), 128, np.uint8)
        chosen = f"{name}-01" if reference == "likest" else reference
        steps = SimpleNamespace(source=picture // 2)
        return SimpleNamespace(array=picture, steps=steps, metadata={"reference": chosen})

    yield SimpleNamespace(module=make_gallery, drawn=drawn, folder=tmp_path)
    sys.modules.pop("make_gallery")


def test_all_domains_have_a_sheet_a_section_and_a_place(tool):
    written = tool.module.make_gallery(["ink", "chalk"])
    assert [path.name for path in written] == ["sheet.jpg", "sheet.jpg", "worlds.jpg", "gallery.md"]
    text = (tool.folder / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert text.index("## ink: Ink world") < text.index("## chalk: Chalk world")
    assert "![Ink world](../domains/hasnet-domain-ink/sheet.jpg)\n\nBlack.\n\n9 references" in text
    assert ("ink", "ink-03") in tool.drawn and ("chalk", "likest") in tool.drawn
    with Image.open(written[0]) as sheet:
        assert sheet.size == (6 * 226 + 2, 228)
        assert sheet.getpixel((100, 100))[0] == 64 and sheet.getpixel((500, 100))[0] == 128
    with Image.open(written[2]) as worlds:
        assert worlds.width == 1402 and worlds.height > worlds.width
        assert worlds.getpixel((1000, 1000))[0] == 255  # three pictures in two rows of two


def test_one_domain_is_a_sheet_alone_that_shows_no_reference_twice(tool):
    (written,) = tool.module.make_gallery(["chalk"])
    assert written.parent.name == "hasnet-domain-chalk"
    assert [name for _, name in tool.drawn] == [
        "likest", "chalk-03", "chalk-05", "chalk-07", "chalk-09",
    ]  # fmt: skip


def test_a_domain_with_few_references_shows_some_twice(tool):
    package = tool.folder / "domains" / "hasnet-domain-ink" / "hasnet_domain_ink"
    Site.write_data(package, "ink", 1)
    tool.module.make_gallery(["ink"])
    assert [name for _, name in tool.drawn] == ["likest", *["ink-01"] * 4]


def test_unfit_references_are_left_out_and_the_rest_is_numbered_anew(tool, monkeypatch):
    import make_domain

    from hasnet_models.plugins.reference import load_reference_set

    monkeypatch.delitem(sys.modules, "make_domain")
    package = tool.folder / "domains" / "hasnet-domain-chalk" / "hasnet_domain_chalk"
    found = load_reference_set(package / "references.safetensors")
    kept = make_domain.without(found, [1, 4]).references
    assert [one.name for one in kept] == [f"chalk-{number:02d}" for number in range(1, 8)]
    own = [found.references[number - 1] for number in (2, 3, 5, 6, 7, 8, 9)]
    assert all((a.z_id == b.z_id).all() for a, b in zip(kept, own, strict=True))
