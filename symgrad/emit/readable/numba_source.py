"""Program -> a Python module for numba, readable and on its own: it needs numpy and numba alone.

This is for people who want the formulas in their own code. symgrad's own kernels take another way
(LLVM IR), because numba types long Python source slowly.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from math import isinf, isnan

from symgrad.emit.readable.routines import RoutineStyle, routine_lines, with_routines
from symgrad.emit.readable.walk import (
    SELF_TEST_LIMIT,
    WIDTH,
    Array,
    Language,
    body,
    description,
    entry_index,
    function_name,
    group_arrays,
    listed,
    packed,
    result_arrays,
    rounded,
    self_test_numbers,
    shortest,
    words_of,
    wrapped,
)
from symgrad.emit.target import Dtype
from symgrad.ir.program import Program

# math.floor, ceil and trunc make integers in numba; numpy's stay floats. A conditional expression
# is several basic blocks to numba, and a thousand of them in one function take it a minute (2,000
# values, half of them selects: 82 s as expressions, 5 s as calls). & and | make no blocks either.
# fmt: off
OPERATIONS: dict[str, str] = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "neg": "-{0}", "sqrt": "math.sqrt({0})",
    "lt": "{0} < {1}", "le": "{0} <= {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "and": "{0} & {1}", "or": "{0} | {1}", "not": "not {0}", "select": "select({0}, {1}, {2})",
    "floor": "np.floor({0})", "ceil": "np.ceil({0})", "trunc": "np.trunc({0})",
    "rint": "np.rint({0})", "abs": "abs({0})", "fmod": "np.fmod({0}, {1})",
    "sign": "select({0} > 0, {real}(1), select({0} < 0, {real}(-1), {0}))",
    "exp": "math.exp({0})", "exp2": "np.exp2({0})", "expm1": "math.expm1({0})",
    "log": "math.log({0})", "log1p": "math.log1p({0})", "log2": "np.log2({0})",
    "log10": "math.log10({0})", "cbrt": "np.cbrt({0})", "pow": "{0} ** {1}",
    "hypot": "math.hypot({0}, {1})",
    "sin": "math.sin({0})", "cos": "math.cos({0})", "tan": "math.tan({0})",
    "asin": "math.asin({0})", "acos": "math.acos({0})", "atan": "math.atan({0})",
    "atan2": "math.atan2({0}, {1})",
    "sinh": "math.sinh({0})", "cosh": "math.cosh({0})", "tanh": "math.tanh({0})",
    "asinh": "math.asinh({0})", "acosh": "math.acosh({0})", "atanh": "math.atanh({0})",
    "erf": "math.erf({0})", "erfc": "math.erfc({0})", "fma": "fma({0}, {1}, {2})",
}
# fmt: on

WORDS = {"float64": {"real": "float"}, "float32": {"real": "np.float32"}}

JIT = '@njit(nogil=True, error_model="numpy")'

BLOCK = 32
"""Entries that are stored by one call where there are more than MOST_STORES of them in all."""

MOST_STORES = 64
"""Entries that are stored by a statement each.

A thousand such statements take numba minutes (800 entries of a matrix: 25 s; 40 calls: 2 s).
"""

SELECT = f'''

{JIT}
def select(condition, chosen, other):
    """chosen where the condition holds, else other: both are computed already."""
    return chosen if condition else other
'''

ENTRY = f'''

{JIT}
def entry(index, last):
    """The place of an index in a table: beyond an end that end, of nan the beginning."""
    return int(select(index > 0.0, select(index < last, index, last), 0.0))
'''

FMA = '''

@intrinsic
def fma(context, a, b, c):
    """a*b + c, rounded once."""

    def emit(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return a(a, b, c), emit
'''

FILL = f'''

{JIT}
def fill(row, values):
    """Store values one after the other; a statement for each would compile far more slowly."""
    for i in range(len(values)):
        row[i] = values[i]
'''

BATCH = '''

{jit}
{head}
    """The same at N points: an axis of points comes first in every array{but}."""
    points = {first}.shape[0]
{check}    for i in range(points):
{call}
'''

CHECK = """{condition}
        raise ValueError("the arrays have different numbers of points")
"""

ERROR = '''

def error_in_ulp(got, expected):
    """The largest error, in ulp of the expected entry or of a thousandth of the largest one.

    The larger of the two counts: an entry may be what is left after terms have cancelled.
    """
    got, expected = got.ravel(), expected.ravel()
    size = np.where(np.isfinite(expected), np.abs(expected), 0)
    largest = size.max(initial=0) or expected.dtype.type(1)
    scale = np.maximum(np.maximum(size, largest / 1000), np.finfo(expected.dtype).tiny)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got - expected) / np.abs(np.spacing(scale))
    equal = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return float(np.where(equal, 0, np.where(np.isnan(error), np.inf, error)).max(initial=0))
'''

SELF_TEST = '''

def self_test():
    """Compare one point with {digits}-digit arithmetic: 0 if all is well, else 1."""
{arrays}
{call}
    worst = max(
        [
{errors}
        ]
    )
    passed = worst <= {limit!r}
    print(f"self-test {{'passed' if passed else 'FAILED'}}: largest error {{worst:.3g}} ulp")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(self_test())
'''

TAKEN = (
    frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | words_of(*OPERATIONS.values(), JIT, SELECT, ENTRY, FMA, FILL, BATCH, CHECK, ERROR, SELF_TEST)
)


def routine_style(dtype: Dtype) -> RoutineStyle:
    """A compiled function of doubles, between which and np.float32 its callers convert."""
    double = dtype == "float64"
    return RoutineStyle(
        head=("", "", JIT, "def {0}({1}):"),
        parameter="{0}",
        back="return {0}",
        tail=(),
        turn="for k in range({0}):",
        counter="float(k)",
        state="{0} = {1}",
        assign="{0} = {1}",
        leave=("if not {0}:", "    break"),
        done=(),
        table=("", "", "{0} = np.array([{2}])"),
        lookup="{0}[entry({2}, {1})]",
        given="{0}" if double else "np.float64({0})",
        taken="{0}" if double else "np.float32({0})",
    )


def numba_source(
    program: Program,
    *,
    name: str = "kernel",
    dtype: Dtype = "float64",
    test_point: Sequence[Sequence[float]],
    test_values: Sequence[Sequence[float]],
) -> str:
    """A Python module with the functions ``name``, for one point, and ``name_batch``, for many.

    Both take the argument groups and then the results, in the Program's order, and fill the
    results: ``kernel(x, p, value, jacobian)`` with x of shape (n,) and jacobian of shape (m, n), a
    result of shape () being an array of shape (1,). ``kernel_batch`` has an axis of N points first
    in every array but the parameters, and a result of shape () has shape (N,). Arithmetic is
    IEEE's: 1/0 is inf, log(-1) is nan. Run as a script, the module tests itself.

    Args:
        program: what to print.
        name: the function's name; one that has a meaning in the code gets _kernel added.
        dtype: the type in which everything is computed.
        test_point: one number a column of each group, best exact in ``dtype``.
        test_values: the results there, from more exact arithmetic, one an entry of each result.

    Raises:
        UnknownFunctionError: numba has no function for an operation.
        OptionError: ``name`` is no ASCII identifier.
        ShapeError: test_point or test_values do not fit the Program.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("mul", (0, 0)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> square = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> text = numba_source(square, test_point=[[3.0]], test_values=[[9.0]])
        >>> [line for line in text.splitlines() if "v1" in line]
        ['    v1 = v0 * v0', '    value[0] = v1']
    """
    name = function_name(name, TAKEN)
    point, values = self_test_numbers(program, dtype, test_point, test_values)
    groups, results = group_arrays(program), result_arrays(program)
    arguments = [array.identifier for array in (*groups, *results)]
    entries = sum(result.size for result in results)
    style, spoken = routine_style(dtype), language(dtype, BLOCK if entries > MOST_STORES else 1)
    lines = body(program, with_routines(spoken, style, program.routines))
    made = routine_lines(program.routines, language("float64"), style)
    functions = [line for function in made for line in function]
    filled = listed(result.identifier for result in results)

    def used(word: str) -> bool:
        return any(word in line for line in (*functions, *lines))

    return "".join(
        (
            _docstring(program, name, dtype),
            "\nimport math\n" if used("math.") else "",
            "\nimport numpy as np\nfrom numba import njit\n",
            "from numba.extending import intrinsic\n" if used("= fma(") else "",
            SELECT if used("= select(") or used("[entry(") else "",
            ENTRY if used("[entry(") else "",
            FMA if used("= fma(") else "",
            FILL if any(line.startswith("fill(") for line in lines) else "",
            "".join(f"{line}\n" for line in functions),
            f"\n\n{JIT}\n{_statement(f'def {name}', arguments, ', ', ':', '')}\n",
            f'    """Fill {filled} at one point."""\n',
            "".join(f"    {line}\n" for line in lines),
            _batch(name, groups, results),
            ERROR,
            _self_test(name, dtype, groups, results, point, values),
        )
    )


def language(dtype: Dtype, block: int = 1) -> Language:
    """Python as numba compiles it, with every value of type ``dtype``."""

    def number(value: float) -> str:
        text = literal(rounded(value, dtype), dtype)
        # A bare literal is a double to numba and would make doubles of what it meets.
        return text if dtype == "float64" else f"np.float32({text})"

    return Language(
        name="numba",
        operations=OPERATIONS,
        words=WORDS[dtype],
        number=number,
        truth=("False", "True"),
        load="{real}({0}[{1}])",
        real="{0} = {1}",
        condition="{0} = {1}",
        store="{0}[{1}] = {2}",
        index=_index,
        comment="#",
        block=block,
        store_block=_fill,
    )


def _fill(array: Array, first: int, values: list[str]) -> list[str]:
    *row, column = entry_index(array.shape, first)
    whole = len(values) == array.shape[-1]
    place = [*map(str, row), *([] if whole else [f"{column}:{column + len(values)}"])]
    target = f"{array.identifier}[{', '.join(place)}]" if place else array.identifier
    lines = packed(values, ", ", f"fill({target}, (", " " * 4)
    return [*lines[:-1], f"{lines[-1]}))"]


def literal(value: float, dtype: Dtype) -> str:
    """A float in Python; infinities and nan by numpy's names."""
    if isnan(value):
        return "np.nan"
    if isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return shortest(value, dtype)


def _index(shape: tuple[int, ...], position: int) -> str:
    return ", ".join(map(str, entry_index(shape or (1,), position)))


def _shape(array: Array) -> str:
    return f"{array.identifier} {array.shape or (1,)}"


def _docstring(program: Program, name: str, dtype: Dtype) -> str:
    results = result_arrays(program)
    alone = [result.identifier for result in results if not result.shape]
    flat = f" Results without axes of their own have shape (N,): {listed(alone)}." if alone else ""
    paragraphs = (
        f'"""{listed(result.title for result in results)}, as straight-line code for numba.',
        f"{name} fills the result arrays at one point, where the arrays have the shapes",
        f"{name}_batch has an axis of N points first in every array{_but(group_arrays(program))}."
        f"{flat} Everything is computed in {dtype}, without bounds checks, by IEEE arithmetic: 1/0 "
        "is inf.",
        f"{program.total} operations. numba compiles long straight-line code slowly: about 1.4 ms "
        "an operation, and more in very long functions; cache=True in njit keeps the result "
        "between runs. Run as a script, this module tests itself.",
    )
    texts = ["\n".join(wrapped(paragraph, "", "")) for paragraph in paragraphs]
    texts.insert(2, "\n".join(description(program, _shape, "    ")))
    return "\n\n".join(texts) + '\n"""\n'


def _but(groups: Sequence[Array]) -> str:
    shared = [array.identifier for array in groups if array.shared]
    return f" but {listed(shared)}" if shared else ""


def _statement(head: str, items: Sequence[str], joint: str, tail: str, indent: str) -> str:
    """``head(items)tail`` on one line, or with the items on lines of their own."""
    line = f"{indent}{head}({joint.join(items)}){tail}"
    if len(line) <= WIDTH:
        return line
    inside = "\n".join(packed(items, joint, indent + " " * 8, indent + " " * 8))
    return f"{indent}{head}(\n{inside}\n{indent}){tail}"


def _batch(name: str, groups: Sequence[Array], results: Sequence[Array]) -> str:
    arrays = (*groups, *results)
    first = results[0].identifier
    others = [a.identifier for a in arrays if not a.shared and a.identifier != first]
    differ = [f"{other}.shape[0] != points" for other in others]
    at_i = []
    for array in arrays:
        place = "" if array.shared else "[i]" if array.shape else "[i : i + 1]"
        at_i.append(f"{array.identifier}{place}")
    check = ""
    if differ:
        condition = f"    if {' or '.join(differ)}:"
        if len(condition) > WIDTH:
            condition = _statement("if ", differ, " or ", ":", " " * 4)
        check = CHECK.format(condition=condition)
    return BATCH.format(
        jit=JIT,
        head=_statement(f"def {name}_batch", [a.identifier for a in arrays], ", ", ":", ""),
        but=_but(groups),
        first=first,
        check=check,
        call=_statement(name, at_i, ", ", "", " " * 8),
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

    def array(identifier: str, numbers: Sequence[float], reshape: str = "") -> None:
        text = ", ".join(literal(number, dtype) for number in numbers)
        whole = f"{identifier} = np.array([{text}], dtype=np.{dtype}){reshape}"
        lines.extend(wrapped(whole, " " * 4, " " * 8))

    for group, numbers in zip(groups, point, strict=True):
        array(group.identifier, numbers)
    for result, numbers in zip(results, values, strict=True):
        expected = f"expected_{result.identifier}"
        reshape = f".reshape({result.shape})" if len(result.shape) > 1 else ""
        array(expected, numbers, reshape)
        lines.append(f"    {result.identifier} = np.full_like({expected}, np.nan)")
        errors.append(f"            error_in_ulp({result.identifier}, {expected}),")
    return SELF_TEST.format(
        name=name,
        digits=50,
        arrays="\n".join(lines),
        call=_statement(name, [a.identifier for a in (*groups, *results)], ", ", "", " " * 4),
        errors="\n".join(errors),
        limit=SELF_TEST_LIMIT[dtype],
    )
