"""What a compiled function says of itself: counts, error bounds, readable source, LLVM IR."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import mpmath
import numpy as np

from symgrad.emit.readable.arrays import numpy_source, torch_source
from symgrad.emit.readable.c import c_source
from symgrad.emit.readable.numba_source import numba_source
from symgrad.emit.readable.walk import rounded
from symgrad.errors import OptionError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.definition import invariant_name, state_name
from symgrad.ir.evaluate import mpmath_arithmetic, run
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import UNCOUNTED, Group, Instruction, Program, Result
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Tensor
from symgrad.options import NEVER, Dtype, Options, choose
from symgrad.portfolio import weighted
from symgrad.runtime.operations import Details, Operations
from symgrad.runtime.sparsity import Sparsity
from symgrad.tiers import kernel_target

WRITERS: Mapping[str, Callable[..., str]] = {
    "numba": numba_source,
    "c": c_source,
    "numpy": numpy_source,
    "torch": torch_source,
}
"""Languages of readable source that tests itself."""

GPU_WRITERS = ("cuda", "numba-cuda")
"""Languages of readable source for GPUs: CUDA C, and Python for numba-cuda."""

PLAIN_NAME = re.compile("[A-Za-z][A-Za-z_0-9]{0,59}")
"""Names that a function may have in every language of WRITERS."""

SAMPLE_RANGE = (0.5, 0.875)
"""Where a self-test takes variables whose range is not known: inside most functions' domains."""


def details(
    recipe: Recipe,
    options: Options,
    graph: Graph,
    tensors: Sequence[Tensor],
    program: Program,
    before: Callable[[], Program] | None = None,
) -> Details:
    """Everything that people ask of a compiled function besides its results.

    Args:
        recipe: what was compiled.
        options: of the compilation.
        graph: the simplified graph.
        tensors: its results.
        program: as it is scheduled.
        before: makes the Program of the same results without simplification, to be counted.
    """
    table = graph.table
    return Details(
        program=program,
        operations=count_operations(program, before, table),
        bounds=partial(_bounds, program, options, table),
        source=partial(source, recipe, _with_patterns(program, tensors), options, table=table),
        llvm=partial(_llvm, program, options),
        graph=graph,
        sparsity={tensor.name: sparsity(graph, tensor) for tensor in tensors},
    )


def _bounds(program: Program, options: Options, table: Mapping[str, Primitive]) -> dict[str, Any]:
    """For every function that a kernel calls: who computes it and the error bound in ulp."""
    if options.target == "cuda":
        from symgrad.cuda import gpu_bounds  # noqa: PLC0415 - for GPUs alone

        return gpu_bounds(program, options, table)
    from symgrad.emit.providers.provider import delivered  # noqa: PLC0415 - numba, which takes a while

    width = kernel_target(program, options).width
    called = [table[op] for op in program.counts if op in table]
    return {
        row.name: delivered(row, width, options.dtype, options.accuracy)
        for row in called
        if row.kind in ("call", "routine", "outside")
    }


def _llvm(program: Program, options: Options) -> str:
    """The LLVM IR of a kernel.

    Raises:
        OptionError: it is never to be compiled, or not for a CPU.
    """
    if options.jit == "never":
        raise OptionError(NEVER.format("LLVM IR"))
    if options.target == "cuda":
        raise OptionError("fn.llvm() is what a CPU's kernel is made of; a GPU's is fn.ptx()")
    from symgrad.emit.kernels.kernel import llvm_text  # noqa: PLC0415 - as above

    return llvm_text(program, kernel_target(program, options))


def _with_patterns(program: Program, tensors: Sequence[Tensor]) -> Program:
    """The Program with the pattern of every sparse result, which readable source tells."""
    pairs = zip(program.results, tensors, strict=True)
    results = tuple([replace(result, pattern=tensor.pattern) for result, tensor in pairs])
    return replace(program, results=results)


def sparsity(graph: Graph, tensor: Tensor) -> Sparsity:
    """Where the entries are that are not structural zeros."""
    if tensor.pattern is not None:
        return Sparsity.of(tensor.pattern)
    present = np.array([not graph.is_zero(node) for node in tensor.nodes], dtype=bool)
    return Sparsity(tensor.shape, np.argwhere(present.reshape(tensor.shape)))


def count_operations(
    program: Program,
    before: Callable[[], Program] | None = None,
    table: Mapping[str, Primitive] = PRIMITIVES,
) -> Operations:
    """Operations of a program, and of the one that ``before`` makes when it is asked for."""
    counted = {op: n for op, n in sorted(program.counts.items()) if op not in UNCOUNTED}
    later = None if before is None else partial(_counted_later, before, table)
    return Operations(counted, weighted(program, table), later)


def _counted_later(before: Callable[[], Program], table: Mapping[str, Primitive]) -> Operations:
    return count_operations(before(), None, table)


def source(
    recipe: Recipe,
    program: Program,
    options: Options,
    target: str,
    table: Mapping[str, Primitive] = PRIMITIVES,
) -> str:
    """Readable, self-contained source; for a CPU it has a self-test at one point.

    Raises:
        OptionError: there is no source for ``target``.
        UnknownFunctionError: a function is a Python function, which no source can hold.
    """
    choose("target", target, (*WRITERS, *GPU_WRITERS))
    if program.outside:
        raise UnknownFunctionError(
            f"{program.outside[0].name!r} is a Python function that numba compiled, which "
            f"{target} source cannot hold; give sg.function a definition= or an expansion= of it "
            "in place of numba="
        )
    if target in GPU_WRITERS:
        from symgrad.cuda import gpu_source  # noqa: PLC0415 - for GPUs alone

        return gpu_source(program, options, target)
    point, values = sample(program, recipe.ranges, options.dtype, table)
    return WRITERS[target](
        program,
        name=recipe.name if PLAIN_NAME.fullmatch(recipe.name) else "kernel",
        dtype=options.dtype,
        test_point=point,
        test_values=values,
    )


def sample(
    program: Program,
    ranges: Mapping[str, tuple[float, float]],
    dtype: Dtype,
    table: Mapping[str, Primitive] = PRIMITIVES,
) -> tuple[list[list[float]], list[list[float]]]:
    """A point for a self-test, inside ``ranges``, and the results there, with 50 digits."""
    point = []
    for k, group in enumerate(program.groups):
        limits = [ranges.get(name, SAMPLE_RANGE) for name in group.columns]
        # Different fractions of the ranges, so that no two variables are equal.
        fractions = [(0.5 + (7 * i + 3 * k) % 11) / 12 for i in range(len(limits))]
        pairs = zip(limits, fractions, strict=True)
        point.append([rounded(low + (high - low) * part, dtype) for (low, high), part in pairs])
    with mpmath.workdps(50):
        exact = [[mpmath.mpf(value) for value in group] for group in point]
        results = run(program, table, exact, mpmath_arithmetic())
        return point, [[float(value) for value in result] for result in results]


def program_text(program: Program) -> str:
    """One line an instruction: its number, what it is, and where loads and stores go."""
    lines = _code_text(program.code, program.groups, program.results)
    for routine in program.routines:
        names = tuple(f"a{i}" for i in range(routine.arity))
        value = (Result("value", ()),)
        lines += ["", f"{routine.name}({', '.join(names)}):"]
        lines += _code_text(routine.code, (Group("arguments", names),), value)
        for index, body in enumerate(routine.bodies):
            count = sum(instruction.op == "store" for instruction in body) - 1
            inside = max((i.data[1] for i in body if i.op == "load"), default=0) - count
            columns = ("k", *map(state_name, range(count)), *map(invariant_name, range(inside)))
            lines += [f"body {index}:"]
            after = (Result("turn", (count + 1,)),)
            lines += _code_text(body, (Group("before", columns),), after)
    return "\n".join(lines)


def _code_text(
    code: Sequence[Instruction], groups: Sequence[Group], results: Sequence[Result]
) -> list[str]:
    lines = []
    for index, (op, args, data) in enumerate(code):
        given = " ".join(f"%{argument}" for argument in args)
        if op == "load":
            given = f"{groups[data[0]].name}[{groups[data[0]].columns[data[1]]}]"
        elif op == "store":
            given += f" -> {results[data[0]].name}[{data[1]}]"
        elif op == "loop":
            given += f" body {data[0]}, {data[1]} states, {data[2]} turns at most"
        elif op in ("part", "lookup"):
            given += f" [{data}]" if op == "part" else f" table {data}"
        elif data is not None:
            given = repr(data)
        lines.append(f"%{index} = {op} {given}" if op != "store" else f"store {given}")
    return lines
