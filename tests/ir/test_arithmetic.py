"""The canonical form of sums and products means what was written, over Fractions and mpmath."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from math import copysign, inf, isnan, nan, prod
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from symgrad.errors import FormulaError, LimitError
from symgrad.functions import PRIMITIVES
from symgrad.ir.arithmetic import MAX_BITS, exact_root, multiply_numbers, power_number
from symgrad.ir.evaluate import Arithmetic, evaluate, evaluate_expr
from symgrad.ir.expression import HALF, Expr, constant, postorder, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.verify import verify_graph
from tests.expressions import as_written, close, in_float, in_mpmath

x, y, z = variables("x y z")
FRACTIONS = Arithmetic(
    number=Fraction,  # type: ignore[arg-type]
    power=lambda base, exponent: base**exponent,
    functions={},
)
POINT = {"x": Fraction(2, 3), "y": Fraction(-5, 7), "z": Fraction(11, 2)}
FLOATS = {"x": 0.75, "y": -1.375, "z": 5.5}


def combined(inner: st.SearchStrategy[Expr], exponents: st.SearchStrategy[Any]) -> Any:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] - pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        pairs.map(lambda pair: pair[0] / pair[1]),
        st.tuples(inner, exponents).map(lambda pair: pair[0] ** pair[1]),
        inner.map(lambda expr: -expr),
    )


def expressions(numbers: st.SearchStrategy[Any], exponents: st.SearchStrategy[Any]) -> Any:
    leaves = st.one_of(st.sampled_from([x, y, z]), numbers.map(wrap))
    return st.recursive(leaves, lambda inner: combined(inner, exponents), max_leaves=14)


EXACT = st.one_of(st.integers(-4, 4), st.fractions(min_value=-3, max_value=3, max_denominator=6))
FLOATING = st.one_of(EXACT, st.sampled_from([0.5, -1.25, 3.0, 0.1, 1e-3, 2.5e4]))


@given(expressions(EXACT, st.integers(-3, 3)))
def test_canonical_form_means_the_same_over_fractions(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    try:
        expected = evaluate_expr(expr, POINT, PRIMITIVES, FRACTIONS)
    except ZeroDivisionError:
        assume(False)
    node = graph.add(expr)
    assert evaluate(graph, [node], POINT, FRACTIONS) == [expected], f"{expr} at {POINT}"
    verify_graph(graph)


@given(expressions(FLOATING, st.sampled_from([-2, -1, 2, 3, HALF.value, Fraction(1, 3), -0.5])))
def test_canonical_form_means_the_same_over_the_reals(expr: Expr) -> None:
    with mpmath.workdps(50):
        expected = as_written(expr, FLOATS)
        assume(mpmath.isfinite(expected) and abs(expected) < 1e12)
        graph = Graph(PRIMITIVES)
        try:
            node = graph.add(expr)
        except FormulaError:
            assume(False)
        got = in_mpmath(graph, [node], FLOATS)[0]
        scale = _largest(expr)
        # Constants that are floats are folded in double precision.
        assert abs(got - expected) <= 1e-13 * scale, f"{expr}: got {got}, expected {expected}"
        verify_graph(graph)


POWERS = [
    (base, exponent)
    for base in (x, -x, y, -y, x - z, z - x, 2 * y, -2 * y)
    for exponent in (1, 3, -1, HALF.value, Fraction(3, 2), -0.5, Fraction(1, 3))
]


@given(st.lists(st.sampled_from(POWERS), min_size=2, max_size=4))
@example([(-y, HALF.value), (y, 1)])
def test_roots_of_a_number_and_its_negative_stay_apart(powers: list[tuple[Expr, Any]]) -> None:
    expr = prod(base**exponent for base, exponent in powers)
    with mpmath.workdps(50):
        expected = as_written(expr, FLOATS)
        assume(mpmath.isfinite(expected))
        graph = Graph(PRIMITIVES)
        (got,) = in_mpmath(graph, [graph.add(expr)], FLOATS)
        assert abs(got - expected) <= 1e-13 * abs(expected), f"{expr}: got {got}, not {expected}"


def _largest(expr: Expr) -> Any:
    """The largest finite value of any part: what roundings of constants are relative to."""
    values = [abs(as_written(part, FLOATS)) for part in postorder((expr,))]
    finite = [value for value in values if mpmath.isfinite(value)]
    small = min([value for value in finite if value], default=1)
    return max(1, *finite, 1 / small) ** 4


@given(expressions(EXACT, st.integers(-3, 3)), expressions(EXACT, st.integers(-3, 3)))
def test_commuted_and_repeated_arithmetic_is_one_node(a: Expr, b: Expr) -> None:
    graph = Graph(PRIMITIVES)
    try:
        left, right = graph.add(a), graph.add(b)
        nodes = graph.add_all([a + b, b + a, a * b, b * a, a - b, b - a])
        again = graph.add_all([a + b, b + a, a * b, b * a, a - b, b - a])
    except FormulaError:
        assume(False)
    assert nodes == again
    assert nodes[0] == nodes[1]
    assert nodes[2] == nodes[3]
    assert graph.sum([(left, 1), (left, -1)]) == graph.constant(0)
    scaled = graph.ops[right] == "sum" and len(graph.args[right]) == 1
    if not graph.is_zero(right) and not scaled:
        assert graph.product([(right, 1), (right, -1)]) == graph.constant(1)


def test_negated_sums_cancel() -> None:
    graph = Graph(PRIMITIVES)
    assert graph.is_one(graph.add(-(x + y) / -(x + y)))


@pytest.mark.parametrize(
    "exprs",
    [
        (x - y, -y + x, (2 * x - 2 * y) / 2, (6 * x - 6 * y) / 6),
        (x * y * 2, 2 * (y * x), x * (y + y), (4 * x * y) / 2),
        (x**3, x * x * x, x**2 * x, x**4 / x, (x**-3) ** -1),
        (x / y, x * y**-1, x**2 / (x * y), (x * y) / y**2),
        (x + 1, 1 + x, x - (-1), (2 * x + 2) / 2),
        (x**HALF * x**HALF, x, (x**HALF) ** 2),
        ((x**3) ** HALF, x ** Fraction(3, 2), (x**-3) ** -HALF),
        (x**0.5, x**HALF, x ** (0.25 + constant(0.25))),
        (constant(8) ** Fraction(1, 3), wrap(2), constant(16) ** Fraction(1, 4), wrap(4) ** 0.5),
        (x * 0, wrap(0), x - x, 0 / x, 0 * (x / y)),
        (x**0, wrap(1), x / x, (x + y) ** 0),
        (Fraction(1, 3) * (3 * x), x, x * 6 / 2 / 3),
    ],
)
def test_equal_expressions_share_one_node(exprs: tuple[Expr, ...]) -> None:
    graph = Graph(PRIMITIVES)
    nodes = graph.add_all(exprs)
    assert len(set(nodes)) == 1, [graph.data[node] for node in nodes]


def test_multiples_of_a_difference_share_its_node() -> None:
    graph = Graph(PRIMITIVES)
    difference, doubled, divided = graph.add_all([x - y, 2 * x - 2 * y, (x - y) / 3])
    assert graph.args[doubled] == graph.args[divided] == (difference,)


@pytest.mark.parametrize("expr", [1 / (1 - x), 1 / (x - 1), 1 / (2 - 2 * x), 1 / (y - x * y)])
def test_differences_vanish_as_plus_zero(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    assert in_float(graph, [graph.add(expr)], {"x": 1.0, "y": 2.5}) == [inf]


def test_sums_stay_nested_as_they_were_written() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add((x + y) + z)
    assert graph.add(x + y) in graph.args[node]


@pytest.mark.parametrize(
    "pair",
    [(0, 0.0), (0.0, -0.0), (1, 1.0), (2, 2.0), (Fraction(1, 2), 0.5), (inf, -inf), (nan, inf)],
)
def test_constants_of_different_kind_stay_apart(pair: tuple[Any, Any]) -> None:
    graph = Graph(PRIMITIVES)
    first, second = (graph.constant(value) for value in pair)
    assert first != second
    assert graph.sum([(graph.symbol("x"), 1)], pair[0]) != graph.sum(
        [(graph.symbol("x"), 1)], pair[1]
    )


def test_truth_values_are_no_numbers() -> None:
    graph = Graph(PRIMITIVES)
    assert graph.add(constant(False)) != graph.add(constant(0))
    assert graph.add(constant(True)) != graph.add(constant(1))


@pytest.mark.parametrize("value", [nan, -0.0, 0.0, inf, -inf, 5e-324])
def test_equal_floats_are_one_node(value: float) -> None:
    graph = Graph(PRIMITIVES)
    assert graph.constant(value) == graph.constant(float(value))
    stored = graph.data[graph.constant(value)]
    assert copysign(1, stored) == copysign(1, value)
    assert stored == value or (isnan(stored) and isnan(value))


def test_float_zero_is_data() -> None:
    graph = Graph(PRIMITIVES)
    assert not graph.is_zero(graph.add(0.0 * x))
    assert graph.is_zero(graph.add(0.1 * x - 0.1 * x))  # exactly opposite, unlike what follows
    assert not graph.is_zero(graph.add(0.1 * x + 0.2 * x - 0.3 * x))
    exact = Graph(PRIMITIVES, exact=True)
    assert not exact.is_zero(exact.add(0.1 * x - 0.1 * x))
    assert isnan(in_float(graph, [graph.add(0.0 * x)], {"x": inf})[0])


@pytest.mark.parametrize(
    "expr",
    [
        constant(2) ** 100_000,
        constant(Fraction(3, 2)) ** 30_000,
        constant(3) ** -20_000,
        (constant(2) ** 9_000) * (constant(3) ** 9_000),
        (2 * x) ** 100_000,
        ((constant(2) ** 500) ** 500),
    ],
    ids=["power", "fraction", "negative", "product", "coefficient", "tower"],
)
def test_towers_of_exact_powers_are_refused(expr: Expr) -> None:
    with pytest.raises(LimitError, match="float"):
        Graph(PRIMITIVES).add(expr)


@pytest.mark.parametrize("base", [0, 1, -1])
def test_trivial_bases_have_any_exponent(base: int) -> None:
    assert power_number(base, 10**9 + 1) == base


def test_long_roots_stay_symbolic() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(constant(2) ** Fraction(1, 10**9))
    assert graph.ops[node] == "product"
    assert close(in_mpmath(graph, [node], {})[0], 1.0000000006931471, 1e-15)


@pytest.mark.parametrize("expr", [1 / constant(0), x / constant(0), (x - x) ** -2, x / (y * 0)])
def test_division_by_exact_zero_is_refused(expr: Expr) -> None:
    with pytest.raises(FormulaError, match=r"0\.0"):
        Graph(PRIMITIVES).add(expr)


def test_division_by_float_zero_is_infinite() -> None:
    graph = Graph(PRIMITIVES)
    assert graph.data[graph.add(1 / constant(0.0))] == inf


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (4, HALF.value, 2),
        (Fraction(4, 9), HALF.value, Fraction(2, 3)),
        (Fraction(8, 27), Fraction(-2, 3), Fraction(9, 4)),
        (10**40, Fraction(1, 2), 10**20),
        (2, HALF.value, None),
        (-8, Fraction(1, 3), None),
        (Fraction(4, 3), HALF.value, None),
    ],
)
def test_exact_root(base: Any, exponent: Fraction, expected: Any) -> None:
    got = exact_root(base, exponent)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [(2.0, 3, 8.0), (1e200, 2, inf), (-1e200, 3, -inf), (-1e200, 4, inf), (0.0, -2, inf)],
)
def test_powers_of_floats(base: float, exponent: int, expected: float) -> None:
    assert power_number(base, exponent) == expected


SPECIAL = (0.0, -0.0, 1.0, -2.5, inf, -inf, nan)


def naive(apply: Callable[[Any, Any], Any], a: float, b: float) -> float:
    with np.errstate(all="ignore"):
        return float(apply(np.float64(a), np.float64(b)))


HONEST: dict[str, Callable[[Any, Any], Any]] = {
    "difference": lambda a, b: a - a + b,
    "quotient": lambda a, b: a / a + b,
    "cancelled_factor": lambda a, b: a * b / a,
    "cube_over": lambda a, b: a * a * a / a,
    "times_zero": lambda a, b: 0.0 * a + b,
    "minus_twice": lambda a, b: (a + a) - (a + a) + b,
    "power_of_quotient": lambda a, b: (a / b) * (b / a),
    "quotient_of_products": lambda a, b: (a * b) / (a * b),
}


@pytest.mark.parametrize("name", HONEST)
def test_exact_graphs_keep_nan_and_infinity(name: str) -> None:
    apply: Any = HONEST[name]
    graph = Graph(PRIMITIVES, exact=True)
    node = graph.add(wrap(apply(x, y)))
    for a in SPECIAL:
        for b in (1.0, 0.0, inf):
            expected = naive(apply, a, b)
            got = in_float(graph, [node], {"x": a, "y": b})[0]
            same = got == expected or (isnan(got) and isnan(expected))
            assert same, f"{name} at ({a}, {b}): got {got}, expected {expected}"


@pytest.mark.parametrize("value", [-1.0, -inf])
def test_exact_graphs_keep_the_domain_of_a_root(value: float) -> None:
    graph = Graph(PRIMITIVES, exact=True)
    assert isnan(in_float(graph, [graph.add((x**HALF) ** 2)], {"x": value})[0])


def test_sums_keep_the_sign_of_zero() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(x + constant(-0.0))
    for value in (0.0, -0.0, 1.0):
        wanted = value + -0.0
        got = in_float(graph, [node], {"x": value})[0]
        assert (got, copysign(1, got)) == (wanted, copysign(1, wanted))


@pytest.mark.parametrize(
    "expr",
    [
        constant(10**400) + constant(0.5),
        constant(10**400) * constant(0.5),
        constant(0.5) * x * 10**400,
    ],
    ids=["sum", "product", "coefficient"],
)
def test_huge_integers_meet_floats(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    verify_graph(graph)
    assert in_float(graph, [node], {"x": 1.0}) == [inf]


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [(0.5, 10**400, 0.0), (-0.0, -3, -inf)],
    ids=["underflow", "minus_zero"],
)
def test_edges_of_powers_of_floats(base: float, exponent: int, expected: float) -> None:
    assert power_number(base, exponent) == expected


def test_root_of_exact_zero_in_a_denominator_is_refused() -> None:
    with pytest.raises(FormulaError, match=r"0\.0"):
        Graph(PRIMITIVES).add(constant(0) ** -HALF)


def test_small_coefficients_survive_powers() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add((1e-200 * x) ** 2)
    assert in_float(graph, [node], {"x": 1e200}) == [pytest.approx(1.0)]


SCRIPT = """
from symgrad.ir.text import write
from tests.expressions import CORPUS, random_case, tensor_of
for case in [*CORPUS[::4], random_case(3)]:
    system = case.system()
    nodes = [n for order in (1, 2) for n in tensor_of(system, order).nodes]
    print(case.name, nodes)
    print(write(system.graph))
"""


def test_nodes_do_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    texts = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(texts) == 1
    assert "sum" in texts.pop()


def test_limit_is_counted_in_bits() -> None:
    assert power_number(2, MAX_BITS // 2) == 2 ** (MAX_BITS // 2)


@pytest.mark.parametrize("size", [1e-200, 1.5e200])
def test_products_beyond_doubles_are_exact_until_something_undoes_them(size: float) -> None:
    beyond = multiply_numbers(size, size)
    assert beyond == Fraction(size) ** 2
    assert multiply_numbers(beyond, 1 / size) == pytest.approx(size, rel=1e-15)
    assert type(multiply_numbers(beyond, 1 / size)) is float
    assert multiply_numbers(size, inf) == inf
