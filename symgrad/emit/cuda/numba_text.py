"""Program -> a Python module with a kernel for numba.cuda, readable and on its own.

This is for people who want the formulas in their own code, and for numba's CUDA simulator, which
runs it on a machine without a GPU. The simulator executes Python: it knows what ``math`` has, and
nothing of libdevice, so that the text keeps to that. symgrad's own kernels take another way
(``kernel.py``), because numba types long Python source slowly.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import replace
from math import isinf, isnan

from symgrad.emit.readable.numba_source import ENTRY, SELECT, routine_style
from symgrad.emit.readable.numba_source import JIT as ON_CPU
from symgrad.emit.readable.numba_source import OPERATIONS as CPU_OPERATIONS
from symgrad.emit.readable.routines import routine_lines, with_routines
from symgrad.emit.readable.walk import (
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
    shortest,
    words_of,
    wrapped,
)
from symgrad.emit.target import Dtype, Target
from symgrad.ir.layout import Layout
from symgrad.ir.program import PARAMETERS, Program

OPERATIONS: dict[str, str] = {
    **CPU_OPERATIONS,
    # What numba.cuda or its simulator lacks, or rounds otherwise.
    "rsqrt": "{one} / math.sqrt({0})",
    "fma": "cuda.fma({0}, {1}, {2})",
    "floor": "{real}(math.floor({0}))",
    "ceil": "{real}(math.ceil({0}))",
    "trunc": "{real}(math.trunc({0}))",
    "rint": "rint({0})",
    "fmod": "math.fmod({0}, {1})",
    "sign": "select({0} > 0, {one}, select({0} < 0, -{one}, {0}))",
    "exp2": "math.exp2({0})",
    "log2": "math.log2({0})",
    "cbrt": "cbrt({0})",
    "pow": "math.pow({0}, {1})",
}

PAIRS = {"sincos": "{0}_0, {0}_1 = math.sin({1}), math.cos({1})"}

WORDS = {
    "float64": {"real": "float", "one": "1.0"},
    "float32": {"real": "np.float32", "one": "np.float32(1)"},
}

JIT = "@cuda.jit(device=True)"

RINT = f'''

{JIT}
def rint(a):
    """The nearest whole number, halves to even; beyond 2**51 every number is one."""
    if abs(a) < 2251799813685248:
        return {{real}}(round(a))
    return a
'''

CBRT = f'''

{JIT}
def cbrt(a):
    """The cube root: a power, and one step of Newton's for its last digits."""
    if a == 0 or a - a != 0:
        return a
    root = {{real}}(math.copysign(math.pow(abs(a), {{one}} / {{real}}(3)), a))
    return root - (root - a / (root * root)) / {{real}}(3)
'''

KERNEL = '''

@cuda.jit
{head}
    """{what}"""
    for i in range(cuda.grid(1), {points}, cuda.gridsize(1)):
'''

ADVICE = (
    "Launch it as {name}[blocks, threads]({arguments}) with any numbers of both: a thread goes on "
    "with the point that lies as many points ahead as there are threads.",
    "Everything is computed in {dtype}, by IEEE arithmetic on a GPU. With NUMBA_ENABLE_CUDASIM=1 "
    "numba runs it in Python instead, without a GPU: there 1/0 and overflow are Python's errors.",
    "{operations} operations. numba compiles long straight-line code slowly: 5,000 operations take "
    "20 s, 20,000 seven minutes.",
)

TAKEN = (
    frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | words_of(*OPERATIONS.values(), *PAIRS.values(), JIT, SELECT, ENTRY, RINT, CBRT, KERNEL)
)


def numba_cuda_text(
    program: Program, target: Target, layout: Layout, *, name: str = "kernel"
) -> str:
    """A Python module with the kernel ``name`` for a batch of points.

    It takes the argument groups and then the results, in the Program's order. Points first, inputs
    have the shape (N, n) and a result of shape (m, n) is (N, m, n); points last they are (n, N)
    and (m, n, N). Parameters have one axis. Where points are summed, every point is added to
    results without an axis of points, in any order.

    Args:
        program: what is computed, lowered for CUDA or not.
        target: its dtype, and whether points are summed.
        layout: where the points stand, whether results are added to, and which groups are shared.
        name: the kernel's name; one that has a meaning in the code gets _kernel added.

    Raises:
        UnknownFunctionError: numba.cuda has no function for an operation.
        OptionError: ``name`` is no ASCII identifier.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("mul", (0, 0)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> square = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> target = Target("cuda", 1, "float64", "high", 1, 1)
        >>> text = numba_cuda_text(square, target, Layout())
        >>> [line.strip() for line in text.splitlines() if "v0" in line]
        ['v0 = x[0, i]  # a', 'v1 = v0 * v0', 'value[i] = v1']
    """
    name, dtype = function_name(name, TAKEN), target.dtype
    groups, results = group_arrays(program), result_arrays(program)
    alone = {*layout.values, *layout.shared, PARAMETERS}
    shared = {
        array.identifier
        for array, group in zip(groups, program.groups, strict=True)
        if group.name in alone
    }
    places = _Places(layout, shared, target.reduced)
    style = replace(routine_style(dtype), head=("", "", JIT, "def {0}({1}):"))
    spoken = replace(language(dtype), load_column=places.column)
    if target.reduced:
        spoken = replace(spoken, store="cuda.atomic.add({0}, {1}, {2})", index=_tuple)
    else:
        assign = "+=" if layout.accumulate else "="
        spoken = replace(spoken, store=f"{{0}}[{{1}}] {assign} {{2}}", index=places.entry)
    lines = body(program, with_routines(spoken, style, program.routines))
    made = routine_lines(program.routines, language("float64"), style)
    functions = [line for function in made for line in function]
    words = WORDS[dtype]
    helpers = {
        "select(": SELECT.replace(ON_CPU, JIT),
        "entry(": ENTRY.replace(ON_CPU, JIT),
        "rint(": RINT.format(**words),
        "cbrt(": CBRT.format(**words),
    }
    text = "\n".join((*functions, *lines))
    called = {word for word in helpers if f" {word}" in text or f"({word}" in text}
    called |= {"entry("} if "[entry(" in text else set()
    called |= {"select("} if "entry(" in called else set()
    head = "".join(helper for word, helper in helpers.items() if word in called)
    arrays = [array.identifier for array in (*groups, *results)]
    uses = "".join((head, text))
    return "".join(
        (
            _docstring(program, name, dtype, layout, shared, target.reduced),
            "\nimport math\n\n" if "math." in uses else "\n",
            "import numpy as np\n" if "np." in uses else "",
            "from numba import cuda\n",
            head,
            "".join(f"{line}\n" for line in functions),
            KERNEL.format(
                head=_statement(f"def {name}", arrays, ":"),
                what=_title(program, target.reduced),
                points=places.count(next(a for a in groups if a.identifier not in shared)),
            ),
            "".join(f"        {line}\n" for line in lines),
        )
    )


def operations(dtype: Dtype) -> dict[str, str]:
    """How operations are written.

    In the simulator what ``math`` gives is a Python float: it becomes a np.float32 again.
    """
    if dtype == "float64":
        return OPERATIONS
    return {op: _single(text) for op, text in OPERATIONS.items()}


def _single(text: str) -> str:
    for name in set(re.findall(r"(?<![(])(?:math|cuda)\.\w+\([^()]*\)", text)):
        text = text.replace(name, f"np.float32({name})")
    return text


def language(dtype: Dtype) -> Language:
    """Python as numba.cuda and its simulator read it, with every value of type ``dtype``."""

    def number(value: float) -> str:
        text = literal(rounded(value, dtype), dtype)
        return text if dtype == "float64" else f"np.float32({text})"

    return Language(
        name="numba.cuda",
        operations=operations(dtype),
        words=WORDS[dtype],
        number=number,
        truth=("False", "True"),
        load="{0}[{1}]",
        real="{0} = {1}",
        condition="{0} = {1}",
        store="{0}[{1}] = {2}",
        index=_alone,
        comment="#",
        pairs={op: _single(text) for op, text in PAIRS.items()} if dtype == "float32" else PAIRS,
    )


def literal(value: float, dtype: Dtype) -> str:
    """A float in Python; infinities and nan by the names in ``math``."""
    if isnan(value):
        return "math.nan"
    if isinf(value):
        return "math.inf" if value > 0 else "-math.inf"
    return shortest(value, dtype)


class _Places:
    """Where a point's columns and entries are in the arrays of a batch."""

    def __init__(self, layout: Layout, shared: set[str], reduced: bool) -> None:
        self.last, self.shared, self.reduced = layout.points == "last", shared, reduced

    def column(self, array: Array, column: int) -> str:
        if array.identifier in self.shared:
            return f"{array.identifier}[{column}]"
        return f"{array.identifier}[{self._at(str(column))}]"

    def entry(self, shape: tuple[int, ...], position: int) -> str:
        return self._at(*map(str, entry_index(shape, position)))

    def count(self, array: Array) -> str:
        return f"{array.identifier}.shape[{int(self.last)}]"

    def _at(self, *index: str) -> str:
        return ", ".join((*index, "i") if self.last else ("i", *index))


def _alone(shape: tuple[int, ...], position: int) -> str:
    return ", ".join(map(str, entry_index(shape or (1,), position)))


def _tuple(shape: tuple[int, ...], position: int) -> str:
    text = _alone(shape, position)
    return f"({text})" if "," in text else text


def _title(program: Program, reduced: bool) -> str:
    names = listed(result.title for result in result_arrays(program))
    return f"Add {names} of each point to the results." if reduced else f"Fill {names}."


def _docstring(
    program: Program, name: str, dtype: Dtype, layout: Layout, shared: set[str], reduced: bool
) -> str:
    groups, results = group_arrays(program), result_arrays(program)

    def shape(array: Array) -> str:
        alone = array.identifier in shared or (reduced and array in results)
        axes = array.shape if alone else ("N", *array.shape)
        if layout.points == "last" and not alone:
            axes = (*array.shape, "N")
        axes = axes or (1,)
        return f"{array.identifier} ({', '.join(map(str, axes))}{',' * (len(axes) == 1)})"

    fields = {
        "name": name,
        "arguments": ", ".join(array.identifier for array in (*groups, *results)),
        "dtype": dtype,
        "operations": program.total,
    }
    titles = listed(result.title for result in results)
    texts = [
        "\n".join(wrapped(f'"""{titles} at N points, as a kernel for numba.cuda.', "", "")),
        "\n".join(description(program, shape, "    ")),
        *("\n".join(wrapped(paragraph.format(**fields), "", "")) for paragraph in ADVICE),
    ]
    return "\n\n".join(texts) + '\n"""\n'


def _statement(head: str, items: Sequence[str], tail: str) -> str:
    """``head(items)tail`` on one line, or with the items on lines of their own."""
    line = f"{head}({', '.join(items)}){tail}"
    if len(line) <= WIDTH:
        return line
    inside = "\n".join(packed(items, ", ", " " * 4, " " * 4))
    return f"{head}(\n{inside}\n){tail}"
