"""``symgrad show``: a problem as one stage of the pipeline has it."""

from __future__ import annotations

import click

from symgrad.api import STAGES, stage_text
from symgrad.cli.options import Asked, problem_options


@click.command("show")
@problem_options
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    default="program",
    show_default=True,
    help="graph: as parsed; simplify: with derivatives; program: as scheduled; then the code.",
)
def show(
    asked: Asked,
    stage: str,
) -> None:
    """Print what one stage of the pipeline makes of FILE|FORMULA."""
    text = stage_text(asked.load(), stage, **asked.options())
    click.echo(text, nl=not text.endswith("\n"))
