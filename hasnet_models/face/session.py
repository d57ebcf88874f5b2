"""An ONNX network in onnxruntime, which is imported when the first one is opened."""

from __future__ import annotations

import functools
import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from hasnet_models.ahead import Ahead
from hasnet_models.errors import WeightsError
from hasnet_models.runtimes.sessions import PROVIDERS, session_options
from hasnet_models.weights.files import NETWORKS, OVERRIDE_VARIABLE, weight_path

_AHEAD: Ahead[Any] = Ahead()


class NotLoadable(Exception):
    """A file is no ONNX network that onnxruntime can load; its text says why, without a stop."""


def open_ahead() -> None:
    """Begin to open, on a thread, the networks of faces that an avatar needs, one thread each."""
    for name in NETWORKS:
        if name.endswith(".onnx"):
            _AHEAD.begin(_key(name, 1), functools.partial(_opened, name, 1))


def drop_ahead() -> None:
    """Open no more of what was begun and not asked for."""
    _AHEAD.drop()


def open_session(name: str, threads: int = 1) -> Any:
    """The inference session of a weight file, on the CPU.

    Args:
        name: of the file in the weights folder.
        threads: of onnxruntime.

    Raises:
        WeightsError: the file is missing, damaged or no ONNX network.
    """
    return _AHEAD.take(_key(name, threads), functools.partial(_opened, name, threads))


def _key(name: str, threads: int) -> Hashable:
    return name, threads, os.environ.get(OVERRIDE_VARIABLE)


def _opened(name: str, threads: int) -> Any:
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

    options = session_options(threads)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=PROVIDERS)
    except Exception as error:  # onnxruntime's errors have no common class
        raise NotLoadable(str(error).splitlines()[0].rstrip(".")) from error
