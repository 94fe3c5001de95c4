"""``symgrad bench``: how long a call takes, beside the memory's speed and other systems."""

from __future__ import annotations

import click

from symgrad.cli.options import Asked, jit_option, problem_options, range_option


@click.command("bench")
@problem_options
@jit_option
@click.option(
    "--points",
    "count",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="How many points a call has.",
)
@range_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Threads."
)
@click.option(
    "--peers",
    is_flag=True,
    help="Beside NumPy and numba, every peer that is installed: PyTorch, JAX, heyoka, CasADi and "
    "SymEngine.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def bench(
    asked: Asked,
    count: int,
    seed: int,
    workers: int,
    peers: bool,
    as_json: bool,
) -> None:
    """Time FILE|FORMULA at random points of its ranges, beside SymPy's lambdify.

    Every contender differentiates by its own means and has the least of many calls; a ratio is
    times as long as symgrad.
    """
    fn = asked.compile(asked.load())
    chosen = {"peers": True} if peers else {}
    found = fn.benchmark(count, seed=seed, workers=workers, **chosen)
    click.echo(found.to_json() if as_json else str(found))
