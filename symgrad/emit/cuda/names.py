"""How CUDA writes each operation, and how exact NVIDIA says that it is.

The errors are those of the tables "Mathematical Standard Library Functions with Maximum ULP Error"
in the appendix on mathematical functions of NVIDIA's CUDA C++ Programming Guide, release 12, for
the whole range of arguments and the compiler's usual options (``-prec-div=true``,
``-prec-sqrt=true``, no fast math): the largest difference, in ulp, from the correctly rounded
result that NVIDIA found in extensive tests, which are no proof. Earlier releases had other figures:
1 for sin and cos in double precision, 8 for powf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from symgrad.emit.target import Target
from symgrad.functions import PRIMITIVES
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import Program

SUFFIX = {"float64": "", "float32": "f"}
"""What the names of functions end in."""

ByDtype = Mapping[str, str]


class Name(NamedTuple):
    """How one operation is written, by dtype.

    Attributes:
        op: of a Program.
        c: templates of CUDA C; {0}, {1} and {2} are the operands. That of "sincos" is a statement:
            {1} and {2} are the variables that take the sine and the cosine.
        libdevice: the function of NVIDIA's library for LLVM; "" where LLVM has an instruction.
        ulp: the documented maximum error; None where none is documented.
    """

    op: str
    c: ByDtype
    libdevice: ByDtype
    ulp: Mapping[str, float | None]


def _operator(op: str, c: str, ulp: float | None = None) -> Name:
    """What C writes alike for both dtypes."""
    none = dict.fromkeys(SUFFIX, "")
    return Name(op, dict.fromkeys(SUFFIX, c), none, dict.fromkeys(SUFFIX, ulp))


def _function(
    op: str, double: float | None, single: float | None, *, c: str = "", operands: str = "{0}"
) -> Name:
    """What C and libdevice call by one name, with an f behind it in single precision."""
    names = {dtype: f"{c or op}{suffix}" for dtype, suffix in SUFFIX.items()}
    return Name(
        op,
        {dtype: f"{name}({operands})" for dtype, name in names.items()},
        {dtype: f"__nv_{name}" for dtype, name in names.items()},
        {"float64": double, "float32": single},
    )


TWO, THREE = "{0}, {1}", "{0}, {1}, {2}"

# fmt: off
TABLE = (
    # op                                float64, float32
    _function("exp",                    1, 2),
    _function("exp2",                   1, 2),
    _function("expm1",                  1, 1),
    _function("log",                    1, 1),
    _function("log1p",                  1, 1),
    _function("log2",                   1, 1),
    _function("log10",                  1, 2),
    _function("cbrt",                   1, 1),
    _function("sin",                    2, 2),
    _function("cos",                    2, 2),
    _function("tan",                    2, 4),
    _function("asin",                   2, 2),
    _function("acos",                   2, 2),
    _function("atan",                   2, 2),
    _function("atan2",                  2, 3, operands=TWO),
    _function("sinh",                   2, 3),
    _function("cosh",                   1, 2),
    _function("tanh",                   1, 2),
    _function("asinh",                  3, 3),
    _function("acosh",                  3, 4),
    _function("atanh",                  2, 3),
    _function("hypot",                  2, 3, operands=TWO),
    _function("pow",                    2, 4, operands=TWO),
    _function("fmod",                   0, 0, operands=TWO),
    _function("erf",                    2, 2),
    _function("erfc",                   5, 4),
    _function("floor",                  0, 0),
    _function("ceil",                   0, 0),
    _function("trunc",                  0, 0),
    _function("rint",                   0, 0),
    _function("abs",                    None, None, c="fabs"),
    _function("fma",                    0, 0, operands=THREE),
    _function("sqrt",                   0, 0),
    _function("rsqrt",                  1, 2),
    _function("sincos",                 2, 2, operands="{0}, &{1}, &{2}"),
    _operator("add",    "{0} + {1}", 0),
    _operator("sub",    "{0} - {1}", 0),
    _operator("mul",    "{0} * {1}", 0),
    _operator("div",    "{0} / {1}", 0),
    _operator("neg",    "-{0}"),
    _operator("lt",     "{0} < {1}"),
    _operator("le",     "{0} <= {1}"),
    _operator("eq",     "{0} == {1}"),
    _operator("ne",     "{0} != {1}"),
    _operator("and",    "{0} && {1}"),
    _operator("or",     "{0} || {1}"),
    _operator("not",    "!{0}"),
    _operator("select", "{0} ? {1} : {2}"),
    _operator("sign",   "{0} > 0 ? 1 : {0} < 0 ? -1 : {0}"),
)
# fmt: on

NAMES: Mapping[str, Name] = {name.op: name for name in TABLE}
"""Every operation of straight-line code, loads, constants, parts and stores aside."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """Who computes one function of a kernel: ``symbol`` is what the code calls.

    Attributes:
        function: the row's name.
        provider: "cuda", NVIDIA's functions, or "symgrad", a row's definition.
        symbol: of what is called.
        ulp: the documented or, of a definition, measured bound.
    """

    function: str
    provider: Literal["cuda", "symgrad"]
    symbol: str
    ulp: float


def bounds(
    program: Program, target: Target, table: Mapping[str, Primitive] = PRIMITIVES
) -> dict[str, Implementation]:
    """For every function that a kernel calls: who computes it and the error bound in ulp.

    A routine is computed in double precision as its row defines it; its own bound was measured
    with functions of 1 ulp, and in float32 the result is rounded once more.

    Args:
        program: as it is lowered; a pair counts as sine and cosine.
        target: gives the dtype.
        table: the functions.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("erfc", (0,)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> program = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> bounds(program, Target("cuda", 1, "float32", "high", tile=1, lanes=1))["erfc"]
        Implementation(function='erfc', provider='cuda', symbol='erfcf', ulp=4)
    """
    dtype = target.dtype
    found = {}
    for op in program.counts:
        row = table.get(op)
        if row is not None and row.kind == "routine":
            measured = row.ulp if dtype == "float64" else min(row.ulp, 1.0)
            found[op] = Implementation(op, "symgrad", f"sg.routine.{op}", measured)
        elif op in ("sincos", "rsqrt") or (row is not None and row.kind == "call"):
            name = NAMES[op]
            symbol, ulp = name.c[dtype].partition("(")[0], name.ulp[dtype]
            assert ulp is not None  # it is documented of every function that is called
            for function in ("sin", "cos") if op == "sincos" else (op,):
                found[function] = Implementation(function, "cuda", symbol, ulp)
    return found
