"""The instructions that our vector functions are made of, in float64 and float32.

A body is a plain function ``(lanes, x, ...) -> value`` that emits straight-line code for every lane
at once; ``define`` makes one internal LLVM function of it. The instructions are IEEE additions,
multiplications, divisions, ``llvm.fma`` and integer operations, without fast-math flags, so a
result has the same bits for every width and on every CPU, and a lane's result never depends on its
neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from llvmlite import ir

from symgrad.emit.llvm.instructions import Splat, splat
from symgrad.emit.target import Dtype

Body = Callable[..., ir.Value]
"""(lanes, x, ...) -> the value of the function in every lane."""


class Format(NamedTuple):
    """How a number is stored: the fields from the highest bit are sign, exponent, fraction."""

    real: ir.Type
    integer: ir.Type
    suffix: str
    fraction_bits: int
    bias: int

    @property
    def bits(self) -> int:
        """Of a number."""
        return int(self.integer.width)

    @property
    def sign_bit(self) -> int:
        """The mask of the sign."""
        return 1 << (self.bits - 1)

    @property
    def absolute_bits(self) -> int:
        """The mask of all but the sign."""
        return self.sign_bit - 1

    @property
    def fraction_mask(self) -> int:
        """The mask of the fraction."""
        return (1 << self.fraction_bits) - 1

    @property
    def exponent_mask(self) -> int:
        """The mask of the exponent."""
        return self.absolute_bits - self.fraction_mask

    @property
    def rounder(self) -> float:
        """Adding it rounds to an integer, which then stands in the low bits of the sum."""
        return 1.5 * 2.0**self.fraction_bits


FORMATS: dict[str, Format] = {
    "float64": Format(ir.DoubleType(), ir.IntType(64), "f64", 52, 1023),
    "float32": Format(ir.FloatType(), ir.IntType(32), "f32", 23, 127),
}


@dataclass(frozen=True, slots=True)
class Lanes:
    """The instructions of one width; operands are vectors of reals or of integers as long."""

    builder: ir.IRBuilder
    width: int
    dtype: Dtype = "float64"

    @property
    def format(self) -> Format:
        """How a number is stored."""
        return FORMATS[self.dtype]

    @property
    def real(self) -> ir.VectorType:
        """The type of a vector of numbers."""
        return ir.VectorType(self.format.real, self.width)

    @property
    def integer(self) -> ir.VectorType:
        """The type of a vector of integers as wide as the numbers."""
        return ir.VectorType(self.format.integer, self.width)

    def number(self, value: float) -> ir.Constant:
        """``value``, rounded to the dtype, in every lane."""
        return splat(self.real, value)

    def bits(self, value: int) -> ir.Constant:
        """The integer ``value`` in every lane."""
        return splat(self.integer, value)

    def as_bits(self, value: ir.Value) -> ir.Value:
        """The bits of numbers as integers."""
        return self.builder.bitcast(value, self.integer)

    def as_real(self, value: ir.Value) -> ir.Value:
        """The numbers whose bits the integers are."""
        return self.builder.bitcast(value, self.real)

    def size(self, x: ir.Value) -> ir.Value:
        """The numbers without their signs."""
        return self.as_real(
            self.builder.and_(self.as_bits(x), self.bits(self.format.absolute_bits))
        )

    def at_most(self, x: ir.Value, highest: float) -> ir.Value:
        """The smaller of the two; a comparison with nan fails, so nan goes on."""
        limit = self.number(highest)
        return self.builder.select(self.builder.fcmp_ordered("<", limit, x), limit, x)

    def sign(self, x: ir.Value) -> ir.Value:
        """The sign bits alone, as integers."""
        return self.builder.and_(self.as_bits(x), self.bits(self.format.sign_bit))

    def signed(self, size: ir.Value, x: ir.Value) -> ir.Value:
        """``size``, which has no sign, with the sign of ``x``."""
        return self.as_real(self.builder.or_(self.as_bits(size), self.sign(x)))

    def intrinsic(self, name: str, *values: ir.Value) -> ir.Value:
        """The result of LLVM's intrinsic on vectors of numbers, ``fma`` or ``sqrt`` for example."""
        symbol = f"llvm.{name}.v{self.width}{self.format.suffix}"
        module = self.builder.module
        function = module.globals.get(symbol) or ir.Function(
            module, ir.FunctionType(self.real, [self.real] * len(values)), symbol
        )
        return self.builder.call(function, values)

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a*b + c, rounded once."""
        if getattr(a, "opname", "") == "fneg" and isinstance(b, Splat):
            # Otherwise -a would be computed, if more than one product takes it.
            a, b = a.operands[0], self.number(-b.constant[0].constant)
        return self.intrinsic("fma", a, b, c)

    def nearest(self, x: ir.Value, factor: float) -> tuple[ir.Value, ir.Value]:
        """x*factor rounded to an integer, as (bits that end in that integer, number)."""
        rounder = self.number(self.format.rounder)
        shifted = self.fma(x, self.number(factor), rounder)
        return self.as_bits(shifted), self.builder.fsub(shifted, rounder)

    def polynomial(self, x: ir.Value, square: ir.Value, coefficients: Sequence[float]) -> ir.Value:
        """Sum of coefficients[i]*x^i, the same in every lane."""
        return self.sum_of_powers(x, square, [self.number(value) for value in coefficients])

    def sum_of_powers(
        self, x: ir.Value, square: ir.Value, coefficients: Sequence[ir.Value]
    ) -> ir.Value:
        """Sum of coefficients[i]*x^i: Horner's rule in x^2 for the even and the odd powers apart.

        As many operations as in one chain, half the latency.
        """
        totals = []
        for half in (coefficients[0::2], coefficients[1::2]):
            total = half[-1]
            for coefficient in reversed(half[:-1]):
                total = self.fma(total, square, coefficient)
            totals.append(total)
        return self.fma(totals[1], x, totals[0])

    def any(self, condition: ir.Value) -> ir.Value:
        """Whether an ``<width x i1>`` holds in some lane."""
        mask = ir.IntType(self.width)
        return self.builder.icmp_unsigned(
            "!=", self.builder.bitcast(condition, mask), ir.Constant(mask, 0)
        )

    def pair(self, first: ir.Value, second: ir.Value) -> ir.Value:
        """The struct (first, second)."""
        both: Any = ir.Constant(ir.LiteralStructType([self.real, self.real]), ir.Undefined)
        both = self.builder.insert_value(both, first, 0)
        return self.builder.insert_value(both, second, 1)


def define(
    module: ir.Module,
    name: str,
    body: Body,
    width: int,
    dtype: Dtype = "float64",
    *,
    arity: int = 1,
    results: int = 1,
    inline: bool,
) -> ir.Function:
    """The internal function ``sg.<name>.v<width>``, made from ``body`` unless the module has it.

    In float32 the name ends in ``f``, as in C. A body of two results returns ``lanes.pair``.
    """
    suffix = "f" if dtype == "float32" else ""
    symbol = f"sg.{name}{suffix}.v{width}" + (".inline" if inline else "")
    if symbol in module.globals:
        return module.globals[symbol]
    real = ir.VectorType(FORMATS[dtype].real, width)
    kind = real if results == 1 else ir.LiteralStructType([real] * results)
    function = ir.Function(module, ir.FunctionType(kind, [real] * arity), symbol)
    function.linkage = "internal"
    function.attributes.add("alwaysinline" if inline else "noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    builder.ret(body(Lanes(builder, width, dtype), *function.args))
    return function
