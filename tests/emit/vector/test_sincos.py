"""sin and cos: the pair, the polynomials, the splitting of pi/2."""

from __future__ import annotations

import mpmath
import pytest

from symgrad.emit.vector import sincos
from tests.emit.vector.arguments_trigonometric import (
    nearest_to_multiples_of_half_pi,
    trigonometric_points,
)
from tests.emit.vector.measured import compiled, same_bits

WIDTHS = (2, 4, 8, 16)


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_sincos_is_sin_and_cos(width: int, inline: bool) -> None:
    x = trigonometric_points()
    sines, cosines = compiled(sincos.sincos, width, results=2, inline=inline)(x)
    assert same_bits(sines, compiled(sincos.sin, width)(x)).all()
    assert same_bits(cosines, compiled(sincos.cos, width)(x)).all()


def test_nearest_points_are_really_near() -> None:
    # The hardest of them are within 2^-58 of a multiple of pi/2, where nothing may be lost.
    with mpmath.workdps(60):
        distances = [
            abs(mpmath.sin(2 * mpmath.mpf(value))) for value in nearest_to_multiples_of_half_pi()
        ]
        assert min(distances) < mpmath.mpf(2) ** -58


POLYNOMIALS = {
    # name: coefficients, largest |argument|, relative error of the whole function, stated bound
    "sin": (sincos.SIN_POLYNOMIAL, mpmath.pi / 4, 57.8,
            lambda r, p: (r + r**3 * p(r**2)) / mpmath.sin(r) - 1),
    "cos": (sincos.COS_POLYNOMIAL, mpmath.pi / 4, 63.8,
            lambda r, p: (1 - r**2 / 2 + r**4 * p(r**2)) / mpmath.cos(r) - 1),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_keep_their_stated_error(name: str) -> None:
    coefficients, end, bits, relative_error = POLYNOMIALS[name]
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(coefficients)]
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        worst = max(abs(relative_error(r, lambda t: mpmath.polyval(exact, t))) for r in points)
        assert worst < mpmath.mpf(2) ** -bits


def test_constants_are_the_nearest_splittings() -> None:
    with mpmath.workdps(60):
        half_pi = sum(map(mpmath.mpf, sincos.HALF_PI))
        assert abs(half_pi - mpmath.pi / 2) < mpmath.mpf(2) ** -141
    # The product that the reduction takes for exact.
    largest = int(sincos.SINCOS_LIMIT * sincos.TWO_OVER_PI) + 1
    assert float(int(sincos.HALF_PI[1] * 2.0**86) * largest) == (
        int(sincos.HALF_PI[1] * 2.0**86) * largest
    )
