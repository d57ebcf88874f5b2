"""A domain's package as a wheel, made offline; needs the extra `hasnet[domain]`."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

from hasnet_models.atomic import scratch, write_whole
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.plugins.folder import open_domain

PROJECT = "pyproject.toml"
_EXTRA = "Run: pip install 'hasnet[domain]'"
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")


def pack(folder: Path, out: Path, overwrite: bool = False) -> Path:
    """Build the wheel of a package whose data are sound; gives the wheel.

    Args:
        folder: of the package; nothing is written into it.
        out: the folder that the wheel is put into, made where it is not there.

    Raises:
        DomainError: there is no domain in the folder, or its data are damaged.
        UsageError: it is no project, the wheel is there already, or `build` is not installed.
        HasnetError: the build fails, or the wheel cannot be written.
    """
    build = _library()
    domain = open_domain(folder)
    _ = domain.references, domain.head
    if not (folder / PROJECT).is_file():
        raise UsageError(f"{folder} has no {PROJECT}.", "Name the folder that holds the package.")
    with scratch() as room:
        shutil.copytree(folder, room / "project", ignore=_LEFT_OUT)
        made = _built(build, room / "project", room)
        target = out / made.name
        if target.exists() and not overwrite:
            raise UsageError(
                f"{target} is there already.",
                "Give overwrite=True to replace it.",
                parameters=("overwrite",),
            )
        write_whole(target, made.read_bytes(), HasnetError, folders=True)
    return target


def _library() -> ModuleType:
    try:
        import build
        import setuptools  # noqa: F401  the packages' build backend
    except ImportError as error:
        raise UsageError(
            f"Packing needs the package {error.name}, which is not installed.", _EXTRA
        ) from error
    return build


def _built(build: ModuleType, project: Path, room: Path) -> Path:
    """The wheel of a project, with the backend that is installed."""
    from pyproject_hooks import quiet_subprocess_runner

    try:
        builder = build.ProjectBuilder(project, runner=quiet_subprocess_runner)
        if lacking := builder.check_dependencies("wheel"):
            names = ", ".join(sorted(chain[-1] for chain in lacking))
            raise UsageError(f"Packing needs {names}, which is not installed.", _EXTRA)
        return Path(builder.build("wheel", room))
    except build.BuildBackendException as error:
        output = getattr(error.exception, "output", None) or b""
        last = output.decode(errors="replace").strip().splitlines()[-1:] or [str(error)]
        raise HasnetError(f"The wheel of {project.name} cannot be built: {last[0]}.") from error
    except build.BuildException as error:
        raise HasnetError(f"The wheel cannot be built: {error}.") from error
