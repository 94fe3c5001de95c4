"""exp and exp2: the polynomials, their coefficients anew, the splitting of ln 2."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
import pytest

from benchmarks.coefficients.exponential import FITS, polynomial
from symgrad.emit.vector import error, expm1, exponential, hyperbolic
from symgrad.emit.vector.exponential import EXP_POLYNOMIAL, LN2, LN2_PARTS

# The coefficients that the code has, and the bits of the error that stand beside them.
PRESENT: dict[tuple[str, str], tuple[Sequence[float], float]] = {
    ("exp", "float32"): (exponential.EXP_POLYNOMIALS["float32"], 28.2),
    ("exp2", "float64"): (exponential.EXP2_POLYNOMIALS["float64"], 57.7),
    ("exp2", "float32"): (exponential.EXP2_POLYNOMIALS["float32"], 28.3),
    ("expm1", "float64"): (expm1.POLYNOMIALS["float64"], 55.4),
    ("expm1", "float32"): (expm1.POLYNOMIALS["float32"], 31.3),
    ("sinh", "float64"): (hyperbolic.SINH_POLYNOMIALS["float64"], 61.6),
    ("sinh", "float32"): (hyperbolic.SINH_POLYNOMIALS["float32"], 26.1),
    ("cosh", "float64"): (hyperbolic.COSH_POLYNOMIALS["float64"], 57.3),
    ("cosh", "float32"): (hyperbolic.COSH_POLYNOMIALS["float32"], 33.2),
    ("tanh", "float64"): (hyperbolic.TANH_POLYNOMIALS["float64"], 61.6),
    ("tanh", "float32"): (hyperbolic.TANH_POLYNOMIALS["float32"], 31.1),
    ("erf", "float64"): (error.ERF_POLYNOMIALS["float64"], 55.9),
    ("erf", "float32"): (error.ERF_POLYNOMIALS["float32"], 27.1),
    ("tail", "float64"): (error.TAIL_POLYNOMIALS["float64"], 57.0),
    ("tail", "float32"): (error.TAIL_POLYNOMIALS["float32"], 28.2),
}


@pytest.mark.parametrize(("name", "dtype"), PRESENT)
def test_polynomials_keep_their_stated_errors(name: str, dtype: str) -> None:
    coefficients, bits = PRESENT[name, dtype]
    row = FITS[name]
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(coefficients)]
        low, high = row.ends()
        for place in range(1, 301):  # never 0, the middle
            x = low + (high - low) * place / 301
            value = row.head(x) + row.factor(x) * mpmath.polyval(exact, row.variable(x))
            scale = row.weight(x) if row.weight else 1 / abs(row.function(x))
            assert abs(value - row.function(x)) * scale < mpmath.mpf(2) ** -bits, (name, dtype, x)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("exp", "float32"), ("exp2", "float32"), ("expm1", "float64"), ("sinh", "float32"),
     ("cosh", "float64"), ("tanh", "float32"), ("erf", "float32"), ("tail", "float32")],
)  # fmt: skip
def test_polynomials_can_be_computed_anew(name: str, dtype: str) -> None:
    coefficients, _ = polynomial(name, dtype)
    assert tuple(coefficients) == tuple(PRESENT[name, dtype][0])


def test_the_polynomial_of_exp_in_float64_keeps_its_stated_error() -> None:
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(EXP_POLYNOMIAL)]
        end = mpmath.log(2) / 2
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        errors = [(1 + r + r**2 * mpmath.polyval(exact, r)) / mpmath.exp(r) - 1 for r in points]
        assert max(map(abs, errors)) < mpmath.mpf(2) ** -57.1


def test_ln_2_is_split_as_near_as_can_be() -> None:
    with mpmath.workdps(60):
        assert abs(sum(map(mpmath.mpf, LN2)) - mpmath.log(2)) < mpmath.mpf(2) ** -108
        short = LN2_PARTS["float32"]
        assert abs(sum(map(mpmath.mpf, short)) - mpmath.log(2)) < mpmath.mpf(2) ** -53
        assert all((mpmath.frexp(part)[0] * 2**24) % 1 == 0 for part in map(mpmath.mpf, short))
