"""Powers with a variable exponent: digits that rounding an exponent costs, and kinks."""

from __future__ import annotations

from math import inf, log

import mpmath
import pytest

from symgrad.functions import PRIMITIVES, math, powers
from symgrad.ir.expression import variables
from symgrad.ir.traverse import reachable
from symgrad.simplify.rewrite import simplify
from tests.expressions import gradient_at, in_float, in_mpmath, system_of, tensor_of

a, b = variables("a b")
NAMES = ("pow", "abs_pow", "sign_pow")


def test_every_row_is_in_the_table() -> None:
    for row in powers.ROWS:
        assert PRIMITIVES[row.name] is row
        assert row.name.startswith(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        (1e-30, -1.834),
        (3e25, 0.1),
        (2.5e-50, -0.3),
        (0.7, 2.3),
        (1 + 2.0**-44, 3.1e15),
        (1e30, 1.7),
    ],
)
def test_rounding_the_exponent_costs_no_digits(name: str, base: float, exponent: float) -> None:
    """Of b - 1 and so on, to a few ulp, where log(a) is large or b is; to b - 5 by the base."""
    system = system_of(getattr(math, name)(a, b), ("a", "b"))
    nodes = [tensor_of(system, k).nodes[0] for k in (3, 4, 5)]
    nodes += [*tensor_of(system, 1).nodes, *tensor_of(system, 2).nodes]
    with mpmath.workdps(50):
        expected = in_mpmath(system.graph, nodes, {"a": base, "b": exponent})
    got = in_float(system.graph, nodes, {"a": base, "b": exponent})
    for one, exact in zip(got, expected, strict=True):
        assert abs(one - exact) <= 6 * 2.0**-52 * abs(exact), (one, float(exact))


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.0, 2.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, 0.0)), ((0.0, 0.0), (0.0, 0.0)),
        ((0.0, 0.25), (inf, 0.0)), ((0.0, -1.0), (-inf, -inf)), ((inf, 0.25), (0.0, inf)),
        ((2.0, 3.0), (12.0, 8 * log(2))),
    ],
)  # fmt: skip
def test_ends_of_pow(point: tuple[float, float], expected: tuple[float, float]) -> None:
    got = gradient_at(math.pow(a, b), dict(zip("ab", point, strict=True)))
    for one, right in zip(got, expected, strict=True):
        assert one == pytest.approx(right, rel=4e-16)


@pytest.mark.parametrize("exponent", [0.787, -0.635])
def test_a_number_as_exponent_costs_no_more_than_powers(exponent: float) -> None:
    """The derivatives of a^0.787 are multiples of a^-0.213, a^-1.213 and so on."""
    system = system_of(a**exponent, ("a",))
    orders = (1, 2, 3, 4)
    graph, tensors = simplify(
        system.graph, [tensor_of(system, k) for k in orders], "all", derived=True
    )
    ops = {graph.ops[node] for node in reachable(graph, [t.nodes[0] for t in tensors])}
    assert "pow" in ops
    assert not any(op.startswith("pow_") for op in ops)
    factor = 1.0
    for tensor, k in zip(tensors, orders, strict=True):
        factor *= exponent - k + 1
        (got,) = in_float(graph, tensor.nodes, {"a": 1.7})
        assert got == pytest.approx(factor * 1.7 ** (exponent - k), rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_whole_exponents_have_every_derivative(name: str) -> None:
    """The count b (b - 1) ... before a power vanishes there, its derivative by b does not."""
    power = getattr(math, name)(a + b, b)
    system = system_of(power, ("a", "b"))
    for order in (2, 3, 4):
        nodes = tensor_of(system, order).nodes
        for base, exponent in [(0.5, 0.0), (1.5, 1.0), (0.25, 2.0), (3.0, -1.0), (0.5, 3.0)]:
            got = in_float(system.graph, nodes, {"a": base, "b": exponent})
            with mpmath.workdps(40):
                for place, one in enumerate(got):
                    times = place.bit_count()
                    exact = mpmath.diff(
                        lambda x, y: (x + y) ** y, (base, exponent), (order - times, times)
                    )
                    assert one == pytest.approx(float(exact), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [2, 3])
def test_whole_powers_next_to_0_have_derivatives(name: str, order: int) -> None:
    """The count vanishes there, and the power that it multiplies overflows."""
    system = system_of(getattr(math, name)(a, b), ("a", "b"))
    by_base = tensor_of(system, order).nodes[0]
    for exponent in (0.0, 1.0):
        (got,) = in_float(system.graph, (by_base,), {"a": 1e-200, "b": exponent})
        assert got == 0
