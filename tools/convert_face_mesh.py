"""Make hasnet_models/weights/face_mesh.onnx from the file in MediaPipe's npm package.

    npm pack @mediapipe/face_mesh@0.4.1657299874
    tar xzf mediapipe-face_mesh-0.4.1657299874.tgz
    pip install onnx tflite
    python tools/convert_face_mesh.py package/face_mesh_solution_packed_assets.data

The network stays as it is. It takes any number of faces, and its outputs are shaped: points
(faces, 468, 3) in px of the 192 px square, score (faces,) 0..1 (the network's logit through a
sigmoid).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from tflite_graph import Conversion, convert, run, save

from hasnet_models.weights.files import weights_folder

# Where face_landmark.tflite lies in the packed assets; the loader beside them lists it.
START, END = 2495952, 3737848
POINTS, SCORE = "213", "210"
SIDE = 192


def unpacked(assets: Path) -> Conversion:
    """The converted graph of face_landmark.tflite, taken out of the packed assets."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face_landmark.tflite"
        path.write_bytes(assets.read_bytes()[START:END])
        return convert(path)


def build(assets: Path, out: Path) -> None:
    """Channels first for the input, the two outputs shaped."""
    to = unpacked(assets)
    shape = to.weight(-1, np.array([-1, 468, 3], np.int64))
    to.add("Reshape", [POINTS, shape], "points")
    to.add("Reshape", [SCORE, to.weight(-2, np.array([-1], np.int64))], "logit")
    to.add("Sigmoid", ["logit"], "score")
    outputs = {"points": ("faces", 468, 3), "score": ("faces",)}
    save(to, ("faces", 3, SIDE, SIDE), outputs, out)


if __name__ == "__main__":
    run(__doc__.splitlines()[0], build, weights_folder() / "face_mesh.onnx")
