"""``symgrad check``: the compiled derivatives against independent arithmetic."""

from __future__ import annotations

import click

from symgrad.check import ORACLES
from symgrad.check import check as compare
from symgrad.cli.options import Asked, jit_option, problem_options, range_option

DISAGREED = 3


@click.command("check")
@problem_options
@jit_option
@click.option(
    "--against",
    type=click.Choice(ORACLES),
    multiple=True,
    help="What to compare with; give it once for each. By default mpmath, and torch if installed.",
)
@click.option(
    "--points",
    "count",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="How many random points to compare at.",
)
@range_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    help="Allowed error relative to the largest entry; by default what rounding can explain.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def check(
    asked: Asked,
    against: tuple[str, ...],
    count: int,
    seed: int,
    tolerance: float | None,
    as_json: bool,
) -> None:
    """Compare every derivative of FILE|FORMULA with independent arithmetic.

    Points are drawn from the problem's ranges. Exit status 3 where something disagrees.
    """
    loaded = asked.load()
    fn = asked.compile(loaded)
    report = compare(
        fn,
        against=against or None,
        parameters=loaded.parameter_values,
        count=count,
        seed=seed,
        ranges=loaded.ranges,
        tolerance=tolerance,
    )
    click.echo(report.to_json() if as_json else str(report))
    if not report:
        raise click.exceptions.Exit(DISAGREED)
