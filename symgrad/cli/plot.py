"""``symgrad plot``: a problem's program, sparsity or values as an SVG picture."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import click
import numpy as np

from symgrad.api import compile_problem
from symgrad.cli.options import Asked, names, problem_options, range_option, require_values
from symgrad.errors import OptionError
from symgrad.interop.files import write_file
from symgrad.options import choose
from symgrad.parse.problem import Problem
from symgrad.pictures.field import curve_picture, field_picture
from symgrad.pictures.graph import graph_picture
from symgrad.pictures.sparsity import sparsity_picture
from symgrad.pictures.svg import Svg
from symgrad.runtime.function import CompiledFunction

KINDS = ("graph", "sparsity", "field")
GRID, CURVE = 240, 800
"""Points along an axis of a field, and of a curve."""


@click.command("plot")
@problem_options
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    required=True,
    help="graph: the scheduled program; sparsity: where a derivative array is not always 0; "
    "field: one entry over one or two inputs.",
)
@click.option("--result", help="Which result: by default the last one, for a field the first.")
@click.option(
    "--entry", type=names, metavar="I,J,...", help="Which entry a field shows; the first if unsaid."
)
@click.option("--over", type=names, metavar="X[,Y]", help="The inputs along the axes of a field.")
@range_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="A file; standard output otherwise."
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
def plot(
    asked: Asked,
    kind: str,
    result: str | None,
    entry: tuple[str, ...] | None,
    over: tuple[str, ...] | None,
    output: str | None,
    overwrite: bool,
) -> None:
    r"""Draw FILE|FORMULA as an SVG picture.

    A field lies over the first inputs whose range has a width; inputs that are not along an axis
    are in the middle of their range.

    \b
    symgrad plot problem.toml --kind sparsity -o pattern.svg
    symgrad plot "sin(9*x)" --inputs x --kind field --range x=0:3 -o field.svg
    """
    loaded = asked.load()
    fn = compile_problem(loaded, jit="never", **asked.options())
    if result is not None:
        choose("--result", result, fn.results)
    if kind == "graph":
        title = f"{loaded.name or 'program'}: {fn.operations.total} operations"
        picture = graph_picture(fn.program, title)
    elif kind == "sparsity":
        picture = _sparsity(fn, result or fn.results[-1])
    else:
        picture = _field(fn, loaded, result or fn.results[0], entry, over)
    if output is None:
        click.echo(str(picture), nl=False)
    else:
        write_file(output, str(picture), overwrite=overwrite)


def _sparsity(fn: CompiledFunction, name: str) -> Svg:
    """The pattern of a result as a matrix: its last axis across."""
    pattern = fn.sparsity[name].full
    labels = tuple(filter(None, fn.outputs))
    height, width = pattern.matrix_shape
    variables = fn.signature.wrt if width == len(fn.signature.wrt) else ()
    rows = variables if len(pattern.shape) == 2 and pattern.shape == (width, width) else labels
    return sparsity_picture(
        pattern.rows.tolist(),
        pattern.cols.tolist(),
        (height, width),
        title=name,
        row_names=rows if len(rows) == height else (),
        column_names=variables,
    )


def _field(
    fn: CompiledFunction,
    problem: Problem,
    name: str,
    entry: tuple[str, ...] | None,
    over: tuple[str, ...] | None,
) -> Svg:
    """A result's entry over one or two inputs."""
    require_values(problem, problem.parameter_values, "add --parameter NAME=VALUE")
    directions = [g.name for g in fn.signature.groups if g.name in ("tangent", "cotangent")]
    if directions:
        raise OptionError(
            f"a field knows no {' and no '.join(directions)}: leave jvp, vjp and hvp out of "
            "--derivatives"
        )
    place, said = _place(fn.shapes[name], entry, name)
    axes = (
        over
        or tuple(
            x
            for x in problem.inputs
            if x in problem.ranges and problem.ranges[x][0] < problem.ranges[x][1]
        )[:2]
    )
    for axis in axes:
        choose("--over", axis, problem.inputs)
    if not 1 <= len(set(axes)) == len(axes) <= 2:
        raise OptionError("a field lies over one or two inputs: name them with --over x,y")
    missing = [x for x in problem.inputs if x not in problem.ranges]
    if missing:
        raise OptionError(f"no range is known for {', '.join(missing)}: add --range x=-1:1")
    count = GRID if len(axes) == 2 else CURVE
    lines = [np.linspace(*problem.ranges[axis], count) for axis in axes]
    grids = dict(zip(axes, np.meshgrid(*lines), strict=True))
    fixed = {x: sum(problem.ranges[x]) / 2 for x in problem.inputs if x not in axes}
    points: Mapping[str, object] = {**fixed, **grids}
    made = fn(**points, **problem.parameter_values)
    array = made if fn.signature.single else made[name]
    values = np.asarray(array, float).reshape(*next(iter(grids.values())).shape, -1)[..., place]
    at = "".join(f", {x} = {value:.4g}" for x, value in fixed.items())
    title = f"{said} of {problem.name}{at}" if problem.name else f"{said}{at}"
    if len(axes) == 1:
        return curve_picture(lines[0].tolist(), values.tolist(), axes[0], said, title)
    ends = [(axis, *problem.ranges[axis]) for axis in axes]
    return field_picture(values.tolist(), ends[0], ends[1], title)


def _place(shape: tuple[int, ...], entry: tuple[str, ...] | None, name: str) -> tuple[int, str]:
    """The position of an entry in row-major order, and how it is called."""
    index = tuple([int(i) if i.isdecimal() else -1 for i in entry or ("0",) * len(shape)])
    inside = len(index) == len(shape) and all(0 <= i < n for i, n in zip(index, shape, strict=True))
    if not inside or not prod(shape):
        raise OptionError(
            f"--entry {','.join(entry or ())} is not in {name}, whose shape at a point is {shape}"
        )
    said = f"{name}[{', '.join(map(str, index))}]" if shape else name
    return int(np.ravel_multi_index(index, shape)) if shape else 0, said
