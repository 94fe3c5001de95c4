"""Rows of the special functions."""

from __future__ import annotations

from symgrad.functions.elementary import PI, call
from symgrad.ir.expression import HALF
from symgrad.ir.primitive import define

TWO_OVER_ROOT_PI = 2 / PI**HALF

# fmt: off
# d erf(x)/dx = 2 exp(-x^2)/sqrt(pi): NIST DLMF 7.2.1, 7.2.2.
erf  = define("erf",  lambda y, x: TWO_OVER_ROOT_PI * call("exp", -x * x),  domain=(-2, 2),
              parity="odd", folds={0: 0}, cost=20, source="NIST DLMF 7.2.1")
erfc = define("erfc", lambda y, x: -TWO_OVER_ROOT_PI * call("exp", -x * x), domain=(-2, 2),
              folds={0: 1}, cost=25, source="NIST DLMF 7.2.2")
# fmt: on

ROWS = (erf, erfc)
