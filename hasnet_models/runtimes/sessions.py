"""onnxruntime's sessions: of a whole file, or of a graph with its weights from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from hasnet_models.errors import WeightsError

PROVIDERS = ["CPUExecutionProvider"]
THREADS_VARIABLES = ("HASNET_THREADS", "OMP_NUM_THREADS")


def thread_count() -> int:
    """Threads for the networks: HASNET_THREADS or OMP_NUM_THREADS, else the cores that this
    process may use.
    """
    for name in THREADS_VARIABLES:
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text):
            return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_bound(data: bytes, weights: Mapping[str, np.ndarray], threads: int, what: str) -> Any:
    """The session of a graph whose weights lie elsewhere.

    Args:
        weights: float32 arrays by name; they are kept by the session and must not change.
        threads: of onnxruntime.
        what: for the message.

    Raises:
        WeightsError: they do not fit.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # threads that wait in a loop take the cores of those that decode and draw
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # the graphs are folded already; to look for more takes half of the opening and gains nothing
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    try:
        options.add_external_initializers(list(weights), values)
        return onnxruntime.InferenceSession(data, options, providers=PROVIDERS)
    except Exception as error:  # onnxruntime's errors have no common class
        reason = str(error).splitlines()[0]
        raise WeightsError(f"The network {what} cannot be loaded: {reason}.") from error
