"""All checks of a domain's package as it lies in a folder: data is read, none of its code is run.

They are what discovery and use check one by one (`folder.open_domain`, `media.medium_of`,
`Domain.reference_set`, `Domain.head`), and what only an author can put right: stray files, code of
its own, a `pyproject.toml` that does not announce the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from hasnet_models.errors import EXIT_DOMAIN, DomainError, HasnetError
from hasnet_models.plugins.data_file import SUFFIX
from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.folder import open_domain
from hasnet_models.plugins.media import medium_of
from hasnet_models.plugins.project import GROUP, PROJECT_FILE, entry_points_of
from hasnet_models.plugins.specs import FAILED, NOTE, OK, Check

_ALLOWED = {SUFFIX, ".toml", ".py", ".pyi", ".typed", ".md", ".txt"}
_CACHES = "__pycache__"
_MODULE = "__init__.py"
_FEW = 10  # references; fewer make a domain that hardly varies


def validate(package: Path) -> list[Check]:
    """The checks of one package's folder, in the order in which its data are used.

    A manifest that cannot be read ends them, as nothing else is known then.

    Args:
        package: holds `domain.toml`; the plugin's `pyproject.toml` is looked for beside it.

    Returns:
        Checks under the package's name, their exit code that of a broken plugin (6).
    """
    name = package.resolve().name
    try:
        domain = open_domain(package)
    except DomainError as error:
        return [Check(name, "manifest", FAILED, str(error), error.exit_code)]
    facts = f"domain '{domain.name}' ({domain.title}), {domain.licence}"
    return [
        Check(name, "manifest", OK, facts),
        _checked(name, "medium", lambda: _medium(domain)),
        _checked(name, "references", lambda: _references(domain)),
        _checked(name, "head", lambda: _head(domain)),
        _checked(name, "files", lambda: _files(package)),
        _code(name, package),
        *_project(name, package.resolve()),
    ]


def _checked(section: str, name: str, find: Callable[[], str]) -> Check:
    """A check that fails with what `find` raises, else with its words."""
    try:
        return Check(section, name, OK, find())
    except HasnetError as error:
        return Check(section, name, FAILED, str(error), EXIT_DOMAIN)


def _medium(domain: Domain) -> str:
    medium = medium_of(domain)
    return medium.kind if medium else "none: the networks' picture alone"


def _references(domain: Domain) -> str:
    whole = domain.reference_set
    with_shape = sum(one.shape is not None for one in whole.references)
    own = "and one of the domain" if whole.shape is not None else "none of the domain"
    few = "" if len(whole.references) >= _FEW else f" ({_FEW} or more vary better)"
    return f"{len(whole.references)}{few}, {with_shape} with a shape, {own}; sha256 as stated"


def _head(domain: Domain) -> str:
    return "fits TT-Net; sha256 as stated" if domain.head else "none: the base network draws it"


def _files(package: Path) -> str:
    for path in sorted(package.rglob("*")):
        inner = path.relative_to(package)
        if _CACHES in inner.parts or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(package.resolve()):
            raise DomainError(f"{package.name} holds {inner}, a link that leads out of it.")
        if path.suffix not in _ALLOWED:
            raise DomainError(
                f"{package.name} holds {inner}, but a domain's data is safetensors and TOML only."
            )
    return "safetensors, TOML and text only"


def _code(section: str, package: Path) -> Check:
    """The template's module only reads the manifest; any other code runs when it is imported."""
    template = resources.files(__package__).joinpath("template", f"{_MODULE}.txt").read_bytes()
    modules = [path for path in package.rglob("*.py") if _CACHES not in path.parts]
    usual = [path.name for path in modules] == [_MODULE]
    try:
        if usual and _plain(modules[0].read_bytes()) == _plain(template):
            return Check(section, "code", OK, "the template's, which only reads the manifest")
    except OSError:
        pass  # it is other code then, as far as can be known
    about = "its own, which runs when hasnet looks for domains: read it"
    return Check(section, "code", NOTE, about)


def _plain(module: bytes) -> bytes:
    return b"\n".join(line.rstrip() for line in module.strip().splitlines())


def _project(section: str, package: Path) -> Iterator[Check]:
    """Whether the project beside the package announces it; nothing of one that is installed."""
    if (package.parent / PROJECT_FILE).is_file():
        yield _checked(section, "entry point", lambda: _announced(package))


def _announced(package: Path) -> str:
    named = f"as {package.name} in the group {GROUP}"
    if package.name not in entry_points_of(package.parent).values():
        raise DomainError(f"{PROJECT_FILE} beside {package.name} does not announce it {named}.")
    return named
