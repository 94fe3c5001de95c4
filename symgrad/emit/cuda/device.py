"""``fn.cuda_jit``: the function at one point, called from a user's own ``@cuda.jit`` kernel.

Its code goes into the caller, where the compiler inlines it: a GPU has no address to jump to. The
body has its roundings written out (``body.py``), so that it gives the kernel's bits there as well.
numba-cuda keeps every kernel that ``cache=True`` stands on by the caller's source alone, with the
formula that it had then: such a caller needs another source when the formula changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import Parameter, Signature
from keyword import iskeyword
from typing import Any

from numba.core import types
from numba.core.errors import TypingError

from symgrad.emit.cuda.body import INT64, emit_body
from symgrad.emit.cuda.kernel import check_numba_cuda
from symgrad.emit.readable.walk import entry_index
from symgrad.emit.target import Target
from symgrad.ir.program import PARAMETERS, Program

Place = tuple[str, tuple[int, ...]]
"""What an array holds, and its shape."""

NUMBERS = frozenset({"inputs", PARAMETERS})
"""Groups whose columns are passed as numbers where the result is one."""


def device_function(
    program: Program, target: Target, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Callable[..., Any]:
    """A numba-cuda device function of one point.

    With one result of shape () it takes a number for every input and parameter and returns the
    value: ``f(x..., p...)``. Otherwise it takes an array for each group and each result and fills
    the latter: ``f(x, p, value, jacobian)``, a result of shape () being an array of one entry.
    Arrays may have any strides. Lengths are not checked on the GPU.

    Args:
        program: lowered for CUDA.
        target: its dtype.
        shapes: of groups whose arrays have several axes, by their names; of the others it is the
            number of columns.

    Raises:
        MissingDependencyError: numba-cuda is missing or does not work with what is installed.
    """
    check_numba_cuda()
    intrinsic: Any = import_module("numba.cuda.extending").intrinsic
    names = [name for group in program.groups for name in group.columns]
    alone = [result.shape for result in program.results] == [()]
    if alone and all(group.name in NUMBERS for group in program.groups):
        made = _of_numbers(program, target, names)
    else:
        given = [(g.name, (shapes or {}).get(g.name, (len(g.columns),))) for g in program.groups]
        made = _of_arrays(program, target, given)
    results = ", ".join(result.name for result in program.results)
    made.__doc__ = f"One point of {results} for kernels of numba-cuda."
    found: Callable[..., Any] = intrinsic(made)
    return found


def _named(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """A function of a context and any arguments as one whose arguments are counted and named.

    numba lowers ``*arguments`` as one tuple, and names what is missing by its signature.
    """
    proper = len(set(names)) == len(names) and "context" not in names
    proper = proper and all(name.isidentifier() and not iskeyword(name) for name in names)
    chosen = names if proper else [f"a{i}" for i in range(len(names))]
    kind = Parameter.POSITIONAL_OR_KEYWORD
    made = Signature([Parameter(name, kind) for name in ("context", *chosen)])
    setattr(function, "__signature__", made)  # noqa: B010 - no attribute that types know of
    return function


def _of_numbers(program: Program, target: Target, names: Sequence[str]) -> Callable[..., Any]:
    """What makes an intrinsic of numbers, which gives the only result."""
    dtype = types.float64 if target.dtype == "float64" else types.float32
    starts = [0]
    for group in program.groups:
        starts.append(starts[-1] + len(group.columns))

    def evaluate(context: Any, *arguments: Any) -> Any:
        wanted = f"fn.cuda_jit takes {len(names)} number(s): {', '.join(names)}"
        if len(arguments) != len(names):
            raise TypingError(f"{wanted}; {len(arguments)} are given")
        for name, kind in zip(names, arguments, strict=True):
            if not isinstance(kind, types.Integer | types.Float | types.Boolean):
                raise TypingError(f"{wanted}; {name} is {kind}, which is no real number")
        return dtype(*arguments), generate

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        numbers = [
            context.cast(builder, value, kind, dtype)
            for value, kind in zip(values, signature.args, strict=True)
        ]
        found: list[Any] = []

        def load(group: int, column: int) -> Any:
            return numbers[starts[group] + column]

        def store(result: int, position: int, value: Any) -> None:
            found.append(value)

        emit_body(builder, program, target.dtype, load, store)
        return found[0]

    return _named(evaluate, names)


def _of_arrays(program: Program, target: Target, given: Sequence[Place]) -> Callable[..., Any]:
    """What makes an intrinsic of arrays: what a point has, then what is filled."""
    dtype = types.float64 if target.dtype == "float64" else types.float32
    places = [*given, *((result.name, result.shape) for result in program.results)]

    def evaluate(context: Any, *arguments: Any) -> Any:
        listed = ", ".join(f"{name} of shape {shape}" for name, shape in places)
        wanted = f"fn.cuda_jit takes {len(places)} array(s) of {dtype}: {listed}"
        if len(arguments) != len(places):
            raise TypingError(f"{wanted}; {len(arguments)} are given")
        for i, ((name, shape), kind) in enumerate(zip(places, arguments, strict=True)):
            if not isinstance(kind, types.Array) or kind.dtype != dtype:
                raise TypingError(f"{wanted}; {name} is {kind}")
            if kind.ndim != len(shape) and (shape, kind.ndim) != ((), 1):
                raise TypingError(f"{wanted}; {name} has {kind.ndim} axes")
            if i >= len(given) and not kind.mutable:
                raise TypingError(f"{wanted}; {name} is read-only")
        return types.none(*arguments), generate

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cgutils: Any = import_module("numba.cuda.cgutils")
        kinds = signature.args
        arrays = [
            context.make_array(kind)(context, builder, value)
            for value, kind in zip(values, kinds, strict=True)
        ]

        def place(array: int, position: int) -> Any:
            shape = places[array][1] or (1,) * kinds[array].ndim
            index = [INT64(number) for number in entry_index(shape, position)]
            return cgutils.get_item_pointer(context, builder, kinds[array], arrays[array], index)

        def load(group: int, column: int) -> Any:
            return builder.load(place(group, column))

        def store(result: int, position: int, value: Any) -> None:
            builder.store(value, place(len(given) + result, position))

        emit_body(builder, program, target.dtype, load, store)
        return context.get_dummy_value()

    return _named(evaluate, [name for name, _ in places])
