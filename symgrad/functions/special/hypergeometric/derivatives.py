"""Rows of the derivatives of hypergeometric functions by their parameters and by z.

The first arguments are whole numbers: how often by each parameter, and by z. The series is used as
it stands, so that a derivative by a parameter adds 1 to one of them, and one by z to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import INF, NAN
from symgrad.functions.special.hypergeometric.moved import (
    exact_moved,
    gauss_moved,
    kummer_moved,
)
from symgrad.functions.special.hypergeometric.series import derivative, exact_derivative
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define, no_closed_form


def taking(count: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that says to take ``count`` arguments, where it is written for any number."""

    def called(*arguments: Any) -> Any:
        return function(*arguments)

    kind = Parameter.POSITIONAL_ONLY
    called.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(f"a{i}", kind) for i in range(count)]
    )
    return called


DIRECT_KUMMER, DIRECT_GAUSS = -18.0, -0.875
"""From here on the series serves for derivatives: what its terms cancel is less than 2^-52 of them.

Below, derivatives are those of the transformed function (``moved.py``)."""

MOVED: dict[str, tuple[float, Callable[..., Any]]] = {
    "hyp1f1": (DIRECT_KUMMER, kummer_moved),
    "hyp2f1": (DIRECT_GAUSS, gauss_moved),
}
"""Where series are transformed: below which z, and (m, orders, parameters and z) -> derivatives."""


def derivative_row(name: str, upper: int, domain: Sequence[tuple[float, float]]) -> Primitive:
    """The row of the derivatives of the function ``name``, with ``upper`` parameters above.

    Args:
        name: the function.
        upper: how many of its parameters stand above.
        domain: where tests sample it.
    """
    count = len(domain) - 1
    leading = count + 1

    def split(arguments: Sequence[Any]) -> tuple[Any, ...]:
        parameters = arguments[leading:-1]
        return arguments[:leading], parameters[:upper], parameters[upper:], arguments[-1]

    def definition(m: Any, *arguments: Any) -> Any:
        orders, above, below, z = split(arguments)
        inside = m.abs(z) < (INF if 2 * upper <= count else 1.0)
        edge, moved = MOVED.get(name, (-INF, None))
        left = z < edge
        direct = derivative(m, orders, above, below, m.where(inside & ~left, z, 0.0))
        value = m.where(inside, direct, NAN)
        if moved is None:
            return value
        return m.where(left, moved(m, orders, *above, *below, m.where(left, z, 0.0)), value)

    def oracle(mp: Any, *arguments: Any) -> Any:
        if not all(mp.isfinite(value) for value in arguments):
            return mp.nan
        orders, above, below, z = split(arguments)
        if name in MOVED and z < -0.5:
            return exact_moved(mp, orders, above, below, z)
        return exact_derivative(mp, orders, above, below, z)

    def by(index: int) -> Callable[..., Expr]:
        def partial(y: Any, *arguments: Any) -> Expr:
            raised = list(arguments)
            raised[index] = raised[index] + 1
            return call(f"{name}_derivative", *raised)

        return taking(2 * leading + 1, partial)

    by_order = no_closed_form("how often a hypergeometric function is differentiated")
    z_low, z_high = domain[-1]
    return define(
        f"{name}_derivative", *[by_order] * leading, *[by(index) for index in range(leading)],
        domain=((0, 2),) * leading + (*domain[:-1], (0.5 * z_low, 0.5 * z_high)), kind="routine",
        definition=taking(2 * leading + 1, definition), oracle=oracle, cost=4000, ulp=8.0,
        whole=tuple(range(leading)), names=Names(), source="NIST DLMF 16.2.1",
    )  # fmt: skip
