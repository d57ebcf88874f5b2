"""A domain's reference file from a folder of aligned faces; no picture is written, only vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from hasnet_models import image_io, palette
from hasnet_models.data.index import INDEX, read_table
from hasnet_models.errors import UsageError
from hasnet_models.networks import identity
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.plugins.selection import COUNT, Candidate, choose
from hasnet_models.weights.load import load_identity

Embed = Callable[[np.ndarray], np.ndarray]
LEAST = 2
_SPLIT = "train"


def make_references(
    faces: Path,
    domain: str,
    out: Path,
    *,
    count: int = COUNT,
    licence: str | None = None,
    embed: Embed | None = None,
) -> list[Reference]:
    """Choose references among the training pictures of a domain, one a person, and write them.

    Args:
        faces: holds `index.tsv` (columns domain, split, file; source, licence and identity where
            they are known) and the aligned square pictures that it names.
        domain: as the index calls it; references are named after it.
        out: the file to write.
        count: of references; fewer where there are fewer pictures.
        licence: of all of them; None takes each picture's own from the index.
        embed: z_id of an aligned face, uint8 (S, S, 3) -> float32 (D,) of unit length; None for
            the embedded identity network.

    Raises:
        UsageError: the index cannot be read, or names too few pictures.
        ImageError: a picture cannot be read.
    """
    rows = training_rows(faces, domain)
    if len(rows) < LEAST:
        raise UsageError(
            f"{faces} holds {len(rows)} training pictures of {domain}; {LEAST} are the least."
        )
    embed = embed or _embedded()
    chosen = choose([_candidate(faces, row, embed) for row in rows], count)
    references = [
        Reference(
            f"{domain}-{number:02d}",
            candidate.palette,
            candidate.z_id,
            licence=candidate.licence if licence is None else licence,
            source=candidate.source,
        )
        for number, candidate in enumerate(chosen, 1)
    ]
    save_references(out, references)
    return references


def training_rows(faces: Path, domain: str) -> list[dict[str, str]]:
    """The domain's training rows of the index, one a person, sorted by file.

    Raises:
        UsageError: there is no index, or it cannot be read.
    """
    _, table = read_table(faces / INDEX, ("domain", "split", "file"))
    rows = [row for row in table if (row.get("domain"), row.get("split")) == (domain, _SPLIT)]
    rows = sorted((row for row in rows if row.get("file")), key=lambda row: row["file"])
    first = {row.get("identity") or row["file"]: row for row in reversed(rows)}
    return sorted(first.values(), key=lambda row: row["file"])


def _candidate(faces: Path, row: dict[str, str], embed: Embed) -> Candidate:
    picture = image_io.read(faces / row["file"]).rgb
    source, licence = row.get("source", ""), row.get("licence", "")
    return Candidate(row["file"], source, licence, palette.extract(picture), embed(picture))


def _embedded() -> Embed:
    return functools.partial(_embed, load_identity())


@torch.inference_mode()
def _embed(net: torch.nn.Module, picture: np.ndarray) -> np.ndarray:
    return identity.embed(net, to_tensor(picture[None]))[0].numpy().astype(np.float32)
