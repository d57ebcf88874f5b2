"""`hasnet completion`: completion scripts of shells."""

from __future__ import annotations

import click

from hasnet_cli.console import Terminal, verbosity_options

VARIABLE = "_HASNET_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@verbosity_options
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(hasnet completion bash)"         in ~/.bashrc
    zsh:   eval "$(hasnet completion zsh)"          in ~/.zshrc
    fish:  hasnet completion fish > ~/.config/fish/completions/hasnet.fish

    Commands, options, files and the names of installed domains are completed.
    """
    from click.shell_completion import get_completion_class

    terminal: Terminal = ctx.obj
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(ctx.find_root().command, {}, "hasnet", VARIABLE)
    terminal.result((script.source_template % script.source_vars()).strip())
