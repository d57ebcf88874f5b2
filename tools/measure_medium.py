"""How near each domain's medium brings avatars to the domain's own pictures, in two numbers.

    python tools/measure_medium.py FACES_DIR [DOMAIN ...] [--pictures FOLDER]

Edge energy (`hasnet_models.medium.statistics`) of the networks' pictures of 20 people of the
validation split without and with the medium, as a share of that of 40 training pictures of the
domain; aimed at are 0.8 to 1.2. `distance` is the mean of the statistics that a fit minimises.
Skin: rank correlation (Spearman) of the lightness of the people's skin with that of their avatars
under one reference, without and with the medium (0.95 or more), and how many of the darkest third
are among the darkest third of the avatars. Dark skin is to stay dark.
"""

from __future__ import annotations

import numpy as np
from medium_pictures import Pictures, Studio, arguments, installed, references, skin_lightness

from hasnet_models.medium import Medium, presets, statistics
from hasnet_models.medium.statistics import Statistics

HEAD = f"{'':12}edges {'with':>6} {'distance':>9} {'with':>6}   skin {'with':>6} {'darkest':>8}"


def rank(values: np.ndarray) -> np.ndarray:
    """Place of each value among all, 0 for the least."""
    return np.argsort(np.argsort(values))


def order_of(pictures: Pictures, medium: Medium | None) -> tuple[float, int, int]:
    """Spearman's rho of skins, how many of the darkest third stay there, and how many it has."""
    drawn = zip(pictures.drawn(medium), pictures.zones, strict=True)
    after = rank(np.array([skin_lightness(rgb, zones) for rgb, zones in drawn]))
    before, third = rank(pictures.skin), len(after) // 3
    kept = int(((before < third) & (after < third)).sum())
    return float(np.corrcoef(before, after)[0, 1]), kept, third


def row(name: str, studio: Studio, wanted: Statistics, medium: Medium | None) -> str:
    """One line of the table."""
    own, same = (studio.pictures(name, one) for one in (False, True))
    looks = [statistics.of(own.drawn(one)) for one in (None, medium)]
    edges = [look.edge_energy / wanted.edge_energy for look in looks]
    apart = [np.mean(list(statistics.distance(look, wanted).values())) for look in looks]
    (plain, *_), (rho, kept, third) = (order_of(same, one) for one in (None, medium))
    return (
        f"{name:12}{edges[0]:5.2f} {edges[1]:6.2f} {apart[0]:9.3f} {apart[1]:6.3f}"
        f"  {plain:5.3f} {rho:6.3f} {kept:5} of {third}"
    )


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, people=20).parse_args()
    studio = Studio(options.faces, "val", options.people, options.pictures)
    print(HEAD)
    for name in installed(options.domains):
        wanted = statistics.of(references(options.faces, name, options.references))
        print(row(name, studio, wanted, presets()[name]), flush=True)


if __name__ == "__main__":
    main()
