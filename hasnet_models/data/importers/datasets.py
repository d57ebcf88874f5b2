"""The datasets that can be imported: a new one is a module of its own, and a word here."""

from __future__ import annotations

from hasnet_models.data.importers import (
    casia,
    cufsf,
    ffhq,
    iiit_cfw,
    metfaces,
    own_folders,
    own_pictures,
    selfie2anime,
    toonify,
)

DATASETS = {
    module.DATASET.name: module.DATASET
    for module in (
        casia,
        cufsf,
        selfie2anime,
        iiit_cfw,
        metfaces,
        toonify,
        ffhq,
        own_folders,
        own_pictures,
    )
}
