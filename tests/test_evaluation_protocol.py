"""Which sources meet which references, and the ways a folder cannot give them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from hasnet_models.errors import UsageError
from hasnet_models.evaluation import paper
from hasnet_models.evaluation.protocol import CROSS, PHOTOS, Protocol, draw

DOMAINS = ("anime", "nir", "oil", "photo", "sketch")


@pytest.fixture
def faces(tmp_path):
    """12 pictures a domain in "val" (2 of anime), and some of a domain that is not installed."""
    lines = ["domain\tsplit\tfile\tidentity"]
    for name in (*DOMAINS, "strange"):
        (tmp_path / name).mkdir()
        for i in range(2 if name == "anime" else 12):
            (tmp_path / name / f"{i}.png").write_bytes(b"")
            lines.append(f"{name}\tval\t{name}/{i}.png\t")
    (tmp_path / "index.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_cross_takes_as_many_of_each_other_installed_domain(faces):
    found = draw(faces, Protocol("sketch", sources=3), DOMAINS)
    sources = Counter(pair.source.domain for pair in found.pairs)
    assert sources == {"anime": 2, "nir": 3, "oil": 3, "photo": 3}
    assert {pair.reference.domain for pair in found.pairs} == {"sketch"} and len(found.own) == 12


def test_photos_are_the_only_sources_of_the_other_protocol(faces):
    found = draw(faces, Protocol("sketch", PHOTOS, sources=100), DOMAINS)
    assert Counter(pair.source.domain for pair in found.pairs) == {"photo": 12}


def test_each_source_meets_as_many_references_and_all_come_up_equally_often(faces):
    found = draw(faces, Protocol("sketch", PHOTOS, sources=12, references=3), DOMAINS)
    met = Counter(pair.source for pair in found.pairs)
    assert set(met.values()) == {3} and len({pair.name for pair in found.pairs}) == 36
    assert set(Counter(pair.reference for pair in found.pairs).values()) == {3}


def test_a_draw_follows_from_its_seed_alone(faces):
    protocol = Protocol("sketch", sources=3)
    first = draw(faces, protocol, DOMAINS)
    assert draw(faces, protocol, tuple(reversed(DOMAINS))) == first
    assert draw(faces, replace(protocol, seed=1), DOMAINS).pairs != first.pairs
    assert draw(faces, replace(protocol, sources=4), DOMAINS).inputs


def test_more_sources_keep_the_references_of_no_other_domain(faces):
    found = draw(faces, Protocol("sketch", sources=2), (*DOMAINS, "strange"))
    assert Counter(pair.source.domain for pair in found.pairs)["strange"] == 2


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (Protocol("anime"), "has 2 pictures of anime in 'val', and FID needs at least 5"),
        (Protocol("green"), "has no pictures of the domain 'green'"),
        (Protocol("sketch", split="test"), "has no split 'test'"),
        (Protocol("photo", PHOTOS), "The protocol gives 0 pictures to make avatars of"),
        (Protocol("sketch", PHOTOS, sources=1), "The protocol gives 1 picture to make avatars of"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(faces, protocol, said):
    with pytest.raises(UsageError, match=said):
        draw(faces, protocol, DOMAINS)


def test_the_paper_s_tables_are_three_domains_by_two_protocols(tmp_path):
    found = paper.evaluations(Protocol("", sources=10), 100, (*DOMAINS, "strange"), tmp_path)
    assert {evaluation.domains for evaluation in found} == {DOMAINS}
    kinds = [(e.protocol.kind, e.protocol.domain, e.protocol.sources) for e in found]
    assert kinds == [(kind, name, count) for kind, count in ((CROSS, 10), (PHOTOS, 100))
                     for name in ("nir", "sketch", "anime")]  # fmt: skip
    assert found[3].title == "Table 3, nir" and found[3].out == tmp_path / "table3-nir"
