"""Instructions of AVX-512 that have no equal on other CPUs, on vectors of any width.

They work on whole registers of 64 bytes: a longer vector is taken in parts, a shorter one is put
into the lower lanes of a register.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from symgrad.emit.llvm.control import lanes_of
from symgrad.emit.vector.lanes import Lanes

REGISTER_BITS = 512
LETTERS = {"float64": "pd", "float32": "ps"}
PERMUTE_ONE = {"float64": "permvar.df.512", "float32": "permvar.sf.512"}
PRESENT_ROUNDING = 4  # the mode that the CPU is set to
FROM_THREE_QUARTERS = 0b1011  # a mantissa in [0.75, 1.5), nan for negative numbers
FROM_ONE = 0b0000  # a mantissa in [1, 2), with the sign of the number
SIZE_FROM_ONE = 0b0100  # a mantissa in [1, 2), without the sign
SMALLER_SIZE = 0b0010  # of two numbers, with the first one's sign; the other one for a nan
LOG_REPAIRS = 0x03530422
"""What takes the place of log x, four bits for each kind of x, from the lowest: quiet nan and
signalling nan (2: that nan), zero (4: -inf), one (0: as computed), -inf (3: nan), +inf (5: +inf),
negative (3: nan), positive (0: as computed)."""

ROOT_REPAIRS = 0x00110122
"""The same for an odd root: zeros and infinities (1) and nan (2) are their own roots."""

ACOSH_REPAIRS = 0x03530022
"""The same for acosh x by the kind of x - 1: nan (2), infinities and negative numbers."""

ASINH_REPAIRS = 0x00500022
"""The same for asinh by the kind of |x|: nan (2) and infinity (5)."""


def mantissa(lanes: Lanes, x: ir.Value, interval: int) -> ir.Value:
    """The number without its power of 2, subnormal x included; 1 for zeros and infinities."""
    return _by_register(lanes, "mask.getmant", [x], ir.Constant(ir.IntType(32), interval))


def exponent(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The floor of log2 |x|: -inf for 0, inf for infinity, nan for nan."""
    return _by_register(lanes, "mask.getexp", [x])


def scale(lanes: Lanes, x: ir.Value, power: ir.Value) -> ir.Value:
    """The number times 2**floor(power), rounded once."""
    return _by_register(lanes, "mask.scalef", [x, power])


def nearer_to_zero(lanes: Lanes, x: ir.Value, limit: ir.Value) -> ir.Value:
    """The one of smaller size with the sign of x; ``limit`` where x is nan."""
    return _by_register(lanes, "mask.range", [x, limit], ir.Constant(ir.IntType(32), SMALLER_SIZE))


def repaired(lanes: Lanes, result: ir.Value, x: ir.Value, repairs: int) -> ir.Value:
    """The result, or what ``repairs`` says for the kind of number that x is."""
    builder = lanes.builder
    count = _count(lanes)
    integer = ir.VectorType(lanes.format.integer, count)
    last = [
        ir.Constant(integer, [repairs] * count),
        ir.Constant(ir.IntType(32), 0),
        *_unmasked(count),
    ]
    real = ir.VectorType(lanes.format.real, count)
    kinds = [real, real, *(value.type for value in last)]
    instruction = _intrinsic(lanes, f"mask.fixupimm.{LETTERS[lanes.dtype]}.512", real, kinds)
    pieces = zip(_split(lanes, result), _split(lanes, x), strict=True)
    return _joined(lanes, [builder.call(instruction, [*piece, *last]) for piece in pieces])


def chosen(lanes: Lanes, row: Sequence[float], index: ir.Value) -> ir.Value:
    """In every lane, the number of the row that the last bits of its index tell.

    The row is as long as a register or twice as long.
    """
    builder = lanes.builder
    count = _count(lanes)
    real = ir.VectorType(lanes.format.real, count)
    integer = ir.VectorType(lanes.format.integer, count)
    tables = [
        ir.Constant(real, list(row[start : start + count])) for start in range(0, len(row), count)
    ]
    parts = _split(lanes, index)
    if len(tables) == 1:
        permute = _intrinsic(lanes, PERMUTE_ONE[lanes.dtype], real, [real, integer])
        return _joined(lanes, [builder.call(permute, [*tables, part]) for part in parts])
    name = f"vpermi2var.{LETTERS[lanes.dtype]}.512"
    permute = _intrinsic(lanes, name, real, [real, integer, real])
    lower, upper = tables
    return _joined(lanes, [builder.call(permute, [lower, part, upper]) for part in parts])


def of_interval(
    lanes: Lanes, size: ir.Value, factor: float, bits: int, rows: Sequence[Sequence[float]]
) -> list[ir.Value]:
    """In every lane, the numbers of the rows for the interval that a size lies in.

    The intervals end where the first ``bits`` of the fraction of factor*size + 1 change; the rows
    are in that order, of as many columns as a register has lanes.
    """
    builder, layout = lanes.builder, lanes.format
    place = lanes.fma(size, lanes.number(factor), lanes.number(1.0))
    index = builder.lshr(lanes.as_bits(place), lanes.bits(layout.fraction_bits - bits))
    # What 1.0 ends in: its exponent's bits, then zeros.
    first = (layout.bias << bits) % len(rows[0])
    return [chosen(lanes, [*row[-first:], *row[:-first]], index) for row in rows]


def chosen_rows(lanes: Lanes, rows: Sequence[Sequence[float]], index: ir.Value) -> list[ir.Value]:
    """The same of several rows that are four registers long."""
    builder = lanes.builder
    quarter = 2 * _count(lanes)
    bit = builder.and_(index, lanes.bits(quarter))
    upper = builder.icmp_unsigned("!=", bit, lanes.bits(0))
    return [
        builder.select(
            upper,
            chosen(lanes, row[quarter:], index),
            chosen(lanes, row[:quarter], index),
        )
        for row in rows
    ]


def _by_register(
    lanes: Lanes, name: str, values: Sequence[ir.Value], *immediate: ir.Constant
) -> ir.Value:
    """An instruction that takes a mask and a rounding mode, on every register."""
    builder = lanes.builder
    count = _count(lanes)
    real = ir.VectorType(lanes.format.real, count)
    last = [ir.Constant(real, None), *_unmasked(count)]
    kinds = [real] * len(values) + [value.type for value in (*immediate, *last)]
    instruction = _intrinsic(lanes, f"{name}.{LETTERS[lanes.dtype]}.512", real, kinds)
    pieces = zip(*(_split(lanes, value) for value in values), strict=True)
    parts = [builder.call(instruction, [*piece, *immediate, *last]) for piece in pieces]
    return _joined(lanes, parts)


def _unmasked(count: int) -> list[ir.Constant]:
    """A mask of all lanes and the present rounding mode."""
    return [ir.Constant(ir.IntType(count), -1), ir.Constant(ir.IntType(32), PRESENT_ROUNDING)]


def _intrinsic(lanes: Lanes, name: str, real: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    """The declaration of an instruction that gives a register of numbers."""
    module = lanes.builder.module
    symbol = f"llvm.x86.avx512.{name}"
    return module.globals.get(symbol) or ir.Function(
        module, ir.FunctionType(real, arguments), symbol
    )


def _count(lanes: Lanes) -> int:
    """The lanes of a register."""
    return REGISTER_BITS // lanes.format.bits


def _split(lanes: Lanes, value: ir.Value) -> list[ir.Value]:
    """A vector in parts that fill a register; the lower lanes again where it is too short."""
    count = _count(lanes)
    if lanes.width == count:
        return [value]
    return [
        lanes.builder.shuffle_vector(
            value, value, lanes_of([(start + lane) % lanes.width for lane in range(count)])
        )
        for start in range(0, lanes.width, count)
    ]


def _joined(lanes: Lanes, parts: list[ir.Value]) -> ir.Value:
    """The vector whose parts those are."""
    builder = lanes.builder
    while len(parts) > 1:
        order = lanes_of(range(2 * parts[0].type.count))
        pairs = zip(parts[0::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(a, b, order) for a, b in pairs]
    whole = parts[0]
    if whole.type.count == lanes.width:
        return whole
    return builder.shuffle_vector(whole, whole, lanes_of(range(lanes.width)))
