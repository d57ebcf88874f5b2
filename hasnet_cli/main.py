"""The root command. Subcommands are imported when they are used, so that help costs nothing."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import traceback
import warnings

import click

from hasnet_cli import settings
from hasnet_cli.console import Terminal, verbosity_options
from hasnet_models import __version__
from hasnet_models.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, HasnetError

COMMANDS = {
    "avatar": "Make an avatar of the face in a photo.",
    "batch": "Make avatars of all photos in a folder.",
    "domains": "List the installed domains.",
    "palette": "Show the 20 colours of a picture.",
    "align": "Cut out the face as an aligned 512 px picture.",
    "explain": "Say how an avatar was made, and how to make it again.",
    "report": "Make a page that shows what became of a batch.",
    "sheet": "Make a contact sheet: photos by references, or the stages.",
    "models": "List, check and fetch the weight files.",
    "doctor": "Check this installation and print a report to paste.",
    "completion": "Print the completion script of a shell.",
    "train": "Train the networks on a folder of aligned faces.",
    "data": "Import datasets of faces, and check a folder of them.",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and first lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"hasnet_cli.commands.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with a suggestion for a misspelt command."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = settings.near_miss(args[0], COMMANDS)
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


# Variables beside those of the settings files: none so far.
VARIABLES = frozenset(settings.variable(key) for key in settings.KEYS)
# They must work where the settings do not.
_WITHOUT_SETTINGS = {"doctor", "completion"}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hasnet")
@verbosity_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Turn a face photo into an avatar of another visual world.

    The result goes to standard output, everything else to standard error. Exit codes: 0 done,
    1 failed, 2 wrong usage, 3 some of a batch failed, 4 no face, 5 weights, 6 domain, 7 device,
    130 interrupted.
    """
    try:
        ctx.with_resource(settings.applied())
    except HasnetError:
        if ctx.invoked_subcommand not in _WITHOUT_SETTINGS:
            raise
    for sentence in settings.unknown_variables(os.environ, VARIABLES):
        ctx.call_on_close(functools.partial(ctx.obj.note, sentence))  # -q is known by then


def main(args: list[str] | None = None) -> int:
    """Run the command line and return the exit code; console script and tests call this."""
    # A file name that the output's encoding cannot write must not end the program.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = Terminal()
    try:
        with warnings.catch_warnings():
            # Damaged metadata beside sound pixels is no news to the user.
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
            code = _run(args, terminal)
        sys.stdout.flush()
    except OSError as error:
        code = _failed_output(error, terminal)
    return code


def _run(args: list[str] | None, terminal: Terminal) -> int:
    try:
        result = cli.main(args, prog_name="hasnet", standalone_mode=False, obj=terminal)
    except HasnetError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            return EXIT_FAILED
        terminal.error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        terminal.say("Interrupted.")
        return EXIT_INTERRUPTED
    except Exception as error:
        return _internal_error(error, terminal)
    return result if isinstance(result, int) else EXIT_OK


def _failed_output(error: OSError, terminal: Terminal) -> int:
    """What is left in the buffer has nowhere to go, and must not be tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        terminal.say(f"hasnet: Standard output cannot be written: {error.strerror}.")
    return EXIT_FAILED


def _internal_error(error: Exception, terminal: Terminal) -> int:
    terminal.detail(traceback.format_exc().rstrip())
    reason = " ".join(str(error).split())
    terminal.say(f"hasnet: internal error: {type(error).__name__}: {reason} (-v shows where)")
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
