"""What a compiled function says of itself: counts, error bounds, readable source, LLVM IR."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import mpmath
import numpy as np

from symgrad.emit.c_source import c_source
from symgrad.emit.kernel import cpu_target, llvm_text
from symgrad.emit.numba_source import numba_source
from symgrad.emit.provider import implementation
from symgrad.emit.source import rounded
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, run
from symgrad.ir.graph import Graph
from symgrad.ir.program import UNCOUNTED, Program
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Tensor
from symgrad.options import Dtype, Options, choose
from symgrad.portfolio import weighted
from symgrad.runtime.function import Details
from symgrad.runtime.operations import Operations
from symgrad.runtime.sparsity import Sparsity

WRITERS = {"numba": numba_source, "c": c_source}
"""Languages of readable source."""

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
    target = cpu_target(program, options.dtype, options.accuracy)
    called = [op for op in program.counts if op in PRIMITIVES and PRIMITIVES[op].kind == "call"]
    return Details(
        program=program,
        operations=count_operations(program, before),
        accuracy={
            op: implementation(op, target.width, options.dtype, options.accuracy) for op in called
        },
        source=partial(source, recipe, _with_patterns(program, tensors), options),
        llvm=partial(llvm_text, program, target),
        graph=graph,
        sparsity={tensor.name: sparsity(graph, tensor) for tensor in tensors},
    )


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


def count_operations(program: Program, before: Callable[[], Program] | None = None) -> Operations:
    """Operations of a program, and of the one that ``before`` makes when it is asked for."""
    counted = {op: n for op, n in sorted(program.counts.items()) if op not in UNCOUNTED}
    return Operations(counted, weighted(program), before and (lambda: count_operations(before())))


def source(recipe: Recipe, program: Program, options: Options, target: str) -> str:
    """Readable, self-contained source with a self-test at one point.

    Raises:
        OptionError: there is no source for ``target``.
    """
    choose("target", target, WRITERS)
    point, values = sample(program, recipe.ranges, options.dtype)
    return WRITERS[target](
        program,
        name=recipe.name if PLAIN_NAME.fullmatch(recipe.name) else "kernel",
        dtype=options.dtype,
        test_point=point,
        test_values=values,
    )


def sample(
    program: Program, ranges: Mapping[str, tuple[float, float]], dtype: Dtype
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
        results = run(program, PRIMITIVES, exact, mpmath_arithmetic())
        return point, [[float(value) for value in result] for result in results]


def program_text(program: Program) -> str:
    """One line an instruction: its number, what it is, and where loads and stores go."""
    lines = []
    for index, (op, args, data) in enumerate(program.code):
        given = " ".join(f"%{argument}" for argument in args)
        if op == "load":
            given = f"{program.groups[data[0]].name}[{program.groups[data[0]].columns[data[1]]}]"
        elif op == "store":
            given += f" -> {program.results[data[0]].name}[{data[1]}]"
        elif data is not None:
            given = repr(data)
        lines.append(f"%{index} = {op} {given}" if op != "store" else f"store {given}")
    return "\n".join(lines)
