"""``symgrad eval``: a problem's values and derivatives at many points, from file to file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import product
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from symgrad.api import compile_problem
from symgrad.cli.options import (
    Given,
    NamedRange,
    load_problem,
    problem_options,
    requested,
    require_values,
)
from symgrad.cli.summary import Summary
from symgrad.errors import OptionError
from symgrad.interop.files import Layout, Write, check_target, writing
from symgrad.interop.points import BLOCK, STANDARD_STREAM, Points, open_points, random_points
from symgrad.parse.problem import Problem
from symgrad.runtime.function import CompiledFunction

BLOCK_BYTES = 2**28
"""Memory for the results of one block, unless --block says how many points it has."""


@click.command("eval")
@problem_options
@click.argument("points", required=False)
@click.option("--random", "count", type=click.IntRange(min=0), help="Points drawn from the ranges.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--range",
    "ranges",
    type=NamedRange(),
    multiple=True,
    metavar="NAME=LOW:HIGH",
    help="Where --random draws an input; give it once for each.",
)
@click.option("-o", "--output", help="A file ending in .npz, .npy or .csv; - is csv on stdout.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
@click.option("--block", type=click.IntRange(min=1), help="Points that are in memory at a time.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads; all processors by default.")
@click.option("--cache/--no-cache", default=True, help="Keep compiled code on disk.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error.")
def evaluate(
    problem: str,
    inputs: tuple[str, ...] | None,
    parameters: tuple[Given, ...],
    derivatives: tuple[str, ...] | None,
    dtype: str | None,
    points: str | None,
    count: int | None,
    seed: int,
    ranges: tuple[tuple[str, tuple[float, float]], ...],
    output: str | None,
    overwrite: bool,
    block: int | None,
    workers: int | None,
    cache: bool,
    quiet: bool,
) -> None:
    """Evaluate FILE|FORMULA at the points of a file, or at random points.

    POINTS is a .npy or .npz file of shape (N, inputs), or a .csv file with a header; - is csv on
    standard input. Columns named after a parameter give its value point by point. Results go to
    --output; without it to standard output, as csv, or as a summary of random points.

    \b
    symgrad eval problem.toml points.npy -o result.npz
    symgrad eval "k*x**2*sin(y)" points.csv --inputs x,y --parameter k=-2.0 > result.csv
    symgrad eval problem.toml --random 1000000
    """
    loaded = load_problem(problem, inputs, parameters, ranges)
    if (points is None) == (count is None):
        raise OptionError("give either a file of POINTS or --random N, and one of them only")
    if output not in (None, STANDARD_STREAM):
        check_target(output, (), overwrite=overwrite)
    source = (
        _from_file(loaded, points, parameters) if points is not None
        else _from_ranges(loaded, count or 0, seed)
    )
    if source.unused and not quiet:
        click.echo(f"Columns not used: {', '.join(source.unused)}", err=True)

    start = perf_counter()
    fn = compile_problem(loaded, derivatives=requested(derivatives), dtype=dtype, cache=cache)
    compiled = perf_counter() - start
    layout = layout_of(fn)
    size = block or block_size(layout)

    with ExitStack() as stack:
        summary = None
        if output is None and count is not None:
            summary = Summary([label for name in layout.shapes for label in layout.labels[name]])
            write: Write = lambda results: summary.add(results.values())
        else:
            stream = output in (None, STANDARD_STREAM)
            target = click.get_text_stream("stdout") if stream else output
            write = stack.enter_context(writing(target, layout, overwrite=overwrite))
        done, seconds = _run(fn, source, loaded.parameter_values, write, size, workers)
    if summary is not None:
        click.echo(f"{loaded.name or problem} at {done:,} random points ({source.where})")
        click.echo(summary.text())
    if not quiet:
        click.echo(timing(fn, done, compiled, seconds), err=True)
