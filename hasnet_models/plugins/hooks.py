"""The hooks that a plugin may implement (pluggy project and entry-point group `hasnet`).

A plugin implements any of them. A hook takes nothing and gives records of the type it is annotated
with; `manager` reads the type from there, so a new hook is one function here (and a row in
docs/plugins.md). Each example is a whole plugin.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.specs import Check, CommandSpec, DetectorSpec

PROJECT = "hasnet"
PREFIX = "hasnet_"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hasnet_domains() -> Iterable[Domain]:
    """Provide domains.

    Asked when a domain is looked for, so it must be quick: no torch, no weights. The package
    holds a `domain.toml` (see docs/domains.md)::

        from hasnet_models.plugins import Domain, hookimpl

        @hookimpl
        def hasnet_domains():
            yield Domain.from_package(__name__)
    """
    raise NotImplementedError


@hookspec
def hasnet_detectors() -> Iterable[DetectorSpec]:
    """Provide face detectors, which users choose with `backend`.

    Asked when a detector is chosen that is not hasnet's own. What `load` gives has the method of
    `hasnet_models.plugins.detectors.Detector`::

        import numpy as np

        from hasnet_models.plugins import DetectorSpec, hookimpl

        class WholePicture:
            '''Takes every picture for one face that fills it.'''

            def detect(self, rgb):
                from hasnet_models.plugins.detectors import Face

                height, width = rgb.shape[:2]
                template = [[0.35, 0.4], [0.65, 0.4], [0.5, 0.6], [0.38, 0.75], [0.62, 0.75]]
                landmarks = np.float32(template) * np.float32([width, height])
                return [Face(np.float32([0, 0, width, height]), landmarks, 1.0)]

        @hookimpl
        def hasnet_detectors():
            yield DetectorSpec("whole-picture", WholePicture)
    """
    raise NotImplementedError


@hookspec
def hasnet_commands() -> Iterable[CommandSpec]:
    """Provide subcommands of `hasnet`.

    Asked for help and for a command that is not hasnet's own. `load` gives a `click.Command`,
    which should import what it needs when it runs; the context's object is the terminal
    (`hasnet_cli.console.Terminal`), and an integer that is returned is the exit code::

        from hasnet_models.plugins import CommandSpec, hookimpl

        def load():
            import click

            @click.command("greet")
            @click.argument("name")
            @click.pass_obj
            def command(terminal, name):
                '''Greet somebody.'''
                terminal.result(f"Hello {name}.")

            return command

        @hookimpl
        def hasnet_commands():
            yield CommandSpec("greet", "Greet somebody.", load)
    """
    raise NotImplementedError


@hookspec
def hasnet_checks() -> Iterable[Check]:
    """Provide rows of the report on an installation (`hasnet doctor`).

    Asked for that report only, so it may take a second::

        import shutil

        from hasnet_models.plugins import Check, hookimpl

        @hookimpl
        def hasnet_checks():
            path = shutil.which("exiftool")
            status = "ok" if path else "note"
            yield Check("tools", "exiftool", status, path or "not installed")
    """
    raise NotImplementedError
