"""``symgrad check``: the compiled derivatives against independent arithmetic."""

from __future__ import annotations

import click

from symgrad.cli.options import (
    NamedRange,
    problem_options,
)

DISAGREED = 3
ORACLES = ("mpmath", "torch")


@click.command("check")
@problem_options
@click.option(
    "--against",
    type=click.Choice(ORACLES),
    multiple=True,
    help="What to compare with; give it once for each. All that are installed by default.",
)
@click.option("--points", type=click.IntRange(min=1), help="How many points to compare at.")
@click.option(
    "--range",
    "ranges",
    type=NamedRange(),
    multiple=True,
    metavar="NAME=LOW:HIGH",
    help="Where points are drawn; give it once for each.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def check(
    problem: str,
    inputs: tuple[str, ...] | None,
    parameters: tuple[Given, ...],
    derivatives: tuple[str, ...] | None,
    dtype: str | None,
    against: tuple[str, ...],
    points: int | None,
    ranges: tuple[tuple[str, tuple[float, float]], ...],
    as_json: bool,
) -> None:
    """Compare every derivative of FILE|FORMULA with independent arithmetic.

    Exit status 3 where they disagree.
    """
