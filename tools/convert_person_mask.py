"""Make hasnet_models/weights/person_mask.onnx from the file in MediaPipe's npm package.

    npm pack @mediapipe/selfie_segmentation@0.1.1675465747
    tar xzf mediapipe-selfie_segmentation-0.1.1675465747.tgz
    pip install onnx tflite
    python tools/convert_person_mask.py package/selfie_segmentation.tflite

The network stays as it is; it takes any number of pictures. Its one custom operator, a transposed
convolution with a bias, is ONNX's ConvTranspose.
"""

from __future__ import annotations

from pathlib import Path

from tflite_graph import convert, run, save

from hasnet_models.weights.files import weights_folder

PERSON = "249"
SIDE = 256


def build(path: Path, out: Path) -> None:
    """Channels first; the output named."""
    to = convert(path)
    to.add("Identity", [PERSON], "person")
    pictures = ("pictures", 3, SIDE, SIDE)
    save(to, pictures, {"person": ("pictures", 1, SIDE, SIDE)}, out)


if __name__ == "__main__":
    run(__doc__.splitlines()[0], build, weights_folder() / "person_mask.onnx")
