"""Program -> CUDA C: one kernel over a batch of points, for NVRTC or for reading.

The text includes nothing and names nothing after what a user wrote. Points last, a thread computes
a point at a time, and neighbouring threads read and write neighbouring addresses as it stands;
points first, results go through ``staging.py``; sums over points are in ``sums.py``.

There are no launch bounds: told of 256 threads a block, the compiler takes more registers, not
fewer (the Jacobian of a robot arm: 254 instead of 80), and 255 are not too many for 256 threads.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import count

from symgrad.emit.cuda.dialect import REAL, definitions, functions, spoken
from symgrad.emit.cuda.fills import constant_rows, fill_lines, fill_tables, without
from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.staging import copy_functions, stage_lines, staged
from symgrad.emit.cuda.sums import (
    BLOCK,
    THREADS,
    sum_functions,
    sum_lines,
    summed,
    totals_source,
)
from symgrad.emit.readable.walk import (
    Array,
    Language,
    body,
    c_array,
    description,
    group_arrays,
    listed,
    packed,
    plain,
    result_arrays,
    wrapped,
)
from symgrad.emit.target import Target
from symgrad.ir.layout import Layout
from symgrad.ir.program import Program

__all__ = ["CudaKernel", "cuda_source", "totals_source"]

UNROLLED = 200
"""Operations up to which the compiler may compute several points of a thread at a time."""

POINTWISE = 256
"""Threads of a block where they have nothing to do with each other."""

LOOP = """    const long long stride = {threads}LL * gridDim.x;
{pragma}    for (long long i = {threads}LL * blockIdx.x + threadIdx.x; i < n; i += stride) {{
"""

APART = 16
"""Columns and entries a point up to which the compiler may keep their addresses.

Those of 84 entries take it 208 registers where 94 would do.
"""

FRESH = (
    "// The compiler must not see that these stay the same: it would compute all addresses",
    "// beforehand, from point to point, and run out of registers. So asm may have changed them.",
)

EVERY = 8
"""Stores after which asm may have changed the step again: addresses then share no parts for long.

For 196 spherical harmonics, with 30 live values, a kernel takes 80 registers, and 246 without.
"""


def cuda_source(program: Program, target: Target, layout: Layout) -> CudaKernel:
    """The kernel that computes a program at a batch of points, as CUDA C.

    It takes what ``symgrad.ir.layout.kernel_arguments`` lists, and is launched with any number of
    blocks of ``threads`` threads. Arithmetic is IEEE's if it is compiled with --fmad=false: what is
    fused is so in the Program. In float32 nothing is computed in double but special functions,
    which are by definition, and what NVIDIA's sine and cosine do to angles beyond 105615.

    Args:
        program: lowered for a GPU (``lowering.py``), one piece.
        target: its dtype, and whether points are summed.
        layout: how the arrays lie.

    Raises:
        UnknownFunctionError: CUDA C has no function for an operation.

    Example:
        >>> from symgrad.ir.program import Group, Instruction, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("mul", (0, 0)),
        ...         Instruction("store", (1,), (0, 0)))
        >>> square = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> target = Target("cuda", 1, "float64", "high", 1, 1)
        >>> text = cuda_source(square, target, Layout()).text
        >>> [line.strip() for line in text.splitlines() if "v1" in line]
        ['const double v1 = v0 * v0;', 'value[i] = v1;']
    """
    dtype = target.dtype
    places = Places(program, target, layout)
    language = replace(spoken(program, dtype), load_column=places.column)
    rows = places.definitions(language.words["real"])
    assign = "+=" if layout.accumulate else "="
    fills = () if target.reduced else constant_rows(program)
    rest = without(program, fills)
    block = 0
    if target.reduced:
        sums = summed(program, target)
        lines, helpers = sum_lines(sums, language, rows), sum_functions(sums, language)
        threads, points, block = THREADS, BLOCK, BLOCK
    elif layout.points == "first" and any(result.size > 1 for result in program.results):
        threads, tiles = staged(rest, target)
        rows += fill_lines(program, fills, language, assign, rows=True)
        lines = stage_lines(tiles, threads, language, target, assign, rows)
        helpers, points = copy_functions(tiles, target, language, assign), threads
    else:
        rows += fill_lines(program, fills, language, assign, rows=False)
        lines, helpers = _pointwise(rest, language, places, assign, rows), ""
        threads = points = POINTWISE
    made = functions(program, dtype) + fill_tables(fills) + helpers
    head = _head(program, target, layout, threads)
    tail = "".join(f"{line}\n" for line in ("{", *lines, "}"))
    text = "\n" + definitions(made + tail) + made
    parameters = _parameters(program, layout, language.words["real"])
    name = f"sg_{blake2b((text + parameters + tail).encode(), digest_size=8).hexdigest()}"
    text = f'{head}{text}\nextern "C" __global__ void\n{name}({parameters})\n{tail}'
    return CudaKernel(name, text, threads, points, block)


class Places:
    """Where the columns of a kernel's arguments and the entries of its results are."""

    def __init__(self, program: Program, target: Target, layout: Layout) -> None:
        self.layout, self.results = layout, result_arrays(program)
        arrays = group_arrays(program)
        named = zip(arrays, program.groups, strict=True)
        self.names = {array.identifier: group.name for array, group in named}
        alike = (*layout.values, *layout.shared, *layout.separate)
        self.own = [array for array in arrays if self.names[array.identifier] not in alike]
        stored = 0 if target.reduced else sum(result.size for result in self.results)
        known = layout.points == "first"
        addresses = 0 if known else stored + sum(array.size for array in self.own)
        self.mark = "_here" if addresses > APART else ""

    def definitions(self, real: str) -> list[str]:
        """The lines that begin the code of point ``i``."""
        steps = [f"{array.identifier}_step" for array in self.own]
        if self.layout.points == "first":
            return [
                f"const {real} *const {array.identifier}_row = {array.identifier} + i * {step};"
                for array, step in zip(self.own, steps, strict=True)
            ]
        if not self.mark:
            return []
        made = [f"{step}{self.mark} = {step}" for step in ("n", *steps)]
        kept = fresh(*(f"{step}{self.mark}" for step in ("n", *steps)))
        return [*FRESH, f"long long {', '.join(made)};", kept]

    def column(self, array: Array, column: int) -> str:
        """A column at point ``i``."""
        given, layout = array.identifier, self.layout
        name = self.names[given]
        if name in layout.values:
            return f"{given}_{column}"
        if name in layout.shared:
            return f"{given}[{column}]"
        if name in layout.separate:
            return f"{given}_{column}[i]"
        if layout.points == "first":
            return f"{given}_row[{column}]"
        return f"{given}[{_times(column, f'{given}_step{self.mark}')}i]"

    def entry(self, result: int, position: int) -> str:
        """An entry of a result at point ``i``, where the points are last or it is the only one."""
        return f"{self.results[result].identifier}[{_times(position, f'n{self.mark}')}i]"


def fresh(*names: str) -> str:
    """A statement after which the compiler knows nothing of 64-bit integers; it does nothing."""
    operands = ", ".join(f'"+l"({name})' for name in names)
    return f'asm volatile("" : {operands});'


def _times(factor: int, step: str) -> str:
    return "" if factor == 0 else f"{step} + " if factor == 1 else f"{factor} * {step} + "


def _pointwise(
    program: Program, language: Language, places: Places, assign: str, rows: list[str]
) -> list[str]:
    """The lines of a kernel whose threads compute a point at a time."""
    stores = count(1)

    def store(result: int, position: int, value: str) -> list[str]:
        line = f"{places.entry(result, position)} {assign} {value};"
        again = places.mark and next(stores) % EVERY == 0
        return [line, fresh(f"n{places.mark}")] if again else [line]

    pragma = "    #pragma unroll 1\n" if program.total > UNROLLED else ""
    lines = [*rows, *body(program, replace(language, store_entry=store))]
    head = LOOP.format(threads=POINTWISE, pragma=pragma).splitlines()
    return [*head, *(" " * 8 + line for line in lines), "    }"]


def _parameters(program: Program, layout: Layout, real: str) -> str:
    """The parameters of a kernel, as ``kernel_arguments`` lists them."""
    given = ["const long long n"]
    for array, group in zip(group_arrays(program), program.groups, strict=True):
        name = array.identifier
        if group.name in layout.values:
            given += [f"const {real} {name}_{column}" for column in range(array.size)]
            continue
        if group.name in layout.separate:
            columns = range(array.size)
            given += [f"const {real} *__restrict__ {name}_{column}" for column in columns]
            continue
        given.append(f"const {real} *__restrict__ {name}")
        if group.name not in layout.shared:
            given.append(f"const long long {name}_step")
    given += [f"{real} *__restrict__ {array.identifier}" for array in result_arrays(program)]
    return "\n".join(packed(given, ", ", " " * len("sg_0123456789abcdef("), "    ")).strip()


def _head(program: Program, target: Target, layout: Layout, threads: int) -> str:
    """The comment that says what a kernel does."""
    results = result_arrays(program)
    titles, real = listed(array.title for array in results), REAL[target.dtype]
    first = layout.points == "first"
    lie = "x[i * x_step + column]" if first else "x[column * x_step + i]"
    entry = "value[i * size + entry]" if first else "value[entry * n + i]"
    verb = "is increased" if layout.accumulate else "is stored"
    what = f"{titles} at n points, in {real}."
    how = f"Point i has its columns at {lie}; {entry} {verb}, arrays being row-major."
    if target.reduced:
        what = f"{titles}, summed over points in {real}."
        how = f"Point i has its columns at {lie}; value[b * size + entry] is the sum over block b."
        how += f" A block has {BLOCK} points, whatever the grid is."
    names = {group.name for group in program.groups}
    alone = [plain(name) for name in (*layout.values, *layout.shared) if name in names]
    how += f" All points have {listed(alone)} in common." if alone else ""
    apart = [plain(name) for name in layout.separate if name in names]
    how += f" Each column of {listed(apart)} is an array of its own." if apart else ""
    paragraphs = [
        *wrapped(what, " * ", " * "),
        " *",
        *description(program, c_array, " *     "),
        " *",
        *wrapped(how, " * ", " * "),
        " *",
        *wrapped(
            f"{program.total} operations. Launch with {threads} threads a block and any number of "
            "blocks; compile with --fmad=false for the same bits everywhere.",
            " * ",
            " * ",
        ),
    ]
    return "\n".join(("/*" + paragraphs[0][2:], *paragraphs[1:], " */"))
