"""Fit the media of domains to the domains' own pictures, and print tables for their manifests.

    python tools/fit_medium.py FACES_DIR [DOMAIN ...] [--pictures FOLDER] [--between 0.5]

Sources are the networks' pictures of people of the training split, references training pictures of
the domain. The search (`hasnet_models.medium.fit`) begins at today's preset. A comment above each
table says how far the statistics were from the references' before and after, and the edge energy as
a share of theirs. `--between` below 1 goes only that far from today's values to those found: no
statistic says what pleases the eye. Look at the pictures before a table goes into
`hasnet_models/medium/presets.toml` and the domain's manifest.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from medium_pictures import Studio, arguments, installed, references

from hasnet_models.medium import Medium, fit, presets, scale


def between(start: Medium, found: Medium, share: float) -> Medium:
    """The medium a share of the way from one to the other, to three digits."""
    values = {
        name: float(f"{(1 - share) * getattr(start, name) + share * getattr(found, name):.3g}")
        for name in start.fitted()
    }
    return dataclasses.replace(start, **values)


def table(domain: str, medium: Medium) -> str:
    """What a file of presets holds: the kind, and what differs from its own values."""
    own = type(medium)()
    lines = [f"[{domain}]", f'kind = "{medium.kind}"']
    for name in medium.bounds():
        if getattr(medium, name) != getattr(own, name):
            lines.append(f"{name} = {getattr(medium, name)}")
    return "\n".join(lines)


def main() -> None:
    """Fit and print."""
    parser = arguments(__doc__, people=8)
    parser.add_argument("--evaluations", type=int, default=80)
    parser.add_argument("--between", type=float, default=1.0)
    options = parser.parse_args()
    studio = Studio(options.faces, "train", options.people, options.pictures)
    for name in installed(options.domains):
        start, pictures = presets()[name], studio.pictures(name)
        found = fit(
            references(options.faces, name, options.references),
            start,
            [scale.unit(picture) for picture in pictures.x_tt],
            list(pictures.zones),
            evaluations=options.evaluations,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
        before, after = (np.mean(list(d.values())) for d in (found.before, found.after))
        print(
            f"# distance {before:.3f} -> {after:.3f}, "
            f"edges {found.energy_before:.2f} -> {found.energy_after:.2f}\n"
            f"{table(name, between(start, found.medium, options.between))}\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
