"""The fused multiply-add ``a*b + c``, rounded once, on NumPy arrays that have no such instruction.

S. Boldo, G. Melquiond: Emulation of a FMA and correctly rounded sums, IEEE Transactions on
Computers 57 (2008): the exact product and the exact sums, the last rounding to odd before the
final one to nearest. The product is Dekker's, on mantissas, so that nothing overflows on the way.
"""

from __future__ import annotations

from typing import Any

SPLITTER = 134217729.0
"""2**27 + 1: T. J. Dekker, A floating-point technique for extending the available precision."""

LEAST = 5e-324
SMALL, LARGE, LARGEST = 2.0**-960, 2.0**499, 2.0**990
"""No factor beyond ``LARGE``, no product below ``SMALL`` and no addend beyond ``LARGEST``: nothing
overflows, and the product's rest is a double."""


def fused(a: Any, b: Any, c: Any) -> Any:
    """``a*b + c`` in float64, rounded once; a result below the normal numbers may round twice.

    Example:
        >>> float(fused(1 + 2.0**-30, 1 - 2.0**-30, -1.0)) == -(2.0**-60)
        True
    """
    import numpy as np  # noqa: PLC0415 - the package itself imports without NumPy

    a, b, c = (np.asarray(value, float) for value in (a, b, c))
    with np.errstate(all="ignore"):
        product = a * b
        plain = product + c
        made = _rounded(a, b, product, c)
        ordinary = np.maximum(np.abs(a), np.abs(b)) < LARGE
        ordinary = ordinary & (np.abs(c) < LARGEST) & (np.abs(product) > SMALL)
        # An exact zero has the sign that rounding twice gives it as well.
        made = np.where(ordinary & (made != 0), made, plain)
        if not ordinary.all():
            a, b, c = np.broadcast_arrays(a, b, c)
            factors = np.isfinite(a) & np.isfinite(b)
            # A product beyond all doubles is finite still beside an infinity.
            made = np.where(factors & ~np.isfinite(c), c, made)
            rest = ~ordinary & factors & np.isfinite(c) & (a != 0) & (b != 0)
            if rest.any():
                made[rest] = _of_any_size(a[rest], b[rest], c[rest])
    return made[()]


def _of_any_size(a: Any, b: Any, c: Any) -> Any:
    """``fused`` of finite numbers, by their mantissas."""
    import numpy as np  # noqa: PLC0415 - as above

    (x, i), (y, j) = np.frexp(a), np.frexp(b)
    exponent = i + j
    # Beside a product that is much larger or smaller, only the sign of the rest matters.
    addend = np.ldexp(c, np.clip(-exponent, -2000, 1000))
    addend = np.where((addend == 0) & (c != 0), np.copysign(LEAST, c), addend)
    exact = np.ldexp(_rounded(x, y, x * y, addend), exponent)
    return np.where((exponent < -1000) | ~np.isfinite(addend), a * b + c, exact)


def _rounded(a: Any, b: Any, product: Any, c: Any) -> Any:
    """``a*b + c`` rounded once, where ``product`` is ``a*b`` rounded."""
    low = _rest(a, b, product)
    t_high, t_low = _sum(c, low)
    v_high, v_low = _sum(product, t_high)
    return v_high + _to_odd(t_low, v_low)


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _rest(a: Any, b: Any, product: Any) -> Any:
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Any) -> tuple[Any, Any]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def _to_odd(a: Any, b: Any) -> Any:
    """``a + b``: where it is no double, that neighbour whose last bit is 1."""
    import numpy as np  # noqa: PLC0415 - as above

    total, rest = _sum(a, b)
    bits = np.asarray(total).view(np.int64)
    inexact = rest != 0
    beyond = inexact & ((rest > 0) != (total > 0))
    return (bits - beyond | inexact).view(np.float64)
