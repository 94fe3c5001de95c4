"""CUDA C as a Language (``source.py``): operations, literals, routines; no header is needed."""

from __future__ import annotations

import re
from dataclasses import replace
from math import isinf, isnan

from symgrad.emit.cuda.names import NAMES, SUFFIX
from symgrad.emit.readable.c import routine_style as c_routine_style
from symgrad.emit.readable.routines import RoutineStyle, routine_lines, with_routines
from symgrad.emit.readable.walk import Language, rounded, shortest
from symgrad.emit.target import Dtype
from symgrad.ir.program import Program

REAL = {"float64": "double", "float32": "float"}

NOT_FINITE = {
    "INFINITE": "__longlong_as_double(0x7ff0000000000000)",
    "NOT_A_NUMBER": "__longlong_as_double(0x7ff8000000000000)",
    "INFINITE_F": "__int_as_float(0x7f800000)",
    "NOT_A_NUMBER_F": "__int_as_float(0x7fc00000)",
}
"""What has no literal in CUDA C without a header."""


def literal(value: float, dtype: Dtype) -> str:
    """A float in CUDA C: the shortest decimal that reads back exactly, or one of NOT_FINITE."""
    end = "_F" if dtype == "float32" else ""
    if isnan(value):
        return f"NOT_A_NUMBER{end}"
    if isinf(value):
        return f"INFINITE{end}" if value > 0 else f"-INFINITE{end}"
    return shortest(value, dtype) + SUFFIX[dtype]


def language(dtype: Dtype) -> Language:
    """CUDA C with every value of type ``dtype``; where columns and entries lie is to be added."""
    templates = {op: name.c[dtype] for op, name in NAMES.items()}
    both = templates.pop("sincos").format("{1}", "{0}_0", "{0}_1")
    return Language(
        name="CUDA C",
        operations=templates,
        words={"real": REAL[dtype]},
        number=lambda value: literal(rounded(value, dtype), dtype),
        truth=("false", "true"),
        load="{0}[{1}]",
        real="const {real} {0} = {1};",
        condition="const bool {0} = {1};",
        store="{0}[{1}] = {2};",
        index=lambda _, position: str(position),
        comment="//",
        pairs={"sincos": f"{REAL[dtype]} {{0}}_0, {{0}}_1; {both};"},
    )


def routine_style(dtype: Dtype) -> RoutineStyle:
    """A device function of doubles, whose result a program in float rounds.

    Its tables are in global memory, as the lanes of a warp look up different entries: constant
    memory would serve them one after the other.
    """
    return replace(
        c_routine_style(dtype),
        turn='_Pragma("unroll 1") for (int k = 0; k < {0}; ++k) {{',
        head=("static __device__ double {0}({1})", "{{"),
        table=("static __device__ const double {0}[{1}] = {{{2}}};",),
        lookup="{0}[(int)({2} > 0 ? {2} < {1} ? {2} : {1} : 0)]",
    )


def spoken(program: Program, dtype: Dtype) -> Language:
    """The language with the program's routines."""
    return with_routines(language(dtype), routine_style(dtype), program.routines)


def functions(program: Program, dtype: Dtype) -> str:
    """The device functions that the program's routines become, callees first."""
    made = routine_lines(program.routines, language("float64"), routine_style(dtype))
    return "".join("\n" + "\n".join(function) + "\n" for function in made)


def definitions(text: str) -> str:
    """The lines that a text needs before it for its infinities and nans."""
    used = [name for name in NOT_FINITE if re.search(rf"\b{name}\b", text)]
    return "".join(f"#define {name} {NOT_FINITE[name]}\n" for name in used)
