"""TracedArray: an array of expressions that NumPy's functions may choose between.

NumPy asks the entries of an array of objects for the truth of ``a > b``, which an expression has
not. Here comparisons make conditions, and ``where``, ``maximum``, ``clip``, ``sign``, ``max`` and
their like make expressions; what would have to know which entries meet a condition is refused.
It imports NumPy, so that what needs no arrays does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.ir.expression import NO_TRUTH, NUMPY, Expr, numpy_call, wrap

NUMBERS_ALONE = frozenset({np.isin, np.nan_to_num})
"""Functions that find nothing to do in an array of objects, and so would do nothing silently."""


class TracedArray(np.ndarray[Any, np.dtype[Any]]):
    """An array of Exprs, as ``traced`` makes it.

    Example:
        >>> from symgrad.ir.expression import variables
        >>> x = traced(variables("x", 2))
        >>> np.where(x > 0, x, 0).tolist()
        [select((0 < x0), x0, 0), select((0 < x1), x1, 0)]
    """

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **options: Any) -> Any:
        """NumPy's functions of numbers."""
        return array_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's other functions."""
        return array_function(function, args, kwargs)

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ArgumentError(NO_TRUTH)
        return super().__bool__()

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_known(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_known(index), value)


def traced(entries: Sequence[Expr]) -> TracedArray:
    """Exprs as an array."""
    array = np.empty(len(entries), object)
    array[:] = entries
    return array.view(TracedArray)


def plain(value: Any) -> Any:
    """An Expr as an array of no axes, a TracedArray as one of NumPy's own; else the value."""
    if isinstance(value, Expr):
        boxed = np.empty((), object)
        boxed[()] = value
        return boxed
    return value.view(np.ndarray) if isinstance(value, TracedArray) else value


def array_ufunc(
    ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: dict[str, Any]
) -> Any:
    """A function of numbers of NumPy's that is given Exprs or TracedArrays, entry by entry.

    Raises:
        UnknownFunctionError: it has no meaning for expressions.
        ArgumentError: its ``where=`` is a condition.
    """
    name, out = ufunc.__name__, options.get("out")
    if out is not None:
        options["out"] = tuple([plain(array) for array in out])
    if isinstance(options.get("where"), Expr | TracedArray):
        raise ArgumentError(f"where= of NumPy's {name} is a condition: {NO_TRUTH}")
    call: Any = ufunc
    if name in NUMPY:
        call = np.frompyfunc(partial(numpy_call, name), ufunc.nin, 1, identity=ufunc.identity)
    elif not any("O" in kinds for kinds in ufunc.types):
        raise UnknownFunctionError(
            f"NumPy's {name} has no meaning for traced expressions; see `symgrad functions`"
        )
    made = getattr(call, method)(*[plain(value) for value in inputs], **options)
    if out is not None:
        return out[0]
    return _seen(made)


def array_function(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A function of NumPy's that is given Exprs or TracedArrays: only ``where`` is our own.

    Raises:
        UnknownFunctionError: it needs numbers.
    """
    if function in NUMBERS_ALONE:
        raise UnknownFunctionError(
            f"NumPy's {function.__name__} cannot take traced expressions; write where(...)"
        )
    if function is np.where and len(args) == 3:
        return _seen(np.frompyfunc(partial(_expr, "select"), 3, 1)(*[plain(a) for a in args]))
    no_array: Any = np.empty(0)
    given = tuple([_seen(plain(value)) if isinstance(value, Expr) else value for value in args])
    try:
        return _seen(np.ndarray.__array_function__(no_array, function, (), given, kwargs))
    except TypeError as error:
        raise UnknownFunctionError(
            f"NumPy's {function.__name__} cannot take traced expressions ({error}); write it in "
            "functions of `symgrad functions`"
        ) from error


def _known(index: Any) -> Any:
    """An index that chooses entries while the function is traced."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, Expr | TracedArray) for part in parts):
        raise ArgumentError(
            "an index is an expression, and which entries it chooses is not known while it is "
            "traced; write where(condition, a, b) in place of a[condition]"
        )
    return index


def _seen(made: Any) -> Any:
    """What NumPy made, an array of objects as a TracedArray."""
    objects = type(made) is np.ndarray and made.dtype == object
    return made.view(TracedArray) if objects else made


def _expr(op: str, *arguments: object) -> Expr:
    return Expr(op, tuple([wrap(argument) for argument in arguments]))
