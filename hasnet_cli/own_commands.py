"""hasnet's own commands, known without importing them or anything else."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

# Name of a command and of its module -> what it does, in the order of the help.
COMMANDS = {
    "avatar": "Make an avatar of the face in a photo.",
    "batch": "Make avatars of all photos in a folder.",
    "video": "Make an avatar of each frame of a clip.",
    "domains": "List the installed domains.",
    "domain": "Make a domain of your own out of pictures.",
    "palette": "Show the 20 colours of a picture and where they lie.",
    "align": "Cut out the face as an aligned 512 px picture.",
    "explain": "Say how an avatar was made, and how to make it again.",
    "report": "Make a page that shows what became of a batch.",
    "sheet": "Make a contact sheet: photos by references, or the stages.",
    "compare": "Make the paper's figures 5, 7, 8, 9 and 10 with these networks.",
    "bench": "Measure time and memory of this installation.",
    "ui": "Show a page to play with photos and worlds, until interrupted.",
    "study": "Ask people to score avatars, as the paper's user study does.",
    "export": "Write the networks of a domain into one ONNX file.",
    "models": "List, check and fetch the weight files.",
    "doctor": "Check this installation and print a report to paste.",
    "completion": "Print the completion script of a shell.",
    "train": "Train the networks on a folder of aligned faces.",
    "curves": "Draw the losses of a training run, one panel each.",
    "data": "Import datasets of faces, and check a folder of them.",
    "eval": "Measure avatars as the paper does, against everything else.",
}


def load(name: str) -> click.Command:
    """One of them, imported."""
    return importlib.import_module(f"hasnet_cli.commands.{name}").command
