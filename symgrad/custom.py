"""function(): a user's own function, as a formula, a definition or a Python function for numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from symgrad.errors import ArgumentError
from symgrad.functions.user import UserFunction, check_function_name, count_arguments, make_row
from symgrad.ir.expression import Expr
from symgrad.runtime import callbacks

Partial = Callable[..., Expr | int]


def function(
    name: str,
    *,
    partials: Partial | Sequence[Partial | None] | None = None,
    expansion: Callable[..., Any] | None = None,
    definition: Callable[..., Any] | None = None,
    numba: Callable[..., float] | None = None,
    arity: int | None = None,
    cost: int | None = None,
    ulp: float = 4.0,
) -> UserFunction:
    """Make a function of one's own, for ``functions=`` of compile.

    What it computes is given in one of three ways:

    - ``expansion(*arguments)``, a formula in other functions. Without partials it stands for its
      formula and is differentiated as that.
    - ``definition(m, *arguments)``, traced once and then computed exactly as it is written,
      nothing simplified: ``m`` has every function by name, ``m.where(condition, a, b)``,
      ``m.loop(step, start, most)`` with ``step(k, *states) -> (going, *states)``, and
      ``m.lookup(table, index)``. It works in every kernel and in every source.
    - ``numba``, a Python function of floats, as it is or under numba.njit, which is compiled and
      called one point at a time; 1/0 is inf in it, and it raises no errors. Readable source cannot
      hold it, and a process that loads a saved function needs it too: call ``function`` with it
      before, in a module that is imported.

    Args:
        name: in formulas; no function of symgrad's has it.
        partials: the partial derivative by each argument, ``(y, *arguments)`` -> an expression,
            ``y`` being the function's own value. It may use any function, those of the user's too
            that compile is given. None for an argument: to differentiate by it is an error.
        expansion: see above.
        definition: see above.
        numba: see above.
        arity: number of arguments, where it cannot be seen.
        cost: what one evaluation is worth, an addition being 1.
        ulp: the bound of the value's error in ulp, which fn.accuracy shows and check allows.

    Returns:
        A function of expressions: ``f(x)`` for traced variables and SymPy's alike. In formula text
        it has its name.

    Raises:
        ArgumentError: the name is taken, or the parts do not fit.

    Example:
        >>> from symgrad import compile, math, variables
        >>> gauss = function("gauss", expansion=lambda x: math.exp(-x * x))
        >>> x = variables("x")
        >>> fn = compile(gauss(2 * x), x, ["value", "gradient"], functions=[gauss])
        >>> fn.operations.total > 0
        True
        >>> cube = function("cube", definition=lambda m, x: x * x * x,
        ...                 partials=lambda y, x: 3 * x**2)
        >>> float(compile("cube(x)", "x", functions=[cube])(2.0)[0])
        12.0
    """
    given = {"expansion": expansion, "definition": definition, "numba": numba}
    chosen = [key for key, value in given.items() if value is not None]
    if len(chosen) != 1:
        what = f"{' and '.join(chosen)} are given" if chosen else "none is given"
        raise ArgumentError(
            f"the function {name!r} needs one of expansion=, definition= and numba=; {what}"
        )
    check_function_name(name)
    known = [partials] if callable(partials) else None if partials is None else list(partials)
    if arity is not None and (not isinstance(arity, int) or arity < 1):
        raise ArgumentError(f"arity={arity!r} of the function {name!r} is no number of arguments")
    if arity is None:
        source = given[chosen[0]]
        assert source is not None
        arity = len(known) if known else _arity(source, name, chosen[0])
    if known is not None and len(known) != arity:
        raise ArgumentError(
            f"the function {name!r} has {arity} argument(s) and {len(known)} partial(s); give one "
            "for each, None where it is not known"
        )
    symbol = ""
    if numba is not None:
        symbol = callbacks.register(name, arity, numba)
        numba = callbacks.find(symbol, arity)
    parts: dict[str, Any] = {"definition": definition, "expansion": expansion}
    parts |= {"symbol": symbol, "callback": numba, "cost": cost, "ulp": ulp}
    return UserFunction(name, arity, lambda: (make_row(name, arity, known, **parts),))


def _arity(source: Callable[..., Any], name: str, part: str) -> int:
    what = f"{part}= of the function {name!r}"
    count = partial(count_arguments, what=what, leading=int(part == "definition"))
    return count(getattr(source, "py_func", source))
