"""The documents say what the program does: commands, options, exit codes, variables, examples."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from hasnet_cli import settings
from hasnet_cli.builtin import COMMANDS
from hasnet_cli.main import VARIABLES, cli
from hasnet_models import errors

ROOT = Path(__file__).parents[1]
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Their options have documents of their own.
ELSEWHERE = {"train", "data"}


def command(name: str) -> click.Command:
    return importlib.import_module(f"hasnet_cli.commands.{name}").command


def commands(name: str) -> list[click.Command]:
    """A command and its subcommands."""
    found = command(name)
    if not isinstance(found, click.Group):
        return [found]
    context = click.Context(found)
    return [found, *(found.get_command(context, one) for one in found.list_commands(context))]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert f"| `hasnet {name}" in CLI and f"| `{name}` |" in README


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - ELSEWHERE))
def test_every_option_is_documented(name):
    options = {
        option
        for found in commands(name)
        for parameter in found.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if isinstance(parameter, click.Option) and option.startswith("--")
    }
    missing = {o for o in options - {"--help", "--quiet", "--verbose", "--output"} if o not in CLI}
    assert not missing


@pytest.mark.parametrize("option", ["--json", "--progress"])
def test_it_is_said_which_commands_have_an_option(option):
    (paragraph,) = re.findall(rf"^`{option}[^`]*` \(([^)]*)\)", CLI, re.MULTILINE)
    said = {words.split()[0] for words in re.findall(r"`([^`]+)`", paragraph)}
    having = {
        name
        for name in COMMANDS
        for found in commands(name)
        if any(option in parameter.opts for parameter in found.params)
    }
    assert said == having - ({"batch"} if option == "--json" else set())


def test_every_exit_code_is_documented():
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    table = CLI.split("## Exit codes")[1]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_every_variable_is_documented_and_known():
    sources = [*ROOT.glob("hasnet_*/**/*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"(?<![A-Z_])HASNET_[A-Z][A-Z_]*", code))
    assert used <= VARIABLES
    for variable in sorted(used | VARIABLES):
        assert f"`{variable}`" in CLI, variable


def test_every_key_of_the_settings_is_documented():
    for key in settings.KEYS:
        assert f"| `{key}` | `{settings.variable(key)}` |" in CLI


def test_links_lead_somewhere():
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), (document.name, link)


def examples() -> list[list[str]]:
    lines = re.findall(r"^    hasnet (.+)$", README + CLI, re.MULTILINE)
    return [line.split() for line in lines]


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_every_example_can_be_parsed(words):
    name, *rest = words
    # click keeps a command's help option as its first context has it: as the root command's.
    command(name).make_context(name, rest, obj=None, **cli.context_settings)


def test_the_readme_starts_with_the_two_command_lines():
    first, second = re.findall(r"^    (python3 -m venv .+)$", README, re.MULTILINE)
    assert first.endswith("hasnet avatar examples/astronaut.png --domain sketch")
    assert second.endswith("-m pytest -n 2 --dist loadfile")
    assert "./domains/*" in first and "./domains/*" in second
    assert all((folder / "pyproject.toml").is_file() for folder in (ROOT / "domains").iterdir())


def paths_of(document: str) -> list[str]:
    """What stands in backquotes and looks like a path of the repository."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return re.findall(r"`((?:hasnet_models|hasnet_cli|tools|tests|docs)/[\w./]*)`", text)


def test_contributing_names_at_least_twenty_places_that_exist():
    table = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| (?!to add|---)", table, re.MULTILINE)) >= 20
    missing = [path for path in paths_of("contributing.md") if not (ROOT / path).exists()]
    assert not missing


def test_every_room_is_in_the_table_of_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {p.name for p in (ROOT / "hasnet_models").iterdir() if (p / "__init__.py").exists()}
    assert {room for room in rooms if f"| `{room}/` |" not in text} == set()
    others = {p.name for p in (ROOT / "hasnet_cli").iterdir() if (p / "__init__.py").exists()}
    assert {room for room in others if f"`{room}/`" not in text} == set()
