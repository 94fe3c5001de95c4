"""What several subcommands share: the problem argument, its options, and how they are read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, get_args

import click

from symgrad.api import compile_problem
from symgrad.errors import OptionError, ProblemFileError
from symgrad.options import Jit, Optimize
from symgrad.parse.problem import Problem, problem_from_formula, read_problem

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

Command = Callable[..., Any]
Given = tuple[str, float | None]
"""A parameter's name and its value, if it was given one."""

Range = tuple[float, float]


def named_value(text: str) -> Given:
    """Read ``k=-2.5``, a name and a number; ``k`` alone declares a parameter without a value."""
    name, sign, rest = text.partition("=")
    number = _number(rest)
    if not name.strip() or (sign and number is None):
        raise click.BadParameter(f"{text!r} must read NAME=NUMBER, such as k=-2.5")
    return name.strip(), number


def named_range(text: str) -> tuple[str, Range]:
    """Read ``x=-1:1``, a name, a low and a high end."""
    name, _, ends = text.partition("=")
    low, high = (_number(end) for end in ends.partition(":")[::2])
    if not name.strip() or low is None or high is None or not low <= high:
        raise click.BadParameter(f"{text!r} must read NAME=LOW:HIGH, such as x=-1:1")
    return name.strip(), (low, high)


def names(text: str) -> tuple[str, ...]:
    """Read ``x,y``, names parted by commas or blanks."""
    found = tuple(text.replace(",", " ").split())
    if not found:
        raise click.BadParameter("no name is given; write names parted by commas, such as x,y")
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks for by the options that several subcommands have.

    Attributes are the options' values, None where an option was not given; ``jit`` and ``ranges``
    belong to the subcommands that have ``jit_option`` and ``range_option``.

    Example:
        >>> Asked("k*x**2", ("x",), (("k", 2.0),)).load().parameters
        ('k',)
    """

    problem: str
    inputs: tuple[str, ...] | None = None
    parameters: tuple[Given, ...] = ()
    derivatives: tuple[str, ...] | None = None
    dtype: str | None = None
    sparse: bool | None = None
    optimize: str | None = None
    jit: str | None = None
    ranges: tuple[tuple[str, Range], ...] = ()

    def load(self) -> Problem:
        """The problem, with the values and the ranges of the command line (``load_problem``)."""
        return load_problem(self.problem, self.inputs, self.parameters, self.ranges)

    def options(self) -> dict[str, Any]:
        """What ``api.problem_recipe`` and its like take besides the problem."""
        wanted = [int(name) if name.isdecimal() else name for name in self.derivatives or ()]
        return {
            "derivatives": wanted or None,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "optimize": self.optimize,
        }

    def compile(self, problem: Problem, *, cache: bool = True) -> CompiledFunction:
        """The compiled function of ``problem``, which ``load`` gave."""
        return compile_problem(problem, cache=cache, jit=self.jit, **self.options())


def problem_options(command: Command) -> Command:
    """The FILE|FORMULA argument and what is wanted of it, as the command's first argument.

    The command takes an ``Asked``, and by name the options that it alone has. This decorator
    stands above those of other options, as it collects theirs too.
    """

    @wraps(command)
    def collected(**given: Any) -> Any:
        own = {field.name: given.pop(field.name) for field in fields(Asked) if field.name in given}
        return command(Asked(**own), **given)

    decorators = (
        click.argument("problem", metavar="FILE|FORMULA"),
        click.option(
            "--inputs", type=names, metavar="X,Y,...", help="The inputs, in order, of a formula."
        ),
        click.option(
            "--parameter",
            "parameters",
            type=named_value,
            multiple=True,
            metavar="NAME[=VALUE]",
            help="A parameter and its value; give it once for each.",
        ),
        click.option(
            "--derivatives",
            type=names,
            metavar="NAME,...",
            help="value, gradient, jacobian, hessian, or orders such as 3.",
        ),
        click.option(
            "--dtype",
            type=click.Choice(["float64", "float32"]),
            help="The type of all numbers; float64 unless the problem says otherwise.",
        ),
        click.option(
            "--sparse/--dense",
            "sparse",
            default=None,
            help="Derivatives without their structural zeros, or with them.",
        ),
        click.option(
            "--optimize",
            type=click.Choice(get_args(Optimize)),
            help="How hard to look for a cheaper program; default unless the problem says.",
        ),
    )
    made: Command = collected
    for decorate in reversed(decorators):
        made = decorate(made)
    return made


def jit_option(command: Command) -> Command:
    """``--jit``: whether there is a kernel at all; None is "auto"."""
    return click.option(
        "--jit",
        type=click.Choice(get_args(Jit)),
        help="Compile always, never (NumPy interprets), or where it pays: auto, the default.",
    )(command)


def range_option(command: Command) -> Command:
    """``--range x=-1:1``, where random points are drawn."""
    return click.option(
        "--range",
        "ranges",
        type=named_range,
        multiple=True,
        metavar="NAME=LOW:HIGH",
        help="Where random points are drawn; give it once for each name.",
    )(command)


def load_problem(
    text: str,
    inputs: Sequence[str] | None,
    parameters: Sequence[Given] = (),
    ranges: Sequence[tuple[str, Range]] = (),
) -> Problem:
    """The problem that an argument names, with values and ranges from the command line.

    An argument that is no file and has no ``.toml`` in it is a formula.

    Raises:
        ProblemFileError: there is no such file.
        OptionError: a formula comes without inputs or a file with them, or a name is unknown.
        FormulaError: the formula cannot be read.

    Example:
        >>> load_problem("k*x**2", ["x"], [("k", 2.0)]).parameters
        ('k',)
    """
    values = _distinct("--parameter", parameters)
    if os.path.isfile(text):
        if inputs is not None:
            raise OptionError(f"{text} declares its own inputs; leave out --inputs")
        problem = read_problem(text)
        _known("--parameter", values, problem.parameters, text)
    elif ".toml" in text or os.path.isdir(text):
        raise ProblemFileError(f"there is no problem file {text!r}")
    elif inputs is None:
        raise OptionError(
            f"{text!r} is no file, so it is read as a formula, and a formula needs its inputs "
            "named: add --inputs x,y"
        )
    else:
        problem = problem_from_formula(text, inputs, tuple(values))
    limits = _distinct("--range", ranges)
    _known("--range", limits, (*problem.inputs, *problem.parameters), text)
    return replace(
        problem,
        parameter_values={
            **problem.parameter_values,
            **{name: value for name, value in values.items() if value is not None},
        },
        ranges={**problem.ranges, **limits},
    )


def require_values(problem: Problem, known: Container[str], cure: str) -> None:
    """Refuse a problem with a parameter that has no value.

    Raises:
        OptionError: ``known`` lacks a parameter.
    """
    missing = [name for name in problem.parameters if name not in known]
    if missing:
        raise OptionError(f"no value is given for the parameter(s) {', '.join(missing)}: {cure}")


def _distinct(option: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        given = [name for name, _ in pairs]
        twice = sorted({name for name in given if given.count(name) > 1})
        raise OptionError(f"{option} is given twice for {', '.join(twice)}")
    return made


def _known(option: str, given: Iterable[str], declared: Sequence[str], text: str) -> None:
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise OptionError(
            f"{option} names {', '.join(unknown)}, which {text} does not declare; "
            f"it declares {', '.join(declared) or 'none'}"
        )
