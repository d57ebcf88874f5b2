"""`hasnet eval`: numbers as the paper gives them, beside all else that makes such pictures."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli import factory, table_view
from hasnet_cli.ablations import AblationBudget
from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.line_up import LineUp
from hasnet_cli.options import complete_domains, device_option
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, UsageError

if TYPE_CHECKING:
    from hasnet_models.evaluation.ground import Bank
    from hasnet_models.evaluation.protocol import Protocol
    from hasnet_models.evaluation.run import Evaluation
    from hasnet_models.evaluation.table import Table

PATH = click.Path(path_type=Path)
CROSS, PHOTOS = "cross", "photos"
_SOURCES = {CROSS: 10, PHOTOS: 100}
_PAPER_IMAGES = 2000


@dataclass(frozen=True)
class EvalOptions:
    """The options of `eval`."""

    out: Path
    domain: str | None
    paper: bool
    protocol: str
    sources: int | None
    photos: int
    references: int
    seed: int
    split: str
    systems: tuple[str, ...]
    outputs: tuple[Path, ...]
    name: tuple[str, ...]
    features: Path | None
    ablate_images: int | None
    preset: str
    cache: Path | None
    parts: Path | None
    inputs_only: bool
    device: str

    def check(self) -> None:
        """Raises UsageError where the options contradict each other."""
        if self.paper == (self.domain is not None):
            raise UsageError("Give either --domain NAME for one table or --paper for all.")
        if len(self.outputs) != len(self.name):
            raise UsageError("Each --outputs DIR needs a --name, in the same order.")

    def draw(self) -> Protocol:
        """The protocol of a single table, or what all have in common."""
        from hasnet_models.evaluation.protocol import Protocol

        kind = CROSS if self.paper else self.protocol
        sources = self.sources or _SOURCES[kind]
        domain = self.domain or ""
        return Protocol(domain, kind, sources, self.references, self.split, self.seed)

    def budget(self) -> AblationBudget:
        """That of the ablations; 0 images for none."""
        images = self.ablate_images
        if images is None:
            images = _PAPER_IMAGES if self.paper else 0
        return AblationBudget(images, self.preset, self.cache, self.device, self.parts)

    def line_up(self, faces: Path, terminal: Terminal) -> LineUp:
        """Who is compared."""
        others = tuple(zip(self.outputs, self.name, strict=True))
        return LineUp(faces, self.out, self.paper, self.systems, others, self.budget(), terminal)


@click.command("eval")
@click.argument("faces", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder; it is gone on with.")
@click.option(
    "--domain", metavar="NAME", shell_complete=complete_domains, help="Domain of the references."
)
@click.option("--paper", is_flag=True, help="Tables 2 and 3 of the paper, with ablations.")
@click.option(
    "--protocol", type=click.Choice([CROSS, PHOTOS]), default=CROSS,
    help="Sources of each other domain, or photographs.",
)  # fmt: skip
@click.option(
    "--sources", type=click.IntRange(min=1),
    help="Of each other domain (10), or photographs (100).",
)  # fmt: skip
@click.option(
    "--photos", type=click.IntRange(min=1), default=100,
    help="With --paper: sources of Table 3.  [default: 100]",
)  # fmt: skip
@click.option(
    "--references", type=click.IntRange(min=1), default=1,
    help="That each source meets.  [default: 1]",
)  # fmt: skip
@click.option("--seed", type=int, default=0, help="All that is drawn follows from it.")
@click.option("--split", default="val", help="Of the faces.  [default: val]")
@click.option("--system", "systems", multiple=True, metavar="NAME", help="Only these rows.")
@click.option("--outputs", type=PATH, multiple=True, metavar="DIR", help="Pictures to score.")
@click.option("--name", multiple=True, metavar="NAME", help="Of the row of --outputs.")
@click.option("--features", type=PATH, metavar="FILE", help="Network for FID and KID.")
@click.option(
    "--ablate-images", type=click.IntRange(min=0),
    help="Train ablations for so many images (with --paper 2000, else 0).",
)  # fmt: skip
@click.option("--preset", default="lite", metavar="NAME|FILE.toml", help="Of the ablations' base.")
@click.option("--cache", type=PATH, help="Folder for the ablations' decoded faces.")
@click.option("--parts", type=PATH, help="Parts of faces, for the ablations as for hasnet train.")
@click.option("--inputs-only", is_flag=True, help="Write inputs and pairs.csv, and stop.")
@device_option
@json_option
@progress_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, faces: Path, as_json: bool, **values: Any) -> int:
    """Measure avatars as the paper does, against everything else.

    FACES is a folder of aligned faces with an index.tsv. OUT holds all inputs, pictures, measures
    and the table as table.json, table.csv and table.md; a run that was killed goes on. See
    docs/evaluation.md for every number.
    """
    options = EvalOptions(**{field.name: values[field.name] for field in fields(EvalOptions)})
    options.check()
    tables = _tables(terminal, faces, options)
    if options.inputs_only:
        return EXIT_OK
    paths = table_view.write(tables, options.out)
    if as_json:
        terminal.json({"tables": [table.document() for table in tables]})
    else:
        for table in tables:
            table_view.show(table, terminal)
    for path in paths:
        terminal.note(f"Written: {click.format_filename(path)}")
    rows = [row for table in tables for row in table.rows]
    return EXIT_FAILED if all(row.failure for row in rows) else EXIT_OK


def _tables(terminal: Terminal, faces: Path, options: EvalOptions) -> list[Table]:
    """All tables that are asked for; those that are done are written after each."""
    from hasnet_models.device import resolve_device
    from hasnet_models.evaluation.extra import torchmetrics
    from hasnet_models.evaluation.ground import Bank
    from hasnet_models.evaluation.inputs import Aligner
    from hasnet_models.evaluation.judge import Judge

    torchmetrics()
    found = _evaluations(faces, options)
    judge = Judge(resolve_device(options.device), options.features)
    bank = Bank(faces, options.out / "bank", judge, Aligner())
    line_up = options.line_up(faces, terminal)
    tables: list[Table] = []
    for evaluation in found:
        if table := _table(terminal, evaluation, bank, line_up, options.inputs_only):
            tables.append(table)
            table_view.write(tables, options.out)
    return tables


def _evaluations(faces: Path, options: EvalOptions) -> list[Evaluation]:
    """The tables, each checked against the faces before anything is loaded."""
    from hasnet_models.evaluation import paper
    from hasnet_models.evaluation.protocol import draw
    from hasnet_models.evaluation.run import Evaluation

    registry = factory.find_domains()
    names = tuple(sorted(domain.name for domain in registry.domains))
    protocol = options.draw()
    if options.paper:
        found = paper.evaluations(protocol, options.photos, names, options.out)
    else:
        title = f"{options.domain}, {options.protocol}"
        found = [Evaluation(title, protocol, names, options.out)]
    for evaluation in found:
        registry.get(evaluation.protocol.domain)
        draw(faces, evaluation.protocol, evaluation.domains)
    return found


def _table(
    terminal: Terminal, evaluation: Evaluation, bank: Bank, line_up: LineUp, inputs_only: bool
) -> Table | None:
    """One table; None where only its inputs are wanted."""
    from hasnet_models.evaluation.run import Watch, evaluate, prepare

    prepared = prepare(evaluation, bank, Watch(terminal.note))
    if inputs_only:
        return None
    systems = line_up.systems(evaluation, prepared.samples)
    with terminal.progress(2 * len(systems) * len(prepared.samples)) as advance:
        return evaluate(evaluation, prepared, systems, bank, Watch(terminal.note, advance))
