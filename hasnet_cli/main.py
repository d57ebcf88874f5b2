"""The root command. Subcommands are imported when they are used, so that help costs nothing."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import sys
import warnings
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hasnet_cli import settings, streams
from hasnet_cli.console import Terminal, verbosity_options
from hasnet_models import __version__
from hasnet_models.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, HasnetError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HELP_WANTED = "hasnet.help_wanted"


class RootGroup(click.Group):
    """A group that finds its commands when they are wanted, so that `--version` costs nothing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's; whether help is asked for is known before any command runs."""
        ctx.meta[_HELP_WANTED] = not {"-h", "--help"}.isdisjoint(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        from hasnet_cli import subcommands

        return list(subcommands.names())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from hasnet_cli import subcommands

        return subcommands.find(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from hasnet_cli import subcommands

        sections, state = subcommands.listed()
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))
        if state:
            ctx.ensure_object(Terminal).report_plugins(state)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with a suggestion for a misspelt command."""
        from hasnet_cli import subcommands

        if not args[0].startswith("-") and not subcommands.exists(args[0]):
            subcommands.report_broken(ctx.ensure_object(Terminal))
            hint = settings.near_miss(args[0], subcommands.names())
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, without importing the commands."""
        from click.shell_completion import CompletionItem

        from hasnet_cli import subcommands

        found = [
            CompletionItem(name, help=line)
            for name, line in subcommands.names().items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


# Variables beside those of the settings files: none so far.
VARIABLES = frozenset(settings.variable(key) for key in settings.KEYS)
# They must work where the settings do not.
_WITHOUT_SETTINGS = {"doctor", "completion"}


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
        if ctx.invoked_subcommand not in _WITHOUT_SETTINGS and not ctx.meta[_HELP_WANTED]:
            raise
    for sentence in settings.unknown_variables(os.environ, VARIABLES):
        ctx.call_on_close(functools.partial(ctx.obj.note, sentence))  # -q is known by then


def main(args: list[str] | None = None) -> int:
    """Run the command line and return the exit code; console script and tests call this."""
    _end_quickly()
    streams.keep_open()
    # numpy's products are too small for threads, which wait for the next one in a loop
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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


@functools.cache
def _end_quickly() -> None:
    """At the end of the process no circles of objects are looked for: all memory goes at once.

    What was registered with `atexit` later, plugins' among it, runs before; files and whatever else
    no circle holds are closed as ever. It is a tenth of the processor time of a short command.
    """
    atexit.register(gc.freeze)


def _run(args: list[str] | None, terminal: Terminal) -> int:
    try:
        result = cli.main(args, prog_name="hasnet", standalone_mode=False, obj=terminal)
    except HasnetError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            return EXIT_FAILED
        terminal.error(error)
        return error.exit_code
    except click.ClickException as error:
        _blame_the_file(error)
        error.show()
        return error.exit_code
    except click.Abort:
        terminal.say("Interrupted.")
        return EXIT_INTERRUPTED
    except (SystemExit, GeneratorExit):
        raise
    except OSError as error:
        return _unusable_file(error, terminal)
    except BaseException as error:  # a plugin's command may raise what is no Exception
        return _internal_error(error, terminal)
    return result if isinstance(result, int) else EXIT_OK


def _blame_the_file(error: click.ClickException) -> None:
    """click names the variable; where a settings file has set it, its user knows that."""
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return
    source = error.ctx.get_parameter_source(str(error.param.name))
    name = error.param.envvar
    if source is ParameterSource.ENVIRONMENT and isinstance(name, str):
        error.param_hint = settings.origin_of(name)


def _failed_output(error: OSError, terminal: Terminal) -> int:
    """What is left in the buffer has nowhere to go, and must not be tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        terminal.say(f"hasnet: Standard output cannot be written: {error.strerror}.")
    return EXIT_FAILED


def _unusable_file(error: OSError, terminal: Terminal) -> int:
    """A file or folder that nobody expected to be out of reach."""
    if error.filename is None or not error.strerror:
        return _internal_error(error, terminal)
    import traceback

    terminal.detail(traceback.format_exc().rstrip())
    terminal.say(f"hasnet: {os.fsdecode(error.filename)} cannot be used: {error.strerror}.")
    return EXIT_FAILED


def _internal_error(error: BaseException, terminal: Terminal) -> int:
    import traceback

    terminal.detail(traceback.format_exc().rstrip())
    reason = " ".join(str(error).split())
    terminal.say(f"hasnet: internal error: {type(error).__name__}: {reason} (-v shows where)")
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
