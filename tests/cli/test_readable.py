"""Readable formula text means what the Expr means."""

import contextlib
from fractions import Fraction
from itertools import product

import mpmath
import pytest

from symgrad.cli.readable import readable
from symgrad.errors import FormulaError
from symgrad.functions import COMPOSITIONS, PRIMITIVES
from symgrad.ir.evaluate import evaluate
from symgrad.ir.expression import constant, symbol, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.parse.formula import parse_formula
from tests.balls import quick_arithmetic

x, y, z = variables("x y z")
HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (-1 / (1 - x * x) ** HALF, "-1/sqrt(1 - x*x)"),
        (x - y - z, "x - y - z"),
        (x - (y - z), "x - (y - z)"),
        (x / y / z, "x/y/z"),
        (x / (y * z), "x/(y*z)"),
        (x * (y / z), "x*(y/z)"),
        ((x + y) * z, "(x + y)*z"),
        (-(x + y), "-(x + y)"),
        (-x * -y, "x*y"),
        ((x**y) ** z, "(x**y)**z"),
        (x ** (y**z), "x**(y**z)"),
        ((-x) ** 2, "(-x)**2"),
        (x**-2, "x**(-2)"),
        (wrap(-2) ** x, "(-2)**x"),
        (x**-HALF, "1/sqrt(x)"),
        (Fraction(2, 3) * x, "2/3*x"),
        (x * Fraction(2, 3), "x*(2/3)"),
        ((x < y) & ~(y <= z), "(x < y) & ~(y <= z)"),
        (wrap(1) * 1, "1"),
    ],
)
def test_written_as_people_write(expr, text):
    assert readable(expr) == text


def agree(expr, names, points):
    """Whether the text of ``expr``, read again, has its values."""
    text = readable(expr)
    again = parse_formula(text, names, None, PRIMITIVES)
    arithmetic = quick_arithmetic()
    graph = Graph(PRIMITIVES)
    nodes = graph.add_all([expr, again])
    with mpmath.workdps(40):
        for point in points:
            values = {name: mpmath.mpf(value) for name, value in zip(names, point, strict=True)}
            expected, got = evaluate(graph, nodes, values, arithmetic)
            same = mpmath.almosteq(got, expected, 1e-30) or mpmath.isnan(got + expected)
            assert same, f"{text} at {values}: got {got}, expected {expected}"


@pytest.mark.parametrize(
    "row",
    [row for row in PRIMITIVES.values() if not row.boolean and row.kind != "unknown"],
    ids=lambda row: row.name,
)
def test_every_partial_reads_back(row):
    names = ["y", *(f"a{i}" for i in range(row.arity))]
    fractions = (0.21, 0.55, 0.93)
    points = [
        [0.7, *(low + (high - low) * fraction for low, high in row.domain)]
        for fraction in fractions
    ]
    for point, i in product(points, row.whole):
        point[1 + i] = round(point[1 + i])
    unknown = {other.name for other in row.unknown}
    for partial in row.partials:
        if partial.op in unknown:
            continue
        if row.name != "select":  # its first argument is a condition, which has no number
            agree(partial, names, points)


@pytest.mark.parametrize("name", [name for name in COMPOSITIONS if name != "where"])
def test_every_composition_reads_back(name):
    arities, build = COMPOSITIONS[name]
    names = ["a", "b", "c", "d"][: 2 if arities[0] < 0 else arities[0]]
    arguments = [symbol(name) for name in names]
    try:
        made = build(*arguments)
    except FormulaError:  # its degree and order, or its dimension, are whole numbers
        two = constant(2)
        for given in (
            [two, *arguments[1:]],
            [*arguments[:-1], two],
            [two, 0 * two, *arguments[2:]],
        ):
            with contextlib.suppress(FormulaError):
                made = build(*given)
                break
    agree(wrap(made), names, [(0.3, 0.4, 0.9, 0.2)[: len(names)]])
