"""An ONNX network in onnxruntime, which is imported when the first one is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hasnet_models.errors import WeightsError
from hasnet_models.weights.files import weight_path


class NotLoadable(Exception):
    """A file is no ONNX network that onnxruntime can load; its text says why, without a stop."""


def open_session(name: str, threads: int = 1) -> Any:
    """The inference session of a weight file, on the CPU.

    Args:
        name: of the file in the weights folder.
        threads: of onnxruntime.

    Raises:
        WeightsError: the file is missing, damaged or no ONNX network.
    """
    path = weight_path(name)
    try:
        return open_file(path, threads)
    except NotLoadable as error:
        raise WeightsError(f"The network {path} cannot be loaded: {error}.") from error


def open_file(path: Path, threads: int = 1) -> Any:
    """The inference session of any ONNX file, on the CPU.

    Args:
        threads: of onnxruntime.

    Raises:
        NotLoadable: onnxruntime refuses it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise NotLoadable(str(error).splitlines()[0].rstrip(".")) from error
