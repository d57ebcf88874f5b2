"""An embedded ONNX network in onnxruntime, which is imported when the first one is opened."""

from __future__ import annotations

from typing import Any

from hasnet_models.errors import WeightsError
from hasnet_models.weights.files import weight_path


def open_session(name: str, threads: int = 1) -> Any:
    """The inference session of a weight file, on the CPU.

    Args:
        name: of the file in the weights folder.
        threads: of onnxruntime.

    Raises:
        WeightsError: the file is missing, damaged or no ONNX network.
    """
    import onnxruntime

    path = weight_path(name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        reason = str(error).splitlines()[0]
        raise WeightsError(f"The network {path} cannot be loaded: {reason}.") from error
