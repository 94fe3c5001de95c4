"""PRIMITIVES, the whole table; ``math``: every function of it by name; ``trace``: Python -> Expr.

``f(sg.math, x)`` calls a plain Python function with Exprs in place of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.functions import elementary, piecewise, powers, reciprocal, special, stable, taylor
from symgrad.functions.compositions import ANY, COMPOSITIONS
from symgrad.ir.expression import Expr, named, symbol, wrap
from symgrad.ir.messages import shorten
from symgrad.ir.primitive import Primitive, table

PRIMITIVES = table(
    *(*elementary.ROWS, *powers.ROWS, *reciprocal.ROWS, *piecewise.ROWS, *stable.ROWS),
    *(*taylor.ROWS, *special.ROWS),
)


def apply(name: str, arguments: tuple[object, ...], rows: Mapping[str, Primitive]) -> Expr:
    """The Expr of the function ``name``: a composition where one has the name, else its row.

    Raises:
        UnknownFunctionError: neither table has the name.
        ArgumentError: the number of arguments is wrong.
    """
    exprs = tuple(wrap(argument) for argument in arguments)
    if name in COMPOSITIONS:
        arities, build = COMPOSITIONS[name]
        if len(exprs) not in arities and not (ANY in arities and exprs):
            raise ArgumentError(_wrong_count(name, arities, len(exprs)))
        return build(*exprs)
    row = rows.get(name)
    if row is None:
        raise UnknownFunctionError(f"{name!r} has no row in the function table")
    if len(exprs) != row.arity:
        raise ArgumentError(_wrong_count(name, (row.arity,), len(exprs)))
    return Expr(name, exprs)


def _wrong_count(name: str, arities: tuple[int, ...], given: int) -> str:
    count = "1 or more" if ANY in arities else " or ".join(map(str, arities))
    return f"{name} takes {count} argument(s), {given} given"


class Functions:
    """Functions over Exprs by name: ``math.sin(x)``, ``math.where(c, a, b)``, ``math.pi``.

    NumPy arrays are taken entry by entry and broadcast.
    """

    def __init__(self, rows: Mapping[str, Primitive]) -> None:
        self._rows = rows

    pi = named("pi")
    e = named("e")

    def __getattr__(self, name: str) -> partial[Any]:
        if name.startswith("_") or (name not in COMPOSITIONS and name not in self._rows):
            raise AttributeError(f"sg.math has no function {name!r}; see `symgrad functions`")
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any) -> Any:
        if not any(getattr(argument, "shape", ()) for argument in arguments):
            return apply(name, arguments, self._rows)
        from numpy import frompyfunc  # noqa: PLC0415 - an argument is its array, so it is loaded

        return frompyfunc(lambda *a: apply(name, a, self._rows), len(arguments), 1)(*arguments)

    def __dir__(self) -> list[str]:
        return sorted({*COMPOSITIONS, *filter(str.isidentifier, self._rows), "pi", "e"})


math = Functions(PRIMITIVES)


class Traced(NamedTuple):
    """What ``trace`` gives: ``compile(*traced, "hessian")`` takes both.

    Attributes:
        outputs: what the function returned, made of Exprs.
        inputs: its variables, flat, row-major, in the order of its arguments.
    """

    outputs: Any
    inputs: tuple[Expr, ...]


MAX_VARIABLES = 1_000_000
"""Variables of one trace."""


def trace(function: Callable[..., Any], inputs: object, *, math: Functions | None = None) -> Traced:
    """Call a Python function with expressions in place of numbers, and give what it returned.

    The function is called once and may use Python's operators, NumPy's functions, ``@``, loops
    and calls of its own. What depends on a value (``if x > 0``) cannot be seen: write
    ``numpy.where``, ``maximum``, ``clip`` or ``math.where``. Its variables are arrays of Exprs
    (``ir/traced_array.py``), whose comparisons are conditions, and so may be its result. ``==`` of
    two single Exprs asks whether they are written alike: write ``numpy.equal(q[0], q[1])``.

    Args:
        function: the function. It may return an expression, a sequence, an array or a dict.
        inputs: what it is called with:

            - a count or a shape: one array, with variables ``x0, x1, ...`` or ``x_0_0, ...``;
            - names in one string, ``"a b c"``: an expression for each;
            - a dict name -> count or shape, () for an expression: an array for each.
        math: functions by name to call it with as its first argument: ``symgrad.math``, in whose
            place the same function may be given Python's math, numpy, jax.numpy or torch.

    Returns:
        A pair ``(outputs, inputs)``, which compile, grad, jacobian and hessian take starred.

    Raises:
        ArgumentError: ``inputs`` names or counts nothing, or the function returned nothing.

    Example:
        >>> def energy(m, q, k):
        ...     return k * m.sin(q[0] - q[1]) ** 2
        >>> outputs, inputs = trace(energy, {"q": 2, "k": ()}, math=math)
        >>> inputs
        (q0, q1, k)
        >>> outputs
        k*sin(q0 + (-1)*q1)**2
    """
    if not callable(function):
        raise ArgumentError(
            f"trace() is given {shorten(repr(function))}, which cannot be called; give a function"
        )
    arguments: list[Any] = []
    flat: list[Expr] = []
    for name, shape in _shapes(inputs):
        made = list(_entries(name, shape))
        flat.extend(made)
        arguments.append(_array(made, shape) if shape else made[0])
    if not flat:
        raise ArgumentError(f"trace(function, {inputs!r}) has no variables; give at least one")
    outputs = function(*arguments) if math is None else function(math, *arguments)
    if outputs is None:
        title = getattr(function, "__name__", "the function")
        raise ArgumentError(f"{title} returned None while it was traced; return its expressions")
    return Traced(list(outputs) if isinstance(outputs, Iterator) else outputs, tuple(flat))


def _shapes(inputs: object) -> list[tuple[str, tuple[int, ...]]]:
    """The name and the shape of each argument of a traced function."""
    if isinstance(inputs, str):
        return [(word, ()) for word in inputs.replace(",", " ").split()]
    named_shapes = inputs if isinstance(inputs, Mapping) else {"x": inputs}
    found = []
    for name, given in named_shapes.items():
        shape = given if isinstance(given, tuple) else (given,)
        counts = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape)
        if not isinstance(name, str) or not counts or prod(shape) > MAX_VARIABLES:
            raise ArgumentError(
                f"trace() is given the inputs {shorten(repr(inputs))}; give a count or a shape, "
                'names such as "a b c", or a dict such as {"q": 3, "m": (2, 2), "t": ()}'
            )
        found.append((name, shape))
    return found


def _entries(name: str, shape: tuple[int, ...]) -> Iterator[Expr]:
    """The variables of an argument, row-major: ``q0, q1`` or ``m_0_0, m_0_1``."""
    if len(shape) == 1:
        yield from (symbol(f"{name}{i}") for i in range(shape[0]))
        return
    for index in product(*map(range, shape)):
        yield symbol("_".join([name, *map(str, index)]))


def _array(entries: list[Expr], shape: tuple[int, ...]) -> Any:
    """The Exprs as an array for NumPy's functions."""
    from symgrad.ir.traced_array import traced  # noqa: PLC0415 - NumPy, which takes a while

    return traced(entries).reshape(shape)
