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
def check() -> None:
    """X"""
