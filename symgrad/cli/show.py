"""``symgrad show``: a problem as one stage of the pipeline has it."""

from __future__ import annotations

import click

from symgrad.api import STAGES, stage_text
from symgrad.cli.options import Given, kernel_options, load_problem, problem_options, requested


@click.command("show")
@problem_options
@kernel_options
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    default="program",
    show_default=True,
    help="graph: as parsed; simplify: with derivatives; program: as scheduled; then the code.",
)
def show(
    problem: str,
    inputs: tuple[str, ...] | None,
    parameters: tuple[Given, ...],
    derivatives: tuple[str, ...] | None,
    dtype: str | None,
    sparse: bool | None,
    optimize: str | None,
    stage: str,
) -> None:
    """Print what one stage of the pipeline makes of FILE|FORMULA."""
    loaded = load_problem(problem, inputs, parameters)
    text = stage_text(
        loaded,
        stage,
        derivatives=requested(derivatives),
        dtype=dtype,
        sparse=sparse,
        optimize=optimize,
    )
    click.echo(text, nl=not text.endswith("\n"))
