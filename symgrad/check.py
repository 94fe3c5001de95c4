"""check(): a compiled function against 50-digit arithmetic, numerical derivatives and PyTorch.

Three oracles, none of which uses the compiled code:

===========  ========================================================================================
mpmath       the derivative graph as differentiation made it, neither simplified nor scheduled, in
             50 digits, entry by entry: finds faults of simplification, scheduling and code
difference   that graph against difference quotients of the value alone, with 60 digits and more,
             along a random direction: finds faults of the rules of differentiation
torch        ``torch.func`` on the value in float64: derivatives and conventions of another library
===========  ========================================================================================

How exact a float can be depends on the formula and the point, so an entry passes against mpmath
when its error is at most twice the rounding error that its own instructions can make there
(``rounding_bounds``), or with ``tolerance=t`` when it is at most t times the largest entry of the
same array at that point.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from symgrad.api import read_system
from symgrad.differentiate.tensors import COTANGENT, TANGENT, derive
from symgrad.errors import ArgumentError, MissingDependencyError, UnknownFunctionError
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.system import System, Tensor
from symgrad.options import choose

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

Array = NDArray[Any]

ORACLES = ("mpmath", "torch")
DIGITS = 50
RANGE = (0.5, 1.5)
"""Where a variable is drawn whose range is not given."""

SAFETY = 2.0
"""An error may be this many times the bound of the rounding errors: it is of first order."""

DIFFERENCE_STEP = 200
"""Difference quotients use the step 2**-200; their error is about as large."""

DIFFERENCE_TOLERANCE = 1e-12
"""Agreement of rules and difference quotients: rows may hold constants rounded to double."""

DIFFERENCE_WORK = 300_000
"""Nodes that the difference quotients of one result may evaluate; at least three points."""

TORCH_TOLERANCE = 1e-9
"""Of the largest entry: torch rounds too, and often evaluates a worse conditioned formula."""

ILL_CONDITIONED = 1e-3


@dataclass(frozen=True, slots=True)
class Row:
    """One result against one oracle.

    Attributes:
        result: the result's name.
        oracle: "mpmath", "difference" or "torch".
        passed: whether every judged entry is good enough.
        entries: how many entries were judged, over all points.
        worst_ulp: largest error in units in the last place of the exact entry.
        worst_relative: largest error relative to the largest entry of its array at its point.
        worst_bound: largest error relative to the bound of its rounding errors; below 2 is good.
        point: where the worst entry is: name -> value.
        entry: its index in the result's array.
        got: the value there.
        expected: what the oracle has.
        note: what else is to be known.
    """

    result: str
    oracle: str
    passed: bool
    entries: int
    worst_ulp: float
    worst_relative: float
    worst_bound: float
    point: Mapping[str, float]
    entry: tuple[int, ...]
    got: float
    expected: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What ``check`` found; falsy when a row failed.

    Attributes:
        function: the function's ``repr``.
        dtype: of the function.
        points: how many points were used.
        seed: of the random points.
        rows: one row a result and oracle.
        notes: what was left out, and why.
    """

    function: str
    dtype: str
    points: int
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        table = [("result", "oracle", "", "worst ulp", "of largest", "of bound", "where")]
        for row in self.rows:
            figures = [f"{x:.3g}" for x in (row.worst_ulp, row.worst_relative, row.worst_bound)]
            verdict = "ok" if row.passed else "FAILED"
            table.append((row.result, row.oracle, verdict, *figures, _place(row)))
        widths = [max(len(line[column]) for line in table) for column in range(6)]
        lines = [f"{self.function}: {self.points} points, seed {self.seed}"]
        for line in table:
            cells = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
            lines.append("  ".join([*cells, line[6]]).rstrip())
        for row in self.rows:
            if not row.passed:
                lines.append(
                    f"{row.result} against {row.oracle}: got {row.got!r}, expected "
                    f"{row.expected!r} at {_place(row)}"
                )
        lines += [f"{row.result} against {row.oracle}: {row.note}" for row in self.rows if row.note]
        return "\n".join([*lines, *self.notes, "passed" if self else "FAILED"])

    def to_json(self) -> str:
        """The report as JSON; nan and infinities are strings."""
        return json.dumps({"passed": bool(self), **_plain(asdict(self))}, indent=2)


def _place(row: Row) -> str:
    entry = "".join(f"[{index}]" for index in row.entry)
    point = ", ".join(f"{name}={value!r}" for name, value in row.point.items())
    return f"{entry} {point}".strip()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return repr(value) if isinstance(value, float) and not np.isfinite(value) else value


def check(
    fn: CompiledFunction,
    points: Any = None,
    against: str | Iterable[str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    count: int = 16,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    tolerance: float | None = None,
) -> Report:
    """Compare every result of a compiled function with independent arithmetic.

    Args:
        fn: what ``sg.compile`` made.
        points: shape (N, n), or name -> values of shape (N,); by default ``count`` random points
            where the value is finite.
        against: "mpmath", "torch" or both; by default mpmath, and torch where it is installed.
        parameters: name -> value, or values of shape (N,); drawn at random where not given.
        count: number of random points.
        seed: of the random numbers.
        ranges: name -> (low, high) for the random numbers, (0.5, 1.5) where not given.
        tolerance: allowed error relative to the largest entry of the same array at a point; by
            default twice the bound of the entry's rounding errors.

    Raises:
        ArgumentError: the points do not fit, or no random point gives a finite value.
        MissingDependencyError: torch is asked for and not installed.
        OptionError: an oracle is unknown.

    Example:
        >>> from symgrad import compile
        >>> report = check(compile("x**2*sin(y)", "x y"), against="mpmath")
        >>> bool(report), [row.oracle for row in report.rows]
        (True, ['mpmath', 'difference'])
    """
    oracles = [against] if isinstance(against, str) else list(ORACLES if against is None else against)
    for oracle in oracles or [""]:
        choose("against", oracle, ORACLES)
    notes: list[str] = []
    torch = _torch(required=against is not None) if "torch" in oracles else None
    if "torch" in oracles and torch is None:
        notes.append("torch is not installed and was left out; pip install symgrad[torch]")
    system = read_system(fn.recipe)
    sample = _sample(fn, system, points, parameters or {}, count, seed, ranges or {}, notes)
    run = _Run(fn, system, sample, seed, tolerance)
    rows: list[Row] = []
    for position, request in enumerate(fn.recipe.requests):
        if "mpmath" in oracles:
            rows.append(run.against_mpmath(position))
            if request.kind != "tensor" or request.order:
                rows.append(run.against_differences(position))
        if torch is not None:
            try:
                (made,) = torch.derivatives(system, [request], sample)
            except UnknownFunctionError as error:
                notes.append(f"{request.name}: left out against torch: {error}")
            else:
                rows.append(run.against_torch(position, made))
    return Report(repr(fn), fn.signature.dtype, run.count, seed, tuple(rows), tuple(notes))


def _torch(*, required: bool) -> Any:
    """The module that evaluates with torch, or None where torch is neither there nor required."""
    try:
        from symgrad.interop import torch  # noqa: PLC0415 - an optional library, seconds to import
    except MissingDependencyError:
        if required:
            raise
        return None
    return torch


def _sample(
    fn: CompiledFunction,
    system: System,
    points: Any,
    parameters: Mapping[str, Any],
    count: int,
    seed: int,
    ranges: Mapping[str, tuple[float, float]],
    notes: list[str],
) -> dict[str, Array]:
    """Symbol name -> values of shape (N,), in float64, exact in the function's dtype."""
    names = (*system.inputs, *system.parameters)
    given: dict[str, Any] = {}
    if isinstance(points, Mapping):
        given = dict(points)
    elif points is not None:
        table = np.asarray(points, float)
        if table.ndim == 1 and len(system.inputs) == 1:
            table = table[:, None]
        table = np.atleast_2d(table)
        if table.shape[-1] != len(system.inputs):
            raise ArgumentError(
                f"points has shape {table.shape}; (N, {len(system.inputs)}) is needed, for "
                f"{', '.join(system.inputs)}"
            )
        table = table.reshape(-1, table.shape[-1])
        given = {name: table[:, column] for column, name in enumerate(system.inputs)}
    given |= parameters
    for name in (*given, *ranges):
        if name not in names:
            raise ArgumentError(f"{name!r} is no input or parameter; those are {', '.join(names)}")
    missing = [name for name in system.inputs if name not in given]
    if points is not None and missing:
        raise ArgumentError(f"points has no values for {', '.join(missing)}")
    sizes = {np.size(value) for value in given.values() if np.ndim(value)}
    if len(sizes) > 1 or count < 1 or sizes == {0}:
        raise ArgumentError("check needs one point or more, the same number for every name")
    random = np.random.default_rng(seed)
    rounded = np.dtype(fn.signature.dtype)
    total = sizes.pop() if sizes else count
    seeds = _seeds(fn)

    def draw() -> dict[str, Array]:
        drawn = {n: random.uniform(*ranges.get(n, RANGE), total) for n in (*names, *seeds)}
        drawn |= {n: np.broadcast_to(np.asarray(v, float), (total,)) for n, v in given.items()}
        return {name: values.astype(rounded).astype(float) for name, values in drawn.items()}

    sample = draw()
    if points is not None:
        return sample
    kept = [_finite(system, sample)]
    parts = [sample]
    while sum(map(np.count_nonzero, kept)) < total and len(parts) < 20:
        parts.append(draw())
        kept.append(_finite(system, parts[-1]))
    joined = {
        name: np.concatenate([part[name][keep] for part, keep in zip(parts, kept, strict=True)])
        for name in sample
    }
    found = len(joined[names[0]])
    if not found:
        raise ArgumentError(
            "the value is finite at none of the random points; give points= or ranges="
        )
    if found < total:
        notes.append(f"the value is finite at {found} random points only; give ranges= for more")
    return {name: values[:total] for name, values in joined.items()}


def _seeds(fn: CompiledFunction) -> list[str]:
    """The symbols of tangent and cotangent that the results of ``fn`` need."""
    groups = fn.signature.groups
    return [name for group in groups if group.name in (TANGENT, COTANGENT) for name in group.columns]


def _finite(system: System, sample: Mapping[str, Array]) -> NDArray[np.bool_]:
    """At which points every output is a finite number."""
    values = _exactly(system, system.outputs.nodes, sample)
    return np.array([all(mpmath.isfinite(value) for value in point) for point in values], bool)


def _exactly(
    system: System, nodes: Sequence[int], sample: Mapping[str, Array]
) -> list[list[mpmath.mpf]]:
    """The values of ``nodes`` at every point, in DIGITS digits."""
    count = len(next(iter(sample.values())))
    with mpmath.workdps(DIGITS):
        arithmetic = mpmath_arithmetic()
        return [
            evaluate(
                system.graph,
                nodes,
                {name: mpmath.mpf(float(values[k])) for name, values in sample.items()},
                arithmetic,
            )
            for k in range(count)
        ]


@dataclass(frozen=True)
class _Run:
    """What all rows of a report share; everything expensive is computed once, when it is needed."""

    fn: CompiledFunction
    system: System
    sample: Mapping[str, Array]
    seed: int
    tolerance: float | None
    verdicts: dict[tuple[int, int], tuple[float, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(next(iter(self.sample.values())))

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The derivative graph as differentiation leaves it."""
        return derive(self.system, self.fn.recipe.requests)

    @cached_property
    def exact(self) -> list[list[list[mpmath.mpf]]]:
        """Result, point, entry -> the 50-digit value."""
        nodes = [node for tensor in self.tensors for node in tensor.nodes]
        table = _exactly(self.system, nodes, self.sample)
        made, start = [], 0
        for tensor in self.tensors:
            stop = start + len(tensor.nodes)
            made.append([point[start:stop] for point in table])
            start = stop
        return made

    @cached_property
    def got(self) -> list[Array]:
        """The compiled results, each of shape (N, entries)."""
        signature = self.fn.signature
        first = signature.batch_axis == 0

        def stacked(names: Sequence[str], shape: tuple[int, ...]) -> Array:
            table = np.stack([self.sample[name] for name in names])
            given = table.T.reshape(self.count, *shape) if first else table.reshape(*shape, -1)
            return given.astype(signature.dtype)

        keywords: dict[str, Any] = {}
        for group in signature.groups:
            if group.name in (TANGENT, COTANGENT):
                shape = signature.output_shape if group.name == COTANGENT else (len(group.columns),)
                keywords[group.name] = stacked(group.columns, shape)
        points = stacked(signature.inputs, (len(signature.inputs),))
        given = {n: self.sample[n].astype(signature.dtype) for n in signature.parameters}
        result = self.fn(points, parameters=given, **keywords)
        arrays = [result] if signature.single else list(result)
        return [
            a.reshape(self.count, -1) if first else a.reshape(-1, self.count).T for a in arrays
        ]

    @cached_property
    def bounds(self) -> list[Array] | None:
        """Bounds of the rounding errors, like ``got``; None where NumPy lacks a function."""
        ulps = {op: choice.ulp for op, choice in self.fn.accuracy.items()}
        groups = [[self.sample[name] for name in g.columns] for g in self.fn.signature.groups]
        unit = float(np.finfo(self.fn.signature.dtype).eps) / 2
        try:
            made = rounding_bounds(
                self.fn.program, self.system.graph.table, groups, unit, ulps
            )
        except UnknownFunctionError:
            return None
        return [np.stack([np.broadcast_to(e, self.count) for e in r], 1) for r in made]

    def against_mpmath(self, position: int) -> Row:
        exact = self.exact[position]
        with mpmath.workdps(DIGITS):
            high = np.array([[float(value) for value in point] for point in exact])
            low = np.array(
                [
                    [float(v - mpmath.mpf(h)) if mpmath.isfinite(v) else 0.0 for v, h in pairs]
                    for pairs in (zip(p, h, strict=True) for p, h in zip(exact, high, strict=True))
                ]
            )
        row, _ = self._compare(position, "mpmath", high, low, 0.0)
        return row

    def against_torch(self, position: int, made: Array) -> Row:
        """The row against torch; where torch alone is off, that is a note and no failure."""
        table = made.reshape(self.count, -1)
        row, failed = self._compare(position, "torch", table, np.zeros_like(table), TORCH_TOLERANCE)
        reasons: Counter[str] = Counter()
        for k, entry in zip(*np.nonzero(failed | ~np.isfinite(table)), strict=True):
            exact = self.exact[position][k][entry]
            got = float(self.got[position][k, entry])
            error = abs(got - float(exact))
            near = error <= max(TORCH_TOLERANCE, float(np.finfo(self.fn.signature.dtype).eps) * 64) * (
                float(max(abs(e) for e in self.exact[position][k] if mpmath.isfinite(e)))
                if mpmath.isfinite(exact)
                else 0.0
            )
            if mpmath.isfinite(exact) and near and not np.isfinite(table[k, entry]):
                reasons["torch has no finite value there: 0*inf, often from the branch not taken"] += 1
                failed[k, entry] = False
            elif failed[k, entry] and self._verdict(position, int(k))[1] == "kink":
                reasons["the derivative is not unique there (a kink)"] += 1
                failed[k, entry] = False
            elif failed[k, entry] and near and self._verdict(position, int(k))[1] == "":
                reasons["torch's own rounding: 50 digits and difference quotients agree here"] += 1
                failed[k, entry] = False
        note = "; ".join(f"differs in {n} entries, {reason}" for reason, n in reasons.items())
        fields = {**{n: getattr(row, n) for n in Row.__slots__}, "passed": not failed.any()}
        return Row(**{**fields, "note": "; ".join(filter(None, [row.note, note]))})
