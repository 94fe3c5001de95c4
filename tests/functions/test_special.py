"""Special rows: values at the tails, symmetries, derivatives of high order."""

from __future__ import annotations

import mpmath
import pytest

from symgrad.functions import PRIMITIVES, math, special
from symgrad.ir.expression import variables
from tests.expressions import close, in_float, in_mpmath, system_of, tensor_of

x = variables("x")


def test_every_row_is_in_the_table_and_names_its_source() -> None:
    for row in special.ROWS:
        assert PRIMITIVES[row.name] is row
        assert "DLMF" in row.source


@pytest.mark.parametrize("value", [-6.0, -1.0, 0.0, 0.5, 3.0, 10.0, 26.0])
def test_error_functions_are_complements(value: float, digits: int) -> None:
    system = system_of(math.erf(x) + math.erfc(x), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": value})
    assert close(got, 1, 1e-45)


@pytest.mark.parametrize("value", [3.0, 10.0, 26.0])
def test_tails_keep_their_digits(value: float, digits: int) -> None:
    system = system_of(math.erfc(x), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": value})
    expected = mpmath.erfc(value)
    assert abs(got / expected - 1) < 1e-14


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_derivatives_are_hermite_functions(order: int, digits: int) -> None:
    """The n-th derivative of erf has a Hermite polynomial: NIST DLMF 7.10.1."""
    system = system_of([math.erf(x), math.erfc(x)], ("x",))
    got = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": 0.625})
    a = mpmath.mpf("0.625")
    gauss = 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-a * a)
    expected = (-1) ** (order - 1) * mpmath.hermite(order - 1, a) * gauss
    assert close(got[0], expected, 1e-40)
    assert close(got[1], -expected, 1e-40)
