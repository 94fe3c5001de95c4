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


def fused(a: Any, b: Any, c: Any) -> Any:
    """``a*b + c`` in float64, rounded once; a result below the normal numbers may round twice.

    Example:
        >>> float(fused(1 + 2.0**-30, 1 - 2.0**-30, -1.0)) == -(2.0**-60)
        True
    """
    import numpy as np  # noqa: PLC0415 - the package itself imports without NumPy

    a, b, c = np.broadcast_arrays(*(np.asarray(value, float) for value in (a, b, c)))
    with np.errstate(all="ignore"):
        plain = a * b + c
        special = ~(np.isfinite(a) & np.isfinite(b) & np.isfinite(c)) | (a == 0) | (b == 0)
        (x, i), (y, j) = np.frexp(np.where(special, 1.0, a)), np.frexp(np.where(special, 1.0, b))
        exponent = i + j
        # Beside a product that is much larger or smaller, only the sign of the rest matters.
        addend = np.ldexp(np.where(special, 0.0, c), np.clip(-exponent, -2000, 1000))
        addend = np.where((addend == 0) & (c != 0), np.copysign(LEAST, c), addend)
        high, low = _product(x, y)
        t_high, t_low = _sum(addend, low)
        v_high, v_low = _sum(high, t_high)
        exact = np.ldexp(v_high + _to_odd(t_low, v_low), exponent)
        outgrown = (exponent < -1000) | ~np.isfinite(addend)
        return np.where(special | outgrown, plain, exact)[()]


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    p = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Any) -> tuple[Any, Any]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def _to_odd(a: Any, b: Any) -> Any:
    """``a + b``: where it is no double, that neighbour whose last bit is 1."""
    import numpy as np  # noqa: PLC0415 - as above

    total, rest = _sum(a, b)
    bits = np.ascontiguousarray(total).view(np.int64)
    towards = np.where((rest > 0) == (total > 0), 1, -1)
    odd = np.where((rest != 0) & (bits % 2 == 0), bits + towards, bits)
    return odd.view(np.float64).reshape(np.shape(total))
