"""spline(): tables that are interpolated by piecewise polynomials, in one or two variables.

A spline is a handful of rows: one finds the interval of a point, one looks coefficients up, and
composites evaluate the polynomial and its derivatives, so that a value and its derivatives share
one search and one set of coefficients. Intervals belong to the knot at their beginning; the last
knot has a polynomial of its own, which goes on to infinity, so that every knot is met exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import factorial
from typing import TYPE_CHECKING, Any

from symgrad.errors import ArgumentError, LimitError
from symgrad.functions.elementary import equal, select
from symgrad.functions.spline_slopes import ends_of, slopes
from symgrad.functions.user import UserFunction, check_function_name
from symgrad.ir.expression import Expr, constant, wrap
from symgrad.ir.primitive import Primitive, row_arguments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

KINDS = ("cubic", "pchip", "linear")
EXTRAPOLATIONS = ("polynomial", "nan", "clamp")

EVEN = 0.1
"""Knots that lie within this part of a step of an even grid are found by a division."""

ORDERS = 4
"""Coefficients of a cubic polynomial; the derivative of this order is exactly 0."""

MAX_COEFFICIENTS = 2**20
"""Of one spline: 260,000 knots, or a grid of 256 x 256."""

NAN = float("nan")


def spline(
    name: str,
    x: Any,
    y: Any,
    *,
    kind: str = "cubic",
    bc_type: Any = "not-a-knot",
    extrapolate: str | bool = "polynomial",
) -> UserFunction:
    """Make a function that interpolates a table, for ``functions=`` of compile.

    In one variable it is the piecewise polynomial of SciPy's CubicSpline, PchipInterpolator or of
    straight lines. In two variables it is the tensor product of such splines on a grid; with
    "cubic" and "not-a-knot" ends that is SciPy's RectBivariateSpline. Derivatives are those of the
    polynomials, to every order; those that jump at a knot belong to the interval after it.

    Args:
        name: of the function, in formulas.
        x: the knots, n increasing numbers; for two variables a pair, of n and of m numbers.
        y: the values there, of shape (n,) or (n, m).
        kind: "cubic" (twice continuously differentiable), "pchip" (once; no overshoot between
            the knots) or "linear".
        bc_type: ends of a cubic spline, as SciPy names them: "not-a-knot", "natural" or
            "clamped", or in one variable a pair of these or of (order, value), one for each end.
        extrapolate: beyond the knots: "polynomial" (True; the last polynomial goes on), "nan"
            (False) or "clamp" (the value at the end).

    Returns:
        A function of one or two expressions.

    Raises:
        ArgumentError: the table cannot be interpolated.
        LimitError: the table is too large for code.

    Example:
        >>> from symgrad import compile
        >>> parabola = spline("p", [0, 1, 2, 3], [0, 1, 4, 9])
        >>> fn = compile("p(x)", "x", ["value", "gradient"], functions=parabola)
        >>> value, gradient = fn(2.5)
        >>> float(value), float(gradient[0])
        (6.25, 5.0)

    Source: C. de Boor, A Practical Guide to Splines (1978), chapter IV; F. N. Fritsch, J. Butland,
    A method for constructing local monotone piecewise cubic interpolants (1984).
    """
    import numpy as np  # noqa: PLC0415 - the package itself imports without NumPy

    check_function_name(name)
    if kind not in KINDS:
        raise ArgumentError(
            f"kind={kind!r} of the spline {name!r} is not one of {', '.join(KINDS)}"
        )
    beyond = str(extrapolate)
    if isinstance(extrapolate, bool):
        beyond = "polynomial" if extrapolate else "nan"
    if beyond not in EXTRAPOLATIONS:
        raise ArgumentError(
            f"extrapolate={extrapolate!r} of the spline {name!r} is not one of "
            f"{', '.join(EXTRAPOLATIONS)}"
        )
    values = _numbers(y, name)
    axes = [x] if values.ndim == 1 else list(x)
    if values.ndim not in (1, 2) or len(axes) != values.ndim:
        raise ArgumentError(
            f"the spline {name!r} has values of shape {values.shape}; give n knots and n values, "
            "or a pair of n and m knots and values of shape (n, m)"
        )
    knots = [
        _knots(_numbers(axis, name), n, name) for axis, n in zip(axes, values.shape, strict=True)
    ]
    size = values.size * ORDERS**values.ndim
    if size > MAX_COEFFICIENTS:
        raise LimitError(
            f"the spline {name!r} has {size} coefficients, {MAX_COEFFICIENTS} is the limit, as "
            "they become part of the code; use fewer knots"
        )
    if not np.isfinite(values).all():
        raise ArgumentError(f"the values of the spline {name!r} are not all finite")
    coefficients = values
    for axis, points in enumerate(knots):
        ends = ends_of(bc_type, name, alone=len(knots) == 1)
        made = _coefficients(points, np.moveaxis(coefficients, axis, 0), kind, ends)
        coefficients = np.moveaxis(made, [0, 1], [axis, -1])
    table = tuple(coefficients.reshape(-1).tolist())
    lines = [tuple(points.tolist()) for points in knots]
    return UserFunction(name, len(knots), lambda: _rows(name, lines, table, kind, beyond))


def _numbers(given: object, name: str) -> Array:
    import numpy as np  # noqa: PLC0415

    try:
        return np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"the spline {name!r} takes arrays of real numbers: {error}") from None


def _knots(points: Array, count: int, name: str) -> Array:
    import numpy as np  # noqa: PLC0415

    if points.ndim != 1 or len(points) != count or count < 2:
        raise ArgumentError(
            f"the spline {name!r} has knots of shape {points.shape} for {count} values along that "
            "axis; give as many knots as values, two or more"
        )
    if not np.isfinite(points).all() or not (np.diff(points) > 0).all():
        raise ArgumentError(f"the knots of the spline {name!r} do not increase, or are not finite")
    return points


def _coefficients(x: Array, y: Array, kind: str, ends: Any) -> Array:
    """The polynomial about every knot: shape (n, 4, ...) of values of shape (n, ...)."""
    import numpy as np  # noqa: PLC0415

    step = np.diff(x).reshape(-1, *[1] * (y.ndim - 1))
    chord = np.diff(y, axis=0) / step
    made = np.zeros((len(x), ORDERS, *y.shape[1:]))
    made[:, 0] = y
    if kind == "linear":
        made[:-1, 1] = chord
        made[-1, 1] = chord[-1]
        return made
    slope = slopes(step, y, chord, kind, ends)
    bend = (slope[:-1] + slope[1:] - 2 * chord) / step
    made[:, 1] = slope
    made[:-1, 2] = (chord - slope[:-1]) / step - bend
    made[:-1, 3] = bend / step
    made[-1, 2] = made[-2, 2] + 3 * made[-2, 3] * step[-1]
    made[-1, 3] = made[-2, 3]
    return made


def _rows(
    name: str, knots: Sequence[tuple[float, ...]], table: tuple[float, ...], kind: str, beyond: str
) -> tuple[Primitive, ...]:
    """All rows of a spline: it and its derivatives, the knots, the search, the coefficients."""
    arity = len(knots)
    top = 1 if kind == "linear" else ORDERS - 1
    orders = list(product(range(top + 1), repeat=arity))
    axes = "xy"[:arity]
    rows = []
    for order in orders:
        body = _derivative(name, knots, order, beyond)
        above = [tuple(n + (i == axis) for i, n in enumerate(order)) for axis in range(arity)]
        arguments = row_arguments(arity)
        zero, partials = constant(0), []
        for following in above:
            known = max(following) <= top
            partials.append(Expr(_order_name(name, following), arguments) if known else zero)
        rows.append(_row(_order_name(name, order), tuple(partials), expansion=body))
    for axis, points in zip(axes, knots, strict=True):
        rows.append(_lookup_row(f"{name}__{axis}", points))
        rows.append(
            _row(
                f"{name}__interval_{axis}",
                (constant(0),),
                definition=_search(points),
                cost=20 if _even(points) else 8 * len(points).bit_length(),
                ulp=0.0,
            )
        )
    rows.append(_lookup_row(f"{name}__table", table))
    return tuple(rows)


def _row(name: str, partials: tuple[Expr, ...], **parts: Any) -> Primitive:
    arity = len(partials)
    kind: Any = "routine" if "definition" in parts else "composite"
    parts = {"expansion": None, "cost": 20, **parts}
    return Primitive(
        name=name, arity=arity, partials=partials, kind=kind, domain=((0.0, 1.0),) * arity, **parts
    )


def _lookup_row(name: str, values: tuple[float, ...]) -> Primitive:
    """The row of a constant table: the value at a place that is counted from 0."""
    # Rounded, so that an index with an error of its own cannot miss its place.
    parts: dict[str, Any] = {"definition": lambda m, i: m.lookup(values, m.rint(i))}
    return _row(name, (constant(0),), cost=6, ulp=0.0, **parts)


def _order_name(name: str, order: Sequence[int]) -> str:
    return f"{name}__{''.join(map(str, order))}" if any(order) else name


def _derivative(
    name: str, knots: Sequence[tuple[float, ...]], order: Sequence[int], beyond: str
) -> Expr:
    """A derivative of the spline as an expansion in ``a0, a1``: the polynomial of the interval."""
    offsets, place = [], constant(0)
    outside: Expr | None = None
    for axis, points, given in zip("xy", knots, row_arguments(len(knots)), strict=False):
        x, low, high = given, wrap(points[0]), wrap(points[-1])
        if beyond != "polynomial":
            apart = (given < low) | (given > high)
            outside = apart if outside is None else outside | apart
        if beyond == "clamp":
            x = select(given < low, low, select(given > high, high, given))
        interval = Expr(f"{name}__interval_{axis}", (x,))
        offsets.append(x - Expr(f"{name}__{axis}", (interval,)))
        place = interval if axis == "x" else place * len(points) + interval
    count = ORDERS ** len(knots)

    def coefficient(number: int) -> Expr:
        return Expr(f"{name}__table", (count * place + number,))

    value = _polynomial(offsets, order, coefficient)
    if max(order) == ORDERS - 1 or beyond == "nan":
        # The highest derivative is constant between the knots, and must be nan of nan.
        for given in row_arguments(len(knots)):
            value = select(equal(given, given), value, NAN)
    if outside is None:
        return value
    if beyond == "nan":
        return select(outside, NAN, value)
    return _clamped(value, order, knots) if any(order) else value


def _clamped(value: Expr, order: Sequence[int], knots: Sequence[tuple[float, ...]]) -> Expr:
    """``value``, but 0 beyond the ends of every axis that is differentiated by.

    A spline that keeps the value at its ends is constant there.
    """
    for given, points, n in zip(row_arguments(len(knots)), knots, order, strict=True):
        if n:
            value = select((given < points[0]) | (given > points[-1]), 0, value)
    return value


def _polynomial(
    offsets: Sequence[Expr], order: Sequence[int], coefficient: Callable[[int], Expr]
) -> Expr:
    """The derivative of the polynomial by Horner's rule, one variable inside the other."""
    (first, *rest), (by, *others) = offsets, order
    total: Expr | None = None
    for power in range(ORDERS - 1, by - 1, -1):
        if rest:
            start = power * ORDERS

            def inner(number: int, start: int = start) -> Expr:
                return coefficient(start + number)

            term = _polynomial(rest, others, inner)
        else:
            term = coefficient(power)
        factor = factorial(power) // factorial(power - by)
        term = term if factor == 1 else factor * term
        total = term if total is None else term + first * total
    assert total is not None
    return total


def _even(points: Sequence[float]) -> bool:
    step = (points[-1] - points[0]) / (len(points) - 1)
    return all(abs(p - points[0] - i * step) <= EVEN * step for i, p in enumerate(points))


def _search(points: tuple[float, ...]) -> Callable[..., Any]:
    """The definition of the search for the interval: the number of the last knot at or below x.

    On an even grid a division finds it, or a neighbour of it, which two comparisons tell; on
    other grids bisection does, without branches. Left of all knots it is the first interval.
    """
    last = len(points) - 1

    def even(m: Any, x: Expr) -> Any:
        guess = m.floor((x - points[0]) * (last / (points[-1] - points[0])))
        guess = m.where(x < m.lookup(points, guess), guess - 1, guess)
        guess = m.where(x >= m.lookup(points, guess + 1), guess + 1, guess)
        return within(m, guess)

    def halving(m: Any, x: Expr) -> Any:
        place = wrap(0.0)
        step = 1 << (last.bit_length() - 1)
        while step:
            beyond = wrap(float(step)) if place.op == "constant" else place + step
            place = m.where(x >= m.lookup(points, beyond), beyond, place)
            step >>= 1
        return m.where(place > last, float(last), place)

    def within(m: Any, place: Any) -> Any:
        return m.where(place < 0, 0.0, m.where(place > last, float(last), place))

    return even if _even(points) else halving
