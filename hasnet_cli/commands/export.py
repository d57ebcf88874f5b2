"""`hasnet export`: the networks of a domain as one ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.options import complete_domains, complete_references
from hasnet_cli.output import print_written
from hasnet_models.avatar.request import LIKEST, RANDOM
from hasnet_models.errors import UsageError
from hasnet_models.filenames import STREAM


@click.command("export")
@click.option(
    "--domain", metavar="NAME", required=True, envvar="HASNET_DOMAIN", show_envvar=True,
    shell_complete=complete_domains, help="Whose network and reference.",
)  # fmt: skip
@click.option(
    "--reference", metavar="N|NAME", default="1", shell_complete=complete_references,
    help="Which reference of the domain.  [default: 1]",
)  # fmt: skip
@click.option("-o", "--output", metavar="OUT", help="File or folder.  [default: DOMAIN.onnx]")
@json_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, domain: str, reference: str, output: str | None, as_json: bool
) -> None:
    """Write the networks of a domain into one ONNX file.

    With one of its references. The file needs nothing but onnxruntime: "image" in, aligned faces as
    `hasnet align` cuts them out, "avatar" out. The medium, which is laid after the networks, is not
    in it. Needs hasnet[export].
    """
    if reference in (LIKEST, RANDOM):
        raise UsageError("A file has one reference: a number or a name.", parameters=("reference",))
    target = _target(output, domain)
    registry = factory.find_domains()
    terminal.report_plugins(registry)
    found = registry.get(domain)
    chosen = found.reference(reference)
    try:
        from hasnet_models.export.whole import export
    except ImportError as error:
        if error.name != "onnx":
            raise
        raise UsageError(
            "An export needs the package onnx, which is not installed.",
            "Run: pip install 'hasnet[export]'",
        ) from error
    export(found, chosen, target)
    facts = {"domain": found.name, "reference": chosen.name, "bytes": target.stat().st_size}
    print_written(terminal, str(target), facts if as_json else None)


def _target(output: str | None, domain: str) -> Path:
    """The file to write, refused here if it cannot be."""
    if output == STREAM:
        raise UsageError("An ONNX file does not go to standard output.", parameters=("output",))
    name = f"{domain.rpartition('/')[2]}.onnx"
    path = Path(output or name)
    path = path / name if path.is_dir() else path
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", parameters=("output",))
    if path.suffix != ".onnx":
        raise UsageError(f"{path} has not the suffix .onnx.", parameters=("output",))
    return path
