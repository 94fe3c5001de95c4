"""The function table: PRIMITIVES, one row per function, and the names that stand for others.

To add a function, add one row in ``elementary.py``, ``piecewise.py`` or ``special/``: the parsers,
differentiation, every target, the oracles and the tests all read it from there.
"""

from symgrad.functions.compositions import COMPOSITIONS
from symgrad.functions.tracing import PRIMITIVES, Functions, math

__all__ = ["COMPOSITIONS", "PRIMITIVES", "Functions", "math"]
