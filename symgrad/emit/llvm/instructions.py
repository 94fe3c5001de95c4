"""Instructions -> LLVM IR on vectors: arithmetic, conditions, and what every CPU does itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

SCALAR: dict[str, Any] = {"float64": ir.DoubleType(), "float32": ir.FloatType()}

Emit = Callable[..., Any]


class Splat(ir.Constant):  # type: ignore[misc]  # llvmlite has no types
    """A number in every lane, which is written once: the text of a module is half as long."""

    def _get_reference(self) -> str:
        return f"splat ({self.constant[0]})"


def splat(vector: ir.VectorType, value: float) -> Any:
    """A number in every lane."""
    return Splat(vector, [ir.Constant(vector.element, value)] * vector.count)


def broadcast(builder: ir.IRBuilder, vector: ir.VectorType, value: Any) -> Any:
    """A number that the code computes in every lane."""
    index = ir.IntType(32)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, index(0))
    lanes = ir.Constant(ir.VectorType(index, vector.count), None)  # all 0
    return builder.shuffle_vector(first, first, lanes)


def splat_truth(width: int, value: bool) -> Any:
    """A truth value in every lane."""
    return splat(ir.VectorType(ir.IntType(1), width), int(value))


def _sign(builder: ir.IRBuilder, value: Any) -> Any:
    """1, -1, or the value itself where it is a zero or a NaN."""
    zero, one, minus = (splat(value.type, sign) for sign in (0.0, 1.0, -1.0))
    below = builder.select(builder.fcmp_ordered("<", value, zero), minus, value)
    return builder.select(builder.fcmp_ordered(">", value, zero), one, below)


def _llvm_intrinsic(name: str) -> Emit:
    def emit(builder: ir.IRBuilder, *values: Any) -> Any:
        vector = values[0].type
        bits = 64 if vector.element == SCALAR["float64"] else 32
        full = f"{name}.v{vector.count}f{bits}"
        kind = ir.FunctionType(vector, [vector] * len(values))
        function = builder.module.globals.get(full) or ir.Function(builder.module, kind, full)
        return builder.call(function, values)

    return emit


# No fast-math flags: nan and inf keep their meaning, and results do not depend on the compiler.
INSTRUCTIONS: dict[str, Emit] = {
    "add": lambda builder, a, b: builder.fadd(a, b),
    "sub": lambda builder, a, b: builder.fsub(a, b),
    "mul": lambda builder, a, b: builder.fmul(a, b),
    "div": lambda builder, a, b: builder.fdiv(a, b),
    "neg": lambda builder, a: builder.fneg(a),
    "sqrt": _llvm_intrinsic("llvm.sqrt"),
    "fma": _llvm_intrinsic("llvm.fma"),
    "floor": _llvm_intrinsic("llvm.floor"),
    "ceil": _llvm_intrinsic("llvm.ceil"),
    "trunc": _llvm_intrinsic("llvm.trunc"),
    "rint": _llvm_intrinsic("llvm.rint"),
    "abs": _llvm_intrinsic("llvm.fabs"),
    "sign": _sign,
    "lt": lambda builder, a, b: builder.fcmp_ordered("<", a, b),
    "le": lambda builder, a, b: builder.fcmp_ordered("<=", a, b),
    "eq": lambda builder, a, b: builder.fcmp_ordered("==", a, b),
    "ne": lambda builder, a, b: builder.fcmp_unordered("!=", a, b),
    "and": lambda builder, a, b: builder.and_(a, b),
    "or": lambda builder, a, b: builder.or_(a, b),
    "not": lambda builder, a: builder.not_(a),
    "select": lambda builder, c, a, b: builder.select(c, a, b),
}
