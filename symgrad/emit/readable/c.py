"""Program -> C99 that depends on nothing but libm, readable, with its own test.

``cc -std=c99 -O2 -c kernel.c`` makes an object file; with -DSYMGRAD_SELF_TEST and -lm it makes a
program that tests itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, isnan

from symgrad.emit.readable.routines import RoutineStyle, routine_lines, with_routines
from symgrad.emit.readable.walk import (
    SELF_TEST_LIMIT,
    Array,
    Language,
    body,
    c_array,
    description,
    function_name,
    group_arrays,
    listed,
    packed,
    result_arrays,
    rounded,
    self_test_numbers,
    shortest,
    unused_arrays,
    words_of,
    wrapped,
)
from symgrad.emit.target import Dtype
from symgrad.functions import PRIMITIVES
from symgrad.ir.program import CONDITION_OPS, Program

# fmt: off
OPERATIONS: dict[str, str] = {
    # Every function that the table knows a C name for; {f} is the suffix of the float versions.
    **{row.name: f"{row.names.c}{{f}}({', '.join(f'{{{i}}}' for i in range(row.arity))})"
       for row in PRIMITIVES.values() if row.kind in ("call", "instruction") and row.names.c},
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "neg": "-{0}", "sqrt": "sqrt{f}({0})", "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : {0}",
    "lt": "{0} < {1}", "le": "{0} <= {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "and": "{0} && {1}", "or": "{0} || {1}", "not": "!{0}", "select": "{0} ? {1} : {2}",
}

WORDS = {
    "float64": {"real": "double", "f": "", "tiny": "DBL_MIN"},
    "float32": {"real": "float", "f": "f", "tiny": "FLT_MIN"},
}


KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while
alignas alignof and and_eq asm bitand bitor bool catch class compl concept const_cast constexpr
consteval constinit co_await co_return co_yield decltype delete dynamic_cast explicit export false
friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
reinterpret_cast requires static_assert static_cast template this thread_local throw true try typeid
typename using virtual wchar_t xor xor_eq
abort abs calloc exit free gamma j0 j1 jn labs llabs malloc memcmp memcpy memset printf putchar puts
scanf snprintf sprintf strcat strchr strcmp strcpy strlen tgamma lgamma vprintf y0 y1 yn
main errno signgam linux unix
"""
"""The words of C, those of C++ (which reads the header), and names that compilers know unasked."""

# fmt: on

BATCH = """
{batch}
{{
    for (long i = 0; i < n; ++i)
        {name}({at_i});
}}
"""

SELF_TEST = """
#ifdef SYMGRAD_SELF_TEST
#include <float.h>
#include <stdio.h>

/* The largest error, in ulp of the expected entry or of a thousandth of the largest one. The larger
   of the two counts: an entry may be what is left after terms have cancelled. */
static double error_in_ulp(const {real} *got, const {real} *expected, long size)
{{
    {real} largest = 0;
    double worst = 0;
    for (long i = 0; i < size; ++i)
        if (isfinite(expected[i]))
            largest = fmax{f}(largest, fabs{f}(expected[i]));
    if (largest == 0)
        largest = 1;
    for (long i = 0; i < size; ++i) {{
        const {real} own = isfinite(expected[i]) ? fabs{f}(expected[i]) : 0;
        const {real} scale = fmax{f}(fmax{f}(own, largest / 1000), {tiny});
        const double error = fabs{f}(got[i] - expected[i]) / (scale - nextafter{f}(scale, 0));
        if (got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])))
            continue;
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
    }}
    return worst;
}}

/* Compare one point with 50-digit arithmetic: 0 if all is well, else 1. */
int main(void)
{{
{arrays}
    double worst = 0;

    {name}({arguments});
{errors}
    const int passed = worst <= {limit!r};
    printf("self-test %s: largest error %.3g ulp\\n", passed ? "passed" : "FAILED", worst);
    return passed ? 0 : 1;
}}
#endif
"""

HEADER = """#ifndef {guard}
#define {guard}

#ifdef __cplusplus
extern "C" {{
#endif

{one};
{batch};

#ifdef __cplusplus
}}
#endif

#endif
"""

TAKEN = words_of(
    KEYWORDS,
    *(template.replace("{f}", suffix) for template in OPERATIONS.values() for suffix in ("", "f")),
    *(text.replace("{f}", "f") for text in (BATCH, SELF_TEST, HEADER)),
    *(word for words in WORDS.values() for word in words.values()),
)


def routine_style(dtype: Dtype) -> RoutineStyle:
    """A static function of doubles, whose result a program in float rounds."""
    return RoutineStyle(
        head=("static double {0}({1})", "{{"),
        parameter="const double {0}",
        back="return {0};",
        tail=("}",),
        turn="for (int k = 0; k < {0}; ++k) {{",
        counter="(double)k",
        state="double {0} = {1};",
        assign="{0} = {1};",
        leave=("if (!{0})", "    break;"),
        done=("}",),
        table=("static const double {0}[{1}] = {{{2}}};",),
        lookup="{0}[(long)({2} > 0 ? {2} < {1} ? {2} : {1} : 0)]",
        taken="{0}" if dtype == "float64" else "(float){0}",
    )


def c_source(
    program: Program,
    *,
    name: str = "kernel",
    dtype: Dtype = "float64",
    test_point: Sequence[Sequence[float]],
    test_values: Sequence[Sequence[float]],
    header: bool = False,
) -> str:
    """C99 source of the functions ``name``, for one point, and ``name_batch``, for many.

    ``void kernel(const double *x, const double *p, double *value, double *jacobian)`` takes the
    argument groups and then the results in the Program's order, arrays in row-major order, and
    fills the results; ``void kernel_batch(long n, ...)`` reads and fills n such blocks, one after
    the other, with the same parameters for all. Arguments must not overlap with results.

    Args:
        program: what to print.
        name: the function's name; one that has a meaning in the code gets _kernel added.
        dtype: "float64" computes in double, "float32" in float.
        test_point: one number a column of each group, best exact in ``dtype``.
        test_values: the results there, from more exact arithmetic, one an entry of each result.
        header: give the header file, with declarations for C and C++, instead of the source.

    Raises:
        UnknownFunctionError: C has no function for an operation.
        OptionError: ``name`` is no ASCII identifier.
        ShapeError: test_point or test_values do not fit the Program.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("mul", (0, 0)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> square = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> text = c_source(square, test_point=[[3.0]], test_values=[[9.0]])
        >>> [line for line in text.splitlines() if "v1" in line]
        ['    const double v1 = v0 * v0;', '    value[0] = v1;']
    """
    name = function_name(name, TAKEN)
    point, values = self_test_numbers(program, dtype, test_point, test_values)
    real = WORDS[dtype]["real"]
    groups, results = group_arrays(program), result_arrays(program)
    comment = _comment(program, name, dtype)
    if header:
        return comment + HEADER.format(
            guard=f"SYMGRAD_{name.upper()}_H",
            one=_prototype(name, real, groups, results, count="", restrict=""),
            batch=_prototype(f"{name}_batch", real, groups, results, count="long n", restrict=""),
        )
    lines = [f"(void){array.identifier};" for array in unused_arrays(program)]
    style = routine_style(dtype)
    lines += body(program, with_routines(language(dtype), style, program.routines))
    functions = routine_lines(program.routines, language("float64"), style)
    codes = (part for r in program.routines for part in (r.code, *r.bodies))
    ops = {*program.counts, *(instruction.op for code in codes for instruction in code)}
    return "".join(
        (
            comment,
            "#include <math.h>\n",
            "#include <stdbool.h>\n" if ops & CONDITION_OPS else "",
            *("\n" + "\n".join(function) + "\n" for function in functions),
            f"\n{_prototype(name, real, groups, results)}\n{{\n",
            "".join(f"    {line}\n" for line in lines),
            "}\n",
            _batch(name, real, groups, results),
            _self_test(name, dtype, groups, results, point, values),
        )
    )


def language(dtype: Dtype) -> Language:
    """C99 with every value of type ``dtype``."""
    return Language(
        name="C",
        operations=OPERATIONS,
        words=WORDS[dtype],
        number=lambda value: literal(rounded(value, dtype), dtype),
        truth=("false", "true"),
        load="{0}[{1}]",
        real="const {real} {0} = {1};",
        condition="const bool {0} = {1};",
        store="{0}[{1}] = {2};",
        index=lambda _, position: str(position),
        comment="//",
    )


def literal(value: float, dtype: Dtype) -> str:
    """A float in C: the shortest decimal that reads back exactly."""
    if isnan(value):
        return "NAN"
    if isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return shortest(value, dtype) + WORDS[dtype]["f"]


def _comment(program: Program, name: str, dtype: Dtype) -> str:
    groups, results = group_arrays(program), result_arrays(program)
    shared = [array.identifier for array in groups if array.shared]
    once = f", {listed(shared)} once for all" if shared else ""
    paragraphs = [
        *wrapped(
            f"{listed(result.title for result in results)}, as straight-line C99.", " * ", " * "
        ),
        " *",
        *wrapped(f"{name} fills the result arrays at one point:", " * ", " * "),
        " *",
        *description(program, c_array, " *     "),
        " *",
        *wrapped(
            f"Arrays are row-major. {name}_batch takes n points, each array holding one "
            f"point's block after the other{once}. Arguments must not overlap with results.",
            " * ",
            " * ",
        ),
        " *",
        *wrapped(
            f"{program.total} operations in {WORDS[dtype]['real']}. Compile with "
            "-ffp-contract=off, and never with -ffast-math, for the same bits everywhere; with "
            "-DSYMGRAD_SELF_TEST and -lm it becomes a program that tests itself.",
            " * ",
            " * ",
        ),
    ]
    return "\n".join(("/*" + paragraphs[0][2:], *paragraphs[1:], " */\n"))


def _prototype(
    name: str,
    real: str,
    groups: Sequence[Array],
    results: Sequence[Array],
    count: str = "",
    restrict: str = "restrict ",
) -> str:
    head = f"void {name}("
    parts = [count] if count else []
    parts += [f"const {real} *{restrict}{array.identifier}" for array in groups]
    parts += [f"{real} *{restrict}{array.identifier}" for array in results]
    return "\n".join(packed(parts, ", ", head, " " * len(head))) + ")"


def _batch(name: str, real: str, groups: Sequence[Array], results: Sequence[Array]) -> str:
    at_i = []
    for array in (*groups, *results):
        step = "" if array.shared else f" + {array.size} * i" if array.size != 1 else " + i"
        at_i.append(f"{array.identifier}{step}")
    return BATCH.format(
        batch=_prototype(f"{name}_batch", real, groups, results, count="long n"),
        name=name,
        at_i=", ".join(at_i),
    )


def _self_test(
    name: str,
    dtype: Dtype,
    groups: Sequence[Array],
    results: Sequence[Array],
    point: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
) -> str:
    lines, errors = [], []
    real = WORDS[dtype]["real"]

    def constants(identifier: str, numbers: Sequence[float]) -> None:
        # C has no arrays of no elements.
        text = ", ".join(literal(number, dtype) for number in numbers) or "0"
        whole = f"static const {real} {identifier}[] = {{{text}}};"
        lines.extend(wrapped(whole, " " * 4, " " * 8))

    for group, numbers in zip(groups, point, strict=True):
        constants(group.identifier, numbers)
    for result, numbers in zip(results, values, strict=True):
        constants(f"expected_{result.identifier}", numbers)
        lines.append(f"    static {real} {result.identifier}[{max(result.size, 1)}];")
        given = f"{result.identifier}, expected_{result.identifier}, {result.size}"
        errors.append(f"    worst = fmax(worst, error_in_ulp({given}));")
    return SELF_TEST.format(
        name=name,
        arrays="\n".join(lines),
        arguments=", ".join(array.identifier for array in (*groups, *results)),
        errors="\n".join(errors),
        limit=SELF_TEST_LIMIT[dtype],
        **WORDS[dtype],
    )
