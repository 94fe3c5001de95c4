"""SymPy functions for rows that SymPy has no function for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import sympy

from symgrad.functions import PRIMITIVES


def derivative_of(name: str, function: Callable[[Any], Any]) -> Any:
    """A SymPy function of (n, x): the n-th derivative of ``function``, written out for whole n."""

    def evaluated(cls: Any, n: Any, x: Any) -> Any:
        if not (n.is_Integer and n >= 0):
            return None
        variable = sympy.Dummy()
        return function(variable).diff((variable, n)).subs(variable, x)

    return type(name, (sympy.Function,), {"eval": classmethod(evaluated), "nargs": 2})


def by_oracle(name: str) -> Any:
    """A SymPy function with the value of a row that SymPy has no function for."""

    def evaluated(self: Any, precision: int) -> Any:
        oracle = PRIMITIVES[name].oracle
        with mpmath.workprec(precision):
            given = [argument._to_mpmath(precision, allow_ints=False) for argument in self.args]
            if oracle is None or any(not isinstance(value, mpmath.mpf) for value in given):
                return None
            return sympy.Float._new(oracle(mpmath, *given)._mpf_, precision)

    arity = PRIMITIVES[name].arity
    return type(name, (sympy.Function,), {"_eval_evalf": evaluated, "nargs": arity})


def sum_over_orders(name: str, function: Any, rate: Callable[[Any], Any] | None = None) -> Any:
    """A SymPy function of (k, n, x): the k-th derivative of a Bessel function (NIST DLMF 10.29.5).

    With ``rate`` that of exp(rate) times it, where rate is x, or -x on one side of 0.
    """

    def evaluated(cls: Any, k: Any, n: Any, x: Any) -> Any:
        if not (k.is_Integer and k >= 0):
            return None
        turn = -1 if function is sympy.besselk else 1
        sign = -1 if function in (sympy.besselj, sympy.bessely) else 1
        stride, scale = 2, sympy.Integer(1)
        if rate is not None:
            stride, scale = 1, sympy.exp(rate(x))
            sign = -1 if turn < 0 else -sympy.sign(x)
        last = 2 * k // stride
        terms = [
            sign**j * sympy.binomial(last, j) * function(n - k + stride * j, x)
            for j in range(last + 1)
        ]
        return turn**k * scale * sympy.Add(*terms) / 2**k

    return type(name, (sympy.Function,), {"eval": classmethod(evaluated), "nargs": 3})


def hyper(upper: int) -> Any:
    """SymPy's hyper of the parameters one after the other, the first so many above."""
    return lambda *a: sympy.hyper(a[:upper], a[upper:-1], a[-1])
