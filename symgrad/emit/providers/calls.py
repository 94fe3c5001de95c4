"""Calls of functions in vector code: sines with their cosines, routines a register at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import lanes_of
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.providers.provider import define_call, own_body
from symgrad.emit.target import Accuracy, Dtype
from symgrad.emit.vector.lanes import define
from symgrad.ir.program import Instruction


class Calls:
    """The calls of one stretch of straight-line code.

    Args:
        module: where functions are defined when they are first called.
        width: lanes of the vectors.
        dtype: of the lanes.
        accuracy: which vector mathematics may be used.
        inline: whether our own functions are inlined.
        code: all instructions of the stretch.
        routines: the routines by name, defined already.
    """

    def __init__(
        self,
        module: ir.Module,
        width: int,
        dtype: Dtype,
        accuracy: Accuracy,
        inline: bool,
        code: Sequence[Instruction],
        routines: Mapping[str, ir.Function],
    ) -> None:
        self.module = module
        self.width = width
        self.dtype = dtype
        self.accuracy = accuracy
        self.inline = inline
        self.routines = routines
        sines, cosines = ({i.args[0] for i in code if i.op == op} for op in ("sin", "cos"))
        self.sincos = own_body("sincos", width, dtype)
        self.pairs = sines & cosines
        self.paired: dict[int, Any] = {}

    def emit(
        self, builder: ir.IRBuilder, op: str, args: tuple[int, ...], values: Sequence[Any]
    ) -> Any:
        """The value of the function ``op`` of ``values``, those of the instructions ``args``."""
        if op in self.routines:
            return in_parts(builder, self.routines[op], values)
        if self.sincos and op in ("sin", "cos") and args[0] in self.pairs:
            both = self.paired.get(args[0])
            if both is None:
                function = define(
                    self.module,
                    "sincos",
                    self.sincos,
                    self.width,
                    self.dtype,
                    results=2,
                    inline=self.inline,
                )
                both = self.paired[args[0]] = builder.call(function, values)
            return builder.extract_value(both, 0 if op == "sin" else 1)
        function = define_call(
            self.module, op, self.width, self.dtype, self.accuracy, inline=self.inline
        )
        return builder.call(function, values)


def in_parts(builder: ir.IRBuilder, function: ir.Function, values: Sequence[Any]) -> Any:
    """A routine of vectors that are wider than its own or hold float32: a call for each part."""
    whole = values[0].type
    kind = function.function_type.return_type
    if whole == kind:
        return builder.call(function, values)
    single = whole.element != SCALAR["float64"]
    results = []
    for start in range(0, whole.count, kind.count):
        lanes = range(start, start + kind.count)
        parts = [builder.shuffle_vector(value, value, lanes_of(lanes)) for value in values]
        if single:
            parts = [builder.fpext(part, kind) for part in parts]
        result = builder.call(function, parts)
        if single:
            result = builder.fptrunc(result, ir.VectorType(whole.element, kind.count))
        results.append(result)
    while len(results) > 1:
        count = 2 * results[0].type.count
        pairs = zip(results[::2], results[1::2], strict=True)
        results = [builder.shuffle_vector(low, high, lanes_of(range(count))) for low, high in pairs]
    return results[0]
