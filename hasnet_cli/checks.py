"""Is this installation sound? Each check stands alone, so that one fault hides no other."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hasnet_cli import settings
from hasnet_models import __version__
from hasnet_models.errors import (
    EXIT_DEVICE,
    EXIT_DOMAIN,
    EXIT_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    EXIT_WEIGHTS,
    HasnetError,
    UsageError,
    WeightsError,
)
from hasnet_models.filenames import is_file
from hasnet_models.folders import user_folder
from hasnet_models.plugins import FAILED, NOTE, OK, Check, Manager, Registry, hooks
from hasnet_models.plugins.isolation import line
from hasnet_models.plugins.manager import HOOKS
from hasnet_models.weights import files, store

SECTIONS = ("versions", "devices", "weights", "plugins", "folders", "settings")
LITTLE_SPACE = 1 << 30
_MEGABYTE = 1_000_000

LIBRARIES = (
    "torch", "numpy", "onnxruntime", "opencv-python", "pillow", "colorthief", "insightface",
    "safetensors", "click", "rich", "pluggy", "platformdirs", "pillow-heif", "ray",
)  # fmt: skip
# Several distributions that bring one module: the last one installed wins, in part.
RIVALS = {
    "onnxruntime": (
        "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino",
        "onnxruntime-silicon", "onnxruntime-training",
    ),
    "cv2": (
        "opencv-python", "opencv-python-headless", "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
}  # fmt: skip
_OPTIONAL = {"pillow-heif", "ray"}


def own() -> Iterator[Check]:
    """Our own rows; what a check itself stumbles over is a failed row."""
    parts = (
        ("versions", "versions", _versions()),
        ("versions", "rivals", _rivals()),
        ("devices", "devices", _devices()),
        ("devices", "runtime", _runtime()),
        ("devices", "detector", _detector()),
        ("weights", "weights", _weights()),
        ("folders", "folders", _folders()),
        ("settings", "settings", _settings()),
    )
    for part in parts:
        yield from _guarded(*part)


def examine(manager: Manager) -> list[Check]:
    """The rows of all plugins, and what is to be said of the plugins themselves, by sections."""
    rows = [check for _, check in manager.each(hooks.hasnet_checks)]
    rows += _guarded("plugins", "plugins", _plugins(manager))
    order = [*SECTIONS, *(row.section for row in rows)]
    return sorted(rows, key=lambda row: order.index(row.section))


def exit_code(checks: list[Check]) -> int:
    """That of the first failure, 0 without one."""
    return next((check.exit_code for check in checks if check.status == FAILED), EXIT_OK)


def _guarded(section: str, name: str, rows: Iterator[Check]) -> list[Check]:
    found: list[Check] = []
    try:
        found.extend(rows)
    # A library that cannot even be imported may fail in any way; the report is for that day.
    except (Exception, SystemExit) as error:
        code = error.exit_code if isinstance(error, HasnetError) else EXIT_FAILED
        found.append(Check(section, name, FAILED, line(error), code, traceback.format_exc()))
    return found


# ------------------------------------------------------------------------------------------ parts


def _versions() -> Iterator[Check]:
    yield Check("versions", "hasnet", OK, __version__)
    yield Check("versions", "python", OK, platform.python_version())
    yield Check("versions", "system", OK, f"{platform.platform()}, {os.cpu_count()} processors")
    installed = _distributions()
    for name in LIBRARIES:
        if name in installed:
            yield Check("versions", name, OK, installed[name])
        elif name not in _OPTIONAL and not _rival_of(name, installed):
            yield Check("versions", name, FAILED, "not installed")


def _distributions() -> dict[str, str]:
    """Normalised name -> version of what is installed."""
    found = ((d.metadata["Name"], d.version) for d in importlib.metadata.distributions())
    return {name.lower().replace("_", "-"): version for name, version in found if name}


def _rival_of(name: str, installed: dict[str, str]) -> bool:
    return any(name in group and set(group) & installed.keys() for group in RIVALS.values())


def _rivals() -> Iterator[Check]:
    installed = _distributions()
    for module, group in RIVALS.items():
        there = [name for name in group if name in installed]
        if len(there) > 1:
            detail = f"{' and '.join(there)} both provide {module}: uninstall all, install one."
            yield Check("versions", f"two of {module}", NOTE, detail)


def _devices() -> Iterator[Check]:
    import torch

    yield _device("cpu", f"{torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield _device(f"cuda:{index}", torch.cuda.get_device_name(index))
    else:
        built = f"torch was built for CUDA {torch.version.cuda}" if torch.version.cuda else ""
        yield Check("devices", "cuda", NOTE, "; ".join(filter(None, ("not available", built))))
    if torch.backends.mps.is_available():
        yield _device("mps", "Apple GPU")


def _device(name: str, about: str) -> Check:
    """Whether a device computes what a processor computes, which some say and do not."""
    try:
        difference = _difference(name)
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        return Check("devices", name, FAILED, f"{about}; {line(error)}", EXIT_DEVICE)
    if not difference < 1e-2:
        detail = f"{about}; computes wrongly (off by {difference:.2g})"
        return Check("devices", name, FAILED, detail, EXIT_DEVICE)
    return Check("devices", name, OK, f"{about}; a small forward pass is right")


def _runtime() -> Iterator[Check]:
    """What computes the networks unless the user says otherwise."""
    from hasnet_models.runtimes.choice import chosen
    from hasnet_models.runtimes.graph_files import index
    from hasnet_models.runtimes.names import AUTO, ONNX
    from hasnet_models.threads import thread_count

    name = chosen(AUTO, "auto")
    about = f"graphs of opset {index()['opset']}, {thread_count()} threads"
    yield Check("devices", "runtime", OK, f"{name}, {about}" if name == ONNX else name)


def _difference(device: str) -> float:
    """The largest between a convolution there and on the processor."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 16, 16, generator=generator)
    kernel = torch.rand(4, 3, 3, 3, generator=generator)
    with torch.inference_mode():
        there, here = (
            torch.nn.functional.conv2d(x.to(place), kernel.to(place)).cpu()
            for place in (device, "cpu")
        )
    return float((there - here).abs().max())


def _detector() -> Iterator[Check]:
    """The embedded face detector on an empty picture."""
    import numpy as np

    from hasnet_models.plugins.detectors import load_detector

    load_detector().detect(np.zeros((64, 64, 3), np.uint8))
    yield Check("devices", "face detector", OK, "onnxruntime runs it")


def _weights() -> Iterator[Check]:
    listed = {model.name: model for model in store.models()}
    for name in dict.fromkeys((*files.NETWORKS, *listed)):
        model = listed.get(name)
        about = f"sha256 {model.sha256[:16]}, {model.licence}" if model else "not listed"
        try:
            path = files.weight_path(name, anew=True)
        except WeightsError as error:
            yield Check("weights", name, FAILED, f"{error} ({about})", EXIT_WEIGHTS)
        else:
            where = "" if path.parent == files.weights_folder() else f", from {path.parent}"
            yield Check("weights", name, OK, about + where)


def _plugins(manager: Manager) -> Iterator[Check]:
    """Every plugin is asked for everything, so that whatever fails is in the report."""
    yield from _others(manager)
    registry = manager.registry()
    yield from _domains(registry)
    for failure in registry.failures:
        name = f"{failure.distribution} {failure.version}".rstrip()
        detail = f"plugin '{failure.plugin}' failed at {failure.stage}: {failure.error}"
        yield Check("plugins", name, FAILED, detail, EXIT_DOMAIN, failure.details)
    for sentence in registry.warnings:
        yield Check("plugins", "warning", NOTE, sentence)
    if registry.disabled:
        yield Check("plugins", "switched off", NOTE, ", ".join(registry.disabled))
    if not registry.domains:
        yield Check("plugins", "domains", NOTE, "none is usable; --ref works without")


def _others(manager: Manager) -> Iterator[Check]:
    """What installed plugins give beside domains."""
    manager.by_name(hooks.hasnet_commands)
    manager.by_name(hooks.hasnet_detectors)
    given: dict[str, Counter[str]] = {}
    for name in sorted(HOOKS.keys() - {hooks.hasnet_domains.__name__}):
        for provider, _ in manager.each(HOOKS[name]):
            if not provider.own:
                given.setdefault(str(provider), Counter())[name] += 1
    for provider, counts in sorted(given.items()):
        detail = ", ".join(f"{count} of {name}" for name, count in counts.items())
        yield Check("plugins", provider, OK, detail)


def _domains(registry: Registry) -> Iterator[Check]:
    from hasnet_models.plugins.media import medium_of

    for domain in registry.domains:
        provider = f"{domain.distribution} {domain.version}"
        try:
            head = "with head" if domain.head else "without head"
            medium = medium_of(domain)
            made_in = f"medium {medium.kind}" if medium else "no medium"
            count = len(domain.references)
            detail = f"{provider}: {count} references, {head}, {made_in}, {domain.licence}"
            yield Check("plugins", domain.name, OK, detail)
        except HasnetError as error:
            detail = f"{provider}: {error}"
            yield Check("plugins", domain.name, FAILED, detail, EXIT_DOMAIN)


def _folders() -> Iterator[Check]:
    places = {
        "cache": user_folder("cache"),
        "fetched weights": files.user_folder(),
        "current": Path(),
        "temporary": Path(tempfile.gettempdir()),
    }
    for name, folder in places.items():
        try:
            yield _folder(name, folder)
        except OSError as error:
            yield Check("folders", name, NOTE, f"{folder} cannot be used: {error.strerror}")


def _folder(name: str, folder: Path) -> Check:
    folder = folder.absolute()
    free = store.free_bytes(folder)
    detail = f"{folder}: {free // _MEGABYTE} MB free"
    if name in ("cache", "fetched weights"):
        detail += f", {_used(folder) // _MEGABYTE} MB used"
    return Check("folders", name, OK if free > LITTLE_SPACE else NOTE, detail)


def _used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if is_file(path))


def _settings() -> Iterator[Check]:
    """Where each setting comes from: the environment as it was, or a file."""
    try:
        found = settings.read_files()
    except UsageError as error:
        yield Check("settings", "files", FAILED, str(error), EXIT_USAGE)
        return
    for name in sorted(settings.variable(key) for key in settings.KEYS):
        if value := os.environ.get(name):
            text, path = found.get(name, ("", None))
            origin = f"from {path}" if text == value else "from the environment"
            yield Check("settings", name, OK, f"{value} ({origin})")


def report(checks: list[Check]) -> str:
    """Text to paste into an issue: Markdown, the home folder written as ~."""
    lines, section = [], ""
    for check in checks:
        if check.section != section:
            section = check.section
            lines += ["", f"### {section}", ""]
        mark = {OK: "- ", NOTE: "- (note) ", FAILED: "- **FAILED** "}[check.status]
        lines.append(f"{mark}{check.name}: {check.detail}")
        if check.more:
            lines += ["", *(f"      {line}" for line in check.more.rstrip().splitlines()), ""]
    return "\n".join(lines[1:]).replace(str(Path.home()), "~")
