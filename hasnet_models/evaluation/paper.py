"""Tables 2 and 3 of the paper as evaluations, and the networks that their ablation rows need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hasnet_models.evaluation.protocol import CROSS, PHOTOS, Protocol
from hasnet_models.evaluation.run import Evaluation
from hasnet_models.evaluation.systems.folder import Folder

# NIR, CUHK and anime in the paper
DOMAINS = ("nir", "sketch", "anime")
# the paper's thirteen, so that its tables do not depend on what else is installed
SOURCES = (
    *("photo", "night", "nir", "cartoon3d", "anime", "sketch", "caricature", "oil", "sculpture"),
    *("opera", "buddha", "avatar", "ancient"),
)
TITLES = {CROSS: "Table 2", PHOTOS: "Table 3"}
# row -> ablations of `hasnet_models.config.load`; the first is the control, trained on as whole
ABLATIONS = {
    "HASNet, trained on": (),
    "w/o RT-Net": ("no-rt",),
    "w/ L_CCX": ("only-ccx",),
    "w/ L_SCX": ("only-scx",),
    "w/o L_CX": ("no-cx",),
}


def evaluations(
    protocol: Protocol, photos: int, domains: tuple[str, ...], out: Path
) -> list[Evaluation]:
    """The tables, three domains each.

    Args:
        protocol: with the sources of each other domain; its domain and kind are left aside.
        photos: sources of Table 3.
        domains: those that are installed, of which the paper's are taken.
    """
    found = []
    domains = tuple(name for name in domains if name in SOURCES)
    for kind, sources in ((CROSS, protocol.sources), (PHOTOS, photos)):
        for name in DOMAINS:
            own = replace(protocol, domain=name, kind=kind, sources=sources)
            found.append(Evaluation(f"{TITLES[kind]}, {name}", own, domains, out / folder_of(own)))
    return found


def folder_of(protocol: Protocol) -> str:
    """The name of a table's folder, also in a folder of another program's outputs."""
    return f"{TITLES[protocol.kind].replace(' ', '').lower()}-{protocol.domain}"


def of_table(folders: Sequence[Folder], evaluation: Evaluation) -> list[Folder]:
    """The outputs that each folder has for one of the tables."""
    there = [(one.folder / evaluation.out.name, one.name) for one in folders]
    return [Folder(path, name) for path, name in there if path.is_dir()]
