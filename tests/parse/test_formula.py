"""Formula text under the users' rules, and the open cases: hostile ones and published ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import (
    ArgumentError,
    FormulaError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
)
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.expression import Expr, named, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define, table
from symgrad.parse.formula import check_name, parse_formula
from symgrad.parse.names import function_names
from tests.cases import FAMILIES, NEEDS_CASES, load, rows
from tests.expressions import number


def value(text: str, **point: Any) -> Any:
    """The value of formula text at a point, by the interpreter with 30 digits."""
    with mpmath.workdps(30):
        return number(parse_formula(text, list(point), None, PRIMITIVES), **point)


@pytest.mark.parametrize(
    "name", ["x", "lambda", "_", "x1", "größe", "λ", "__x", "x__", "print", "__"]
)
def test_names_that_text_can_use(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "''; write a name of letters"),
        ("x.y", "letters, digits and underscores"),
        ("1x", "letters"),
        ("x y", "letters"),
        ("x\u200b", r"'x\\u200b'"),
        ("ﬁ", "letters"),
        ("__class__", "names like __this__ are reserved"),
        (3, "is 3; a name is text"),
        (None, "is None; a name is text"),
    ],
)
def test_names_that_text_cannot_use(name: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        check_name(name)


def test_declared_names_shadow_every_function_and_constant() -> None:
    for name in ("pi", "E", "I", "sin", "Piecewise", "beta", "inf", "True", "not", "Sum"):
        assert parse_formula(name, [name], None, PRIMITIVES) == symbol(name)
    with pytest.raises(FormulaError, match="'sin' is declared as a variable, which shadows"):
        parse_formula("sin(x)", ["x", "sin"], None, PRIMITIVES)


def test_definitions_stand_for_their_expressions() -> None:
    shared = symbol("x") * symbol("x")
    made = parse_formula("r + sin(r)", ["x"], {"r": shared}, PRIMITIVES)
    assert made.args[0] is shared
    assert made.args[1].args[0] is shared


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pi", named("pi")),
        ("E", named("e")),
        ("GoldenRatio", named("golden_ratio")),
        ("EulerGamma", named("euler_gamma")),
        ("Catalan", named("catalan")),
    ],
)
def test_constants_stay_exact(text: str, expected: Expr) -> None:
    assert parse_formula(text, [], None, PRIMITIVES) == expected


def test_a_user_s_function_is_read() -> None:
    own = define("softabs", lambda y, x: x / y, domain=(1, 2))
    rows_ = {**PRIMITIVES, **table(own)}
    assert parse_formula("softabs(x)", ["x"], None, rows_) == Expr("softabs", (symbol("x"),))
    with pytest.raises(UnknownFunctionError, match="softabs"):
        parse_formula("softabs(x)", ["x"], None, PRIMITIVES)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x < 1", FormulaError, "is a condition and no number; write where"),
        ("True", FormulaError, "is a condition and no number"),
        ("2*I", FormulaError, "I is not read: symgrad is real"),
        ("zoo", FormulaError, "no real value"),
        ("Integral(x, x)", FormulaError, "integrate first"),
        ("gama", UnknownSymbolError, "'gama' is not declared"),
        ("Sin(x)", UnknownFunctionError, "close to it: .*sin"),
        ("sin(x, x)", FormulaError, r"sin takes 1 argument\(s\), 2 given"),
    ],
)
def test_what_is_refused(text: str, error: type[SymgradError], words: str) -> None:
    with pytest.raises(error, match=words):
        parse_formula(text, ["x"], None, PRIMITIVES)


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("Piecewise((x**2, Abs(x) <= 1), (2*Abs(x) - 1, True))", {"x": -3}, 5),
        ("where(x < 0, -x, x)**0.5", {"x": -4}, 2),
        ("Max(x, y, 0)*Min(x, y) + x // y + x % y", {"x": 7, "y": -2}, -14 - 4 - 1),
        ("-2**2 + 2**-1 + 2**3**2", {}, -4 + 0.5 + 512),
        ("Heaviside(x) + Heaviside(0*x) + Heaviside(-x, 1)", {"x": 2}, 1.5),
        ("1e-3*x", {"x": 3}, mpmath.mpf(1e-3) * 3),
        ("ITE(x > 0, 1, 2) + where(~(x > 0) | (x > 5) & (x < 6), 10, 20)", {"x": 1}, 21),
        ("log(8, 2) + root(27, 3) + cbrt(-8) + Mod(-1, 3)", {}, 3 + 3 - 2 + 2),
    ],
)
def test_values(text: str, point: dict[str, float], expected: float) -> None:
    assert abs(value(text, **point) - expected) < 1e-25


def _hostile(*categories: str) -> list[Any]:
    kept = [row for row in rows("adversarial") if row["category"] in categories]
    return [pytest.param(row, id=row["id"]) for row in kept]


@NEEDS_CASES
@pytest.mark.parametrize(
    "row",
    _hostile(
        *("injection", "bad_variable_name", "resource_bomb", "nesting", "syntax", "exotic_sympy"),
        *("keyword_variable", "name_clash"),
    ),
)
def test_hostile_input_is_read_rightly_or_refused(row: dict[str, Any], tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    build = row.get("build")
    text = eval(build, {"__builtins__": {}}) if build else row["formula"]
    graph = Graph(PRIMITIVES)
    try:
        node = graph.add(parse_formula(text, row["variables"], None, PRIMITIVES))
    except SymgradError:
        refused = True
    else:
        refused = False
    assert refused or row["expect"] != "reject"
    assert not refused or row["expect"] != "accept"
    assert set(tmp_path.iterdir()) == before
    if "value" in row:  # keywords and names of functions are ordinary names here
        assert not refused
        point = {name: mpmath.mpf(v) for name, v in row["point"].items()}
        assert evaluate(graph, [node], point, mpmath_arithmetic()) == [row["value"]]


def _published() -> list[Any]:
    found = []
    for family in FAMILIES:
        found += [pytest.param(case, id=case.id) for case in load(family)]
    return found


@NEEDS_CASES
@pytest.mark.parametrize("case", _published())
def test_published_formulas_have_their_published_values(case: Any) -> None:
    names = [*case.variables, *case.parameters]
    graph = Graph(PRIMITIVES)
    if case.family == "rules":  # has special functions, of which not all have a row
        called = {name for text in case.outputs for name in re.findall(r"(\w+)\(", text)}
        if missing := sorted(called - function_names(PRIMITIVES)):
            with pytest.raises(UnknownFunctionError, match=missing[0]):
                parse_formula(case.outputs[0], names, None, PRIMITIVES)
            return
    exprs = [parse_formula(text, names, None, PRIMITIVES) for text in case.outputs]
    nodes = graph.add_all(exprs)
    shared = {name: mpmath.mpf(v) for name, v in case.parameters.items()}
    for row in (0, len(case.points) - 1):
        point = {n: mpmath.mpf(v) for n, v in zip(case.variables, case.points[row], strict=True)}
        with mpmath.workdps(40):
            made = evaluate(graph, nodes, point | shared, mpmath_arithmetic())
        got = np.array([float(v) for v in made])
        expected = case.references["value"][row]
        assert np.allclose(got, expected, rtol=1e-14, atol=0, equal_nan=True), case.outputs


@NEEDS_CASES
def test_no_case_is_lost() -> None:
    assert len(_published()) > 150
    assert len(_hostile("syntax")) > 10
