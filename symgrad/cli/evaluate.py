"""``symgrad eval``: a problem's values and derivatives at many points, from file to file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from math import prod
from time import perf_counter

import click
import numpy as np

from symgrad.cli.options import (
    Asked,
    Given,
    jit_option,
    problem_options,
    range_option,
    require_values,
)
from symgrad.cli.summary import Summary
from symgrad.errors import OptionError
from symgrad.interop.columns import Points
from symgrad.interop.files import Array, Layout, Write, check_target, writing
from symgrad.interop.points import BLOCK, STANDARD_STREAM, open_points, random_points
from symgrad.parse.problem import Problem
from symgrad.runtime.function import CompiledFunction
from symgrad.runtime.sparsity import Sparsity

BLOCK_BYTES = 2**28
"""Memory for the results of one block, unless --block says how many points it has."""


@click.command("eval")
@problem_options
@jit_option
@click.argument("points", required=False)
@click.option("--random", "count", type=click.IntRange(min=0), help="Points drawn from the ranges.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@range_option
@click.option(
    "-o", "--output", help="A .npz, .npy, .csv, .parquet or .zarr file; - is csv on stdout."
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
@click.option("--block", type=click.IntRange(min=1), help="Points that are in memory at a time.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads; all processors by default.")
@click.option("--cache/--no-cache", default=True, help="Keep compiled code on disk.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error.")
def evaluate(
    asked: Asked,
    points: str | None,
    count: int | None,
    seed: int,
    output: str | None,
    overwrite: bool,
    block: int | None,
    workers: int | None,
    cache: bool,
    quiet: bool,
) -> None:
    r"""Evaluate FILE|FORMULA at the points of a file, or at random points.

    POINTS is a .npy, .npz or .zarr file of shape (N, inputs), or a .csv or .parquet file with
    named columns; - is csv on standard input. Columns named after a parameter give its value
    point by point. Results go to --output; without it to standard output, as csv, or as a
    summary of random points.

    \b
    symgrad eval problem.toml points.npy -o result.npz
    symgrad eval "k*x*sin(y)" points.csv --inputs x,y --parameter k=-2 > out.csv
    symgrad eval problem.toml --random 1000000
    """
    loaded = asked.load()
    if (points is None) == (count is None):
        raise OptionError("give either a file of POINTS or --random N, and one of them only")
    if output is not None and output != STANDARD_STREAM:
        check_target(output, (), overwrite=overwrite)
    if points is not None:
        source = points_from_file(loaded, points, asked.parameters)
    else:
        source = points_from_ranges(loaded, count or 0, seed)
    if source.unused and not quiet:
        click.echo(f"Columns not used: {', '.join(source.unused)}", err=True)

    start = perf_counter()
    fn = asked.compile(loaded, cache=cache)
    compiled = perf_counter() - start
    origin = "interpreted" if fn.tier == "interpreted" else "compiled anew"
    origin = "with code from the cache" if fn.cached else origin
    layout = layout_of(fn)
    size = block or block_size(layout)

    summary = None
    sink: AbstractContextManager[Write]
    if output is None and count is not None:
        summary = Summary([label for name in layout.shapes for label in layout.labels[name]])
        sink = nullcontext(summary.add)
    elif output is None or output == STANDARD_STREAM:
        sink = writing(sys.stdout, layout)
    else:
        sink = writing(output, layout, overwrite=overwrite)
    with sink as write:
        done, seconds = run(fn, source, loaded.parameter_values, write, layout, size, workers)
    if summary is not None:
        click.echo(f"{loaded.name or asked.problem} at {done:,} random points, {source.where}")
        click.echo(summary.text())
    # A reader that has gone away is noticed here, where that ends quietly.
    sys.stdout.flush()
    if not quiet:
        click.echo(report(layout, done, compiled, seconds, origin), err=True)


def points_from_file(problem: Problem, path: str, given: Sequence[Given]) -> Points:
    """The points of a file, or of standard input, with every parameter given once.

    Raises:
        OptionError: a parameter has no value or two.
    """
    source = open_points(path, problem.inputs, problem.parameters, stream=sys.stdin)
    twice = [name for name, value in given if value is not None and name in source.parameters]
    if twice:
        raise OptionError(
            f"{', '.join(twice)} has a column in {source.where} and a value in --parameter: "
            "leave one of them out"
        )
    cure = "add --parameter NAME=VALUE, a column of that name, or parameter_values to the problem"
    require_values(problem, {*problem.parameter_values, *source.parameters}, cure)
    return source


def points_from_ranges(problem: Problem, count: int, seed: int) -> Points:
    """Points drawn from the problem's ranges, and parameters that have a range but no value.

    Raises:
        OptionError: an input has no range or a parameter neither range nor value.
    """
    missing = [name for name in problem.inputs if name not in problem.ranges]
    if missing:
        raise OptionError(
            f"random points need a range for {', '.join(missing)}: add --range {missing[0]}=-1:1, "
            f"or {missing[0]} = [-1, 1] under [ranges] in the problem file"
        )
    drawn = [
        name
        for name in problem.parameters
        if name in problem.ranges and name not in problem.parameter_values
    ]
    require_values(problem, {*problem.parameter_values, *drawn}, "add --parameter NAME=VALUE")
    return random_points(count, problem.inputs, problem.ranges, parameters=drawn, seed=seed)


def layout_of(fn: CompiledFunction) -> Layout:
    """Shapes and column titles of a function's results: ``gradient_x``, ``hessian_x_y``.

    Sparse results have the columns of the entries that they store.

    Raises:
        OptionError: a result is a product with a vector, which a file of points has no place for.
    """
    leads = [()] if fn.signature.output_shape == () else [(name,) for name in fn.recipe.labels]
    labels = {}
    for request in fn.recipe.requests:
        if request.kind not in ("tensor", "partial"):
            raise OptionError(
                f"{request.name} needs a vector for every point, which only Python calls can "
                "give; ask for gradient, jacobian or hessian"
            )
        order = request.order if request.kind == "tensor" else 0
        found = fn.signature.sparsity.get(request.name)
        if found is None:
            entries = list(product(leads, product(fn.signature.wrt, repeat=order)))
        else:
            entries = _stored(found, leads, fn.signature.wrt, order)
        labels[request.name] = ["_".join((request.name, *lead, *tail)) for lead, tail in entries]
    return Layout(fn.shapes, labels, fn.signature.dtype)


def _stored(
    sparsity: Sparsity, leads: Sequence[tuple[str, ...]], wrt: Sequence[str], order: int
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The output and the variables of every stored entry of a sparse result."""
    entries = []
    for index in sparsity.indices.tolist():
        row = 0
        for position, size in zip(index[:-order], sparsity.shape, strict=False):
            row = row * size + position
        entries.append((leads[row], tuple(wrt[position] for position in index[-order:])))
    return entries


def block_size(layout: Layout) -> int:
    """Points in a block: ``BLOCK``, or fewer where their results would take too much memory."""
    entries = sum(prod(shape) for shape in layout.shapes.values())
    return max(1, min(BLOCK, BLOCK_BYTES // (8 * max(1, entries))))


def run(
    fn: CompiledFunction,
    source: Points,
    values: Mapping[str, float],
    write: Write,
    layout: Layout,
    size: int,
    workers: int | None,
) -> tuple[int, float]:
    """Evaluate block by block; the number of points, and the seconds that their evaluation took."""
    width, done, seconds = len(source.inputs), 0, 0.0
    single = fn.signature.single
    buffers: dict[str, Array] = {}
    hidden = source.count is None or not sys.stderr.isatty()
    with click.progressbar(length=source.count or 0, file=sys.stderr, hidden=hidden) as bar:
        for block in source.blocks(size):
            if not buffers:
                # Written once here, so that the system's first pages are not counted as evaluation.
                buffers = {
                    name: np.full((len(block), *shape), np.nan, layout.dtype)
                    for name, shape in layout.shapes.items()
                }
            results = {name: buffer[: len(block)] for name, buffer in buffers.items()}
            columns = {name: block[:, width + i] for i, name in enumerate(source.parameters)}
            start = perf_counter()
            fn(
                block[:, :width],
                parameters={**values, **columns},
                out=next(iter(results.values())) if single else results,
                workers=workers,
            )
            seconds += perf_counter() - start
            write(results)
            done += len(block)
            bar.update(len(block))
    return done, seconds


def report(layout: Layout, done: int, compiled: float, seconds: float, origin: str) -> str:
    """What was computed and how fast, for standard error."""
    shapes = ", ".join(
        f"{name} ({', '.join(map(str, (done, *shape)))}{',' if shape == () else ''})"
        for name, shape in layout.shapes.items()
    )
    lines = [f"Computed {shapes} in {layout.dtype}.", f"Ready in {compiled:.2f} s, {origin}."]
    if done and seconds:
        lines.append(
            f"Evaluated {done:,} points in {seconds:.3g} s: {done / seconds:,.0f} points a second, "
            f"{seconds / done * 1e9:.3g} ns a point."
        )
    return "\n".join(lines)
