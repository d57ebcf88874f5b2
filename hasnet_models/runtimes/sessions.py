"""onnxruntime's sessions: of a whole file, or of a graph with its weights from elsewhere."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from hasnet_models.errors import WeightsError

PROVIDERS = ["CPUExecutionProvider"]
# onnxruntime 1.32 keeps an id of the device in the user's cache folder, for reports on what it is
# used for; it looks at this when it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
_ARENA = {
    "initial_chunk_size_bytes": 192 * 2**20,  # what an avatar needs; a page counts when it is used
    "arena_extend_strategy": 0,  # what is more comes in powers of two
    "max_mem": 0,  # no limit
    "max_dead_bytes_per_chunk": -1,  # as onnxruntime likes
}


def session_options(threads: int) -> Any:
    """Options for a session whose tensors lie in one arena with those of all other sessions.

    Networks that work in turn use the same pages again, so that a process needs hardly more of them
    than its largest network, however long it runs. With an arena for each session it would need
    their sum, and with tensors on the heap, among photos and avatars that come and go, three times
    what is in use at once (docs/performance.md).

    Args:
        threads: of onnxruntime.
    """
    import onnxruntime

    _make_arena()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@functools.cache
def _make_arena() -> None:
    import onnxruntime as ort

    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
    # a program that uses this as a library may have made one, and each process has but one
    with contextlib.suppress(Exception):
        ort.create_and_register_allocator(memory, ort.OrtArenaCfg(_ARENA))


def open_bound(
    data: bytes,
    weights: Mapping[str, np.ndarray],
    threads: int,
    what: str,
    *,
    blocked: bool = False,
) -> Any:
    """The session of a graph whose weights lie elsewhere.

    Args:
        weights: float32 arrays by name; they are kept by the session and must not change.
        threads: of onnxruntime.
        what: for the message.
        blocked: lay the channels of convolutions in blocks, as many as the processor takes at once.

    Raises:
        WeightsError: they do not fit.
    """
    import onnxruntime

    options = session_options(threads)
    # threads that wait in a loop take the cores of those that decode and draw
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # the graphs are folded already; to look for more takes half of the opening and gains nothing
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if blocked else level.ORT_DISABLE_ALL
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    try:
        options.add_external_initializers(list(weights), values)
        return onnxruntime.InferenceSession(data, options, providers=PROVIDERS)
    except Exception as error:  # onnxruntime's errors have no common class
        reason = str(error).splitlines()[0]
        raise WeightsError(f"The network {what} cannot be loaded: {reason}.") from error
