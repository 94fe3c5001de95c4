"""``fn.njit``: a compiled function for one point, called from the user's own numba code.

It jumps to the compiled code by its address. Inlining the code would compile it again in every
caller, and a caller that numba keeps on disk would keep the old formula with it. An address holds
for one process, and numba knows: it does not keep callers of addresses.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators
# (numba has hardly any types.)

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
)

from symgrad.runtime.arguments import Signature

Place = tuple[str, tuple[int, ...]]
"""What an array holds, and its shape."""


def caller(signature: Signature, address: int) -> Callable[..., Any]:
    """What ``fn.njit`` is: see ``CompiledFunction.njit``.

    Args:
        signature: of the function.
        address: of its entry for one point, which takes a pointer for each group and each result.
    """
    shapes = {"cotangent": signature.output_shape}
    given = [
        (group.name, shapes.get(group.name, (len(group.columns),))) for group in signature.groups
    ]
    results = [(result.name, result.shape) for result in signature.results]
    dtype = types.float64 if signature.dtype == "float64" else types.float32
    numbers = signature.inputs + signature.parameters
    columns = sum(len(group.columns) for group in signature.groups)
    if [shape for _, shape in results] == [()] and columns == len(numbers):
        call = _of_numbers(numbers, [prod(shape) for _, shape in given], dtype, address)
    else:
        call = _of_arrays(given, results, dtype, address)

    @njit(error_model="numpy")
    def evaluate(*arguments: Any) -> Any:
        return call(arguments)

    evaluate.__doc__ = f"One point of {', '.join(name for name, _ in results)} for numba code."
    return evaluate


def _of_numbers(names: tuple[str, ...], sizes: list[int], dtype: Any, address: int) -> Any:
    """An intrinsic of a tuple of numbers, which gives the only result."""

    @intrinsic
    def call(context: Any, arguments: Any) -> Any:
        wanted = f"fn.njit takes {len(names)} number(s): {', '.join(names)}"
        if len(arguments) != len(names):
            raise TypingError(f"{wanted}; {len(arguments)} are given")
        for name, kind in zip(names, arguments, strict=True):
            if not isinstance(kind, types.Integer | types.Float | types.Boolean):
                raise TypingError(f"{wanted}; {name} is {kind}, which is no real number")
        return dtype(arguments), generate

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = context.get_value_type(dtype)
        memory = cgutils.alloca_once(builder, kind, size=len(names))
        result = cgutils.alloca_once(builder, kind)
        for i, given in enumerate(signature.args[0]):
            number = builder.extract_value(values[0], i)
            place = cgutils.gep_inbounds(builder, memory, i)
            builder.store(context.cast(builder, number, given, dtype), place)
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        pointers = [cgutils.gep_inbounds(builder, memory, start) for start in starts]
        _jump(context, builder, address, [*pointers, result])
        return builder.load(result)

    return call


def _of_arrays(given: list[Place], results: list[Place], dtype: Any, address: int) -> Any:
    """An intrinsic of a tuple of arrays: what a point has, then what is to be filled."""
    places = given + results

    @intrinsic
    def call(context: Any, arguments: Any) -> Any:
        listed = ", ".join(f"{name} of shape {shape}" for name, shape in places)
        wanted = f"fn.njit takes {len(places)} array(s) of {dtype}: {listed}"
        if len(arguments) != len(places):
            raise TypingError(f"{wanted}; {len(arguments)} are given")
        for i, ((name, shape), kind) in enumerate(zip(places, arguments, strict=True)):
            if not isinstance(kind, types.Array) or kind.dtype != dtype:
                raise TypingError(f"{wanted}; {name} is {kind}")
            if kind.ndim != len(shape) and (shape, kind.ndim) != ((), 1):
                raise TypingError(f"{wanted}; {name} has {kind.ndim} axes")
            if i >= len(given) and not kind.mutable:
                raise TypingError(f"{wanted}; {name} is read-only")
        return types.none(arguments), generate

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointers, outward = [], []
        for i, ((name, shape), kind) in enumerate(zip(places, signature.args[0], strict=True)):
            array = context.make_array(kind)(context, builder, builder.extract_value(values[0], i))
            _check_shape(context, builder, array, kind, name, shape)
            if kind.layout == "C":
                pointers.append(array.data)
                continue
            dense = cgutils.alloca_once(
                builder, context.get_value_type(dtype), size=max(prod(shape), 1)
            )
            pointers.append(dense)
            if i < len(given):
                _copy(context, builder, array, kind, dense, inward=True)
            else:
                outward.append((array, kind, dense))
        _jump(context, builder, address, pointers)
        for array, kind, dense in outward:
            _copy(context, builder, array, kind, dense, inward=False)
        return context.get_dummy_value()

    return call


def _check_shape(
    context: Any, builder: Any, array: Any, kind: Any, name: str, shape: tuple[int, ...]
) -> None:
    """Raise a ValueError where an array's shape is another."""
    for axis, length in enumerate(shape or (1,) * kind.ndim):
        found = builder.extract_value(array.shape, axis)
        wrong = builder.icmp_signed("!=", found, ir.Constant(found.type, length))
        with builder.if_then(wrong, likely=False):
            message = f"{name} has another shape than {shape}, which fn.njit needs"
            context.call_conv.return_user_exc(builder, ValueError, (message,))


def _copy(context: Any, builder: Any, array: Any, kind: Any, dense: Any, *, inward: bool) -> None:
    """Copy an array with strides to adjacent memory, or back."""
    shape = cgutils.unpack_tuple(builder, array.shape, kind.ndim)
    position = cgutils.alloca_once_value(builder, ir.Constant(shape[0].type, 0))
    with cgutils.loop_nest(builder, shape, shape[0].type) as indices:
        index = builder.load(position)
        here = cgutils.gep_inbounds(builder, dense, index)
        there = cgutils.get_item_pointer(context, builder, kind, array, indices)
        source, sink = (there, here) if inward else (here, there)
        builder.store(builder.load(source), sink)
        builder.store(builder.add(index, ir.Constant(index.type, 1)), position)


def _jump(context: Any, builder: Any, address: int, pointers: list[Any]) -> None:
    """Call the code at an address, in a way that keeps numba from caching the caller."""
    kind = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
    entry = context.add_dynamic_addr(builder, address, info="symgrad")
    builder.call(builder.bitcast(entry, kind.as_pointer()), pointers)


class FunctionType(types.Dummy):
    """The numba type of a CompiledFunction that numba code names: it has ``njit`` and no more."""

    def __init__(self, function: Any) -> None:
        self.function = function
        super().__init__(f"symgrad.function({id(function)})")


register_model(FunctionType)(models.OpaqueModel)


@infer_getattr
class _Attributes(AttributeTemplate):
    key = FunctionType

    def resolve_njit(self, kind: FunctionType) -> Any:
        return types.Dispatcher(kind.function.njit)


@lower_getattr_generic(FunctionType)
def _attribute(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    """A function has no value when the code runs."""
    return context.get_dummy_value()


def function_type(function: Any) -> FunctionType:
    """The type of a CompiledFunction, for numba code.

    This module may be imported as late as here, while numba compiles such code: what is registered
    above has to be made known to it.
    """
    for context in (cpu_target.typing_context, cpu_target.target_context):
        context.refresh()
    return FunctionType(function)
