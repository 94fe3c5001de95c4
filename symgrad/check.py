"""check(): a compiled function against 50-digit arithmetic, difference quotients and PyTorch.

Three oracles, none of which uses the compiled code:

==========  ======================================================================================
mpmath      the derivative graph as differentiation made it, neither simplified nor scheduled, in
            50 digits, entry by entry: finds faults of simplification, scheduling and code
difference  that graph against difference quotients of the value alone, along random directions,
            with 60 digits and more: finds faults of the rules of differentiation
torch       ``torch.func`` on the value in float64: another library's derivatives and conventions
==========  ======================================================================================

How exact a float can be depends on the formula and the point. So an entry passes against mpmath
when its error is at most twice the bound of the rounding errors that its own instructions make
there (``ir/rounding.py``), or with ``tolerance=t`` when it is at most t times the largest entry
of the same array at that point. Against torch, which rounds too, 1e-9 of that is enough.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

from symgrad.api import read_system
from symgrad.differentiate.tensors import COTANGENT, TANGENT, derive, seed_names
from symgrad.errors import ArgumentError, MissingDependencyError, UnknownFunctionError
from symgrad.ir.messages import shorten
from symgrad.ir.quotient import CALLBACK_TOLERANCE, Agreement, callbacks, compare, worst_slopes
from symgrad.ir.rounding import rounding_bounds
from symgrad.ir.system import Request, System
from symgrad.ir.traverse import reachable
from symgrad.options import choose
from symgrad.report import Report, Row
from symgrad.sampling import DIGITS, Sample, exactly, given_points, sampled

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

Array = NDArray[Any]
ORACLES = ("mpmath", "torch")
EXACTNESS = 1e-30
"""The 50 digits are trusted to this part of the largest entry: they may cancel too."""

SAFETY = 2.0
"""An error may be this many times the bound of the rounding errors, which is of first order."""

DIFFERENCE_WORK = 300_000
"""Nodes that the quotients of one result may evaluate, at three points at the least."""

TORCH_TOLERANCE = 1e-9
ILL_CONDITIONED = 1e-3

TORCH_REASONS = {
    "kink": "the derivative is not unique there (a kink), and the conventions differ",
    "agrees": "torch's own rounding; 50 digits and difference quotients agree with symgrad",
    "lost": "torch has no finite number there, mostly 0*inf from the branch that is not taken",
}


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
        parameters: name -> value, or values of shape (N,); drawn like points where not given.
        count: number of random points.
        seed: of the random numbers.
        ranges: name -> (low, high) for the random numbers; where not given, what the problem file
            says, else (0.5, 1.5).
        tolerance: allowed error relative to the largest entry of the same array at a point; by
            default twice the bound of the entry's rounding errors.

    Raises:
        ArgumentError: fn is no compiled function, the points do not fit, or no random point gives
            a finite value.
        MissingDependencyError: torch is asked for and not installed.
        OptionError: an oracle is unknown.

    Example:
        >>> from symgrad import compile
        >>> report = check(compile("x**2*sin(y)", "x y"), against="mpmath")
        >>> bool(report), [row.oracle for row in report.rows]
        (True, ['mpmath', 'difference'])
    """
    if not hasattr(fn, "recipe"):
        raise ArgumentError(f"fn is {shorten(repr(fn))}; give what sg.compile made")
    wanted = [against] if isinstance(against, str) else list(against or ORACLES)
    for oracle in wanted:
        choose("against", oracle, ORACLES)
    notes: list[str] = []
    torch = _torch(required=against is not None) if "torch" in wanted else None
    if "torch" in wanted and torch is None:
        notes.append("torch is not installed and was left out: pip install symgrad[torch]")
    system = read_system(fn.recipe)
    limits = {str(name): ends for name, ends in (ranges or {}).items()}
    given = given_points(system, points, parameters or {}, limits)
    ranges = {**fn.recipe.ranges, **limits}
    sample = sampled(fn, system, given, points is None, count, seed, ranges, notes)
    run = _Run(fn, system, sample, seed, tolerance)
    rows: list[Row] = []
    doubles = callbacks(system)
    if doubles and "mpmath" in wanted:
        named = ", ".join(doubles)
        notes.append(f"{named}: of Python's floats, so that central differences judge its partials")
        rows += run.against_callbacks()
    for position, request in enumerate(fn.recipe.requests):
        if "mpmath" in wanted:
            rows.append(run.against_mpmath(position))
            if not doubles and _is_derivative(request):
                rows.append(run.against_differences(position))
        if torch is not None:
            try:
                made = torch.derivatives(system, request, sample, *run.seeds(position))
            except UnknownFunctionError as error:
                notes.append(f"{request.name} was left out against torch: {error}")
            else:
                rows.append(run.against_torch(position, made))
    return Report(repr(fn), run.count, seed, tuple(rows), tuple(notes))


def _is_derivative(request: Request) -> bool:
    """Whether a result has one derivative an entry: no value, no sum of least squares."""
    return request.kind != "normal" and (request.kind != "tensor" or request.order > 0)


def _torch(*, required: bool) -> Any:
    """The module that evaluates with torch, or None where torch is neither there nor required."""
    try:
        from symgrad.interop import torch  # noqa: PLC0415 - optional, and seconds to import
    except MissingDependencyError:
        if required:
            raise
        return None
    return torch


class _Judged(NamedTuple):
    """A compiled result against an oracle: arrays of shape (N, entries)."""

    expected: Array
    finite: Array
    failed: Array
    ulp: Array
    relative: Array
    share: Array


class _Run:
    """What the rows of a report share; everything expensive is computed when first needed."""

    def __init__(
        self,
        fn: CompiledFunction,
        system: System,
        sample: Sample,
        seed: int,
        tolerance: float | None,
    ) -> None:
        self.fn, self.system, self.sample = fn, system, sample
        self.seed, self.tolerance = seed, tolerance
        self.count = len(sample[system.inputs[0]])
        self.agreement = cache(self._agreement)

    def seeds(self, position: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the tangent and of the cotangent that a result uses."""
        request, n = self.fn.recipe.requests[position], len(self.system.wrt)
        tangent = seed_names(TANGENT, n) if request.kind in ("jvp", "hvp") else ()
        weighted = request.kind == "vjp" or (request.kind == "hvp" and self.fn.recipe.shape != ())
        outputs = len(self.system.outputs.nodes)
        return tangent, seed_names(COTANGENT, outputs) if weighted else ()

    @cached_property
    def exact(self) -> list[list[list[Any]]]:
        """Result, point, entry -> 50 digits, from the graph as differentiation leaves it."""
        tensors = derive(self.system, self.fn.recipe.requests)
        table = exactly(self.system, [node for t in tensors for node in t.nodes], self.sample)
        made, start = [], 0
        for tensor in tensors:
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
            table = np.stack([self.sample[name] for name in names]).astype(signature.dtype)
            return table.T.reshape(-1, *shape) if first else table.reshape(*shape, -1)

        shapes = {TANGENT: (len(signature.wrt),), COTANGENT: signature.output_shape}
        columns = {group.name: group.columns for group in signature.groups}
        seeds: dict[str, Any] = {
            name: stacked(columns[name], shape) for name, shape in shapes.items() if name in columns
        }
        parameters = {n: self.sample[n].astype(signature.dtype) for n in signature.parameters}
        points = stacked(signature.inputs, (len(signature.inputs),))
        if signature.reduction is None:
            rows = self._entries(points, parameters, seeds)
            shape = (self.count, -1) if first else (-1, self.count)
            return self.dense([a.reshape(shape) if first else a.reshape(shape).T for a in rows])

        def one(table: Array, k: int) -> Array:
            return table[k : k + 1] if first else table[..., k : k + 1]

        made = []
        for k in range(self.count):  # the sum over one point is what it has
            shared = {name: values[k] for name, values in parameters.items()}
            directions = {name: one(seed, k) for name, seed in seeds.items()}
            made.append(self._entries(one(points, k), shared, directions))
        return self.dense([np.stack(entries) for entries in zip(*made, strict=True)])

    def _entries(
        self, points: Array, parameters: Mapping[str, Any], seeds: Mapping[str, Any]
    ) -> list[Array]:
        """The results of a call, each in one row."""
        result = self.fn(points, parameters=parameters, **seeds)
        arrays = [result] if self.fn.signature.single else list(result)
        return [np.asarray(array).reshape(-1) for array in arrays]

    def dense(self, tables: Sequence[Array], *, summed: bool = False) -> list[Array]:
        """The results, each of shape (N, entries), with the structural zeros of sparse ones."""
        signature = self.fn.signature
        stored = signature.reduction.stored if summed and signature.reduction else {}
        known = {**signature.sparsity, **stored}
        patterns = [known.get(result.name) for result in signature.results]
        return [
            table if pattern is None else pattern.dense(table).reshape(self.count, -1)
            for table, pattern in zip(tables, patterns, strict=True)
        ]

    @cached_property
    def bounds(self) -> list[Array]:
        """Bounds of the rounding errors, like ``got``; nan where NumPy lacks a function."""
        signature = self.fn.signature
        ulps = {op: choice.ulp for op, choice in self.fn.accuracy.items()}
        groups = [[self.sample[name] for name in group.columns] for group in signature.groups]
        table = self.system.graph.table
        try:
            made = rounding_bounds(self.fn.program, table, groups, signature.dtype, ulps)
        except UnknownFunctionError:
            return [np.full(got.shape, np.nan) for got in self.got]
        columns = [[np.broadcast_to(e, self.count) for e in result] for result in made]
        return self.dense([np.reshape(found, (-1, self.count)).T for found in columns], summed=True)

    @cached_property
    def judged(self) -> list[_Judged]:
        """Every result against 50 digits."""
        made = []
        for position, points in enumerate(self.exact):
            with mpmath.workdps(DIGITS):
                near = np.array([[float(value) for value in point] for point in points])
                rest = [
                    [float(v - h) if np.isfinite(h) else 0.0 for v, h in zip(*pair, strict=True)]
                    for pair in zip(points, near.tolist(), strict=True)
                ]
            made.append(self.judge(position, near, np.array(rest)))
        return made

    def judge(self, position: int, near: Array, rest: Array, least: float = 0.0) -> _Judged:
        """Measure a compiled result against ``near + rest``."""
        limits = np.finfo(self.fn.signature.dtype)
        got, bounds = self.got[position].astype(float), self.bounds[position]
        finite = np.isfinite(near) & (np.abs(near) <= float(limits.max))
        with np.errstate(all="ignore"):
            size = np.where(finite, np.abs(near), 0.0)
            scale = size.max(axis=1, keepdims=True)
            error = np.where(np.isfinite(got), np.abs((got - near) - rest), np.inf)
            error = np.where(finite, error, 0.0)
            bounds = bounds + EXACTNESS * scale
            allowed = SAFETY * np.where(np.isnan(bounds), float(limits.eps) * 1e6 * scale, bounds)
            if self.tolerance is not None:
                allowed = self.tolerance * scale
            allowed = np.maximum(allowed, least * scale) + 4 * float(limits.smallest_subnormal)
            spacing = np.spacing(size.astype(limits.dtype)).astype(float)
            wrong = error > 0
            return _Judged(
                expected=near,
                finite=finite,
                failed=finite & ~((error <= allowed) & np.isfinite(got)),
                ulp=np.where(wrong & (size > 0), error / spacing, 0.0),
                relative=np.where(wrong, error / scale, 0.0),
                share=np.where(wrong & ~np.isnan(bounds), error / bounds, 0.0),
            )

    def row(self, position: int, oracle: str, judged: _Judged, notes: Iterable[str]) -> Row:
        """The row that says where a result is worst."""
        worst = np.where(judged.failed, np.inf, np.fmax(judged.share, judged.relative))
        k, entry = (int(index) for index in np.unravel_index(np.argmax(worst), worst.shape))
        result = self.fn.signature.results[position]
        pattern = self.fn.signature.sparsity.get(result.name)
        shape = result.shape if pattern is None else pattern.shape
        entries = int(judged.finite.sum())
        return Row(
            result=result.name,
            oracle=oracle,
            passed=not judged.failed.any() and (entries > 0 or oracle == "torch"),
            entries=entries,
            worst_ulp=float(judged.ulp.max()),
            worst_relative=float(judged.relative.max()),
            worst_bound=float(np.nanmax(judged.share)),
            point=self.point(k),
            entry=tuple(int(index) for index in np.unravel_index(entry, shape)),
            got=float(self.got[position][k, entry]),
            expected=float(judged.expected[k, entry]),
            note="; ".join(notes),
        )

    def point(self, k: int) -> dict[str, float]:
        """The point ``k`` by name."""
        names = (*self.system.inputs, *self.system.parameters)
        return {name: float(self.sample[name][k]) for name in names}

    def against_mpmath(self, position: int) -> Row:
        """The row of a result against the derivative graph in 50 digits."""
        judged = self.judged[position]
        size = np.where(judged.finite, np.abs(judged.expected), 0.0).max(axis=1, keepdims=True)
        least = ILL_CONDITIONED * size + float(np.finfo(self.fn.signature.dtype).tiny)
        ill = judged.finite & (self.bounds[position] > least)
        notes = {
            "are not finite in 50 digits and were not judged": (~judged.finite).sum(),
            f"may have rounding errors beyond {ILL_CONDITIONED} of the largest entry": ill.sum(),
        }
        shown = [f"{int(n)} entries {text}" for text, n in notes.items() if n]
        return self.row(position, "mpmath", judged, shown)

    def against_torch(self, position: int, made: Array) -> Row:
        """The row of a result against torch; where torch alone is off, that is only a note."""
        table = made.reshape(self.count, -1)
        judged = self.judge(position, table, np.zeros_like(table), TORCH_TOLERANCE)
        own = self.judged[position]
        reasons: Counter[str] = Counter()
        for k, entry in np.argwhere(judged.failed).tolist():
            verdict = self.agreement(position, k).verdict
            if verdict == "kink" or (verdict == "agrees" and not own.failed[k, entry]):
                judged.failed[k, entry] = False
                reasons[verdict] += 1
        reasons["lost"] = int((~np.isfinite(table) & own.finite & ~own.failed).sum())
        notes = [f"{n} entries differ: {TORCH_REASONS[why]}" for why, n in reasons.items() if n]
        return self.row(position, "torch", judged, notes)

    def against_differences(self, position: int) -> Row:
        """The row of a result's rules against difference quotients of the value."""
        request = self.fn.recipe.requests[position]
        nodes = len(reachable(self.system.graph, self.system.outputs.nodes))
        tried = max(3, DIFFERENCE_WORK // (nodes * (1 + max(request.order, 2))))
        found = [self.agreement(position, k) for k in range(min(self.count, tried))]
        verdicts = Counter(agreement.verdict for agreement in found)
        counted = [a.error if a.verdict in ("agrees", "wrong") else -1.0 for a in found]
        k = int(np.argmax(counted))
        notes = {
            "points lie on a kink, where one-sided quotients differ": verdicts["kink"],
            "points have no finite difference quotient": verdicts["skipped"],
        }
        return Row(
            result=request.name,
            oracle="difference",
            passed=not verdicts["wrong"],
            entries=verdicts["agrees"] + verdicts["wrong"],
            worst_ulp=None,
            worst_relative=max(counted[k], 0.0),
            worst_bound=None,
            point=self.point(k),
            entry=(found[k].output,),
            got=found[k].rules,
            expected=found[k].quotient,
            note="; ".join(f"{n} {text}" for text, n in notes.items() if n),
        )

    def against_callbacks(self) -> list[Row]:
        """A row for each user's function of floats: its partials against central differences."""
        rows = []
        columns = {name: list(map(float, values)) for name, values in self.sample.items()}
        found = worst_slopes(self.system, columns)
        for name, (entries, k, worst) in found.items():
            passed = worst.error <= CALLBACK_TOLERANCE
            where = (self.point(k), (worst.argument,), worst.rules, worst.quotient)
            rows.append(Row(name, "difference", passed, entries, None, worst.error, None, *where))
        return rows

    def _agreement(self, position: int, k: int) -> Agreement:
        """The rules of a result against difference quotients at the point ``k``."""
        request, n = self.fn.recipe.requests[position], len(self.system.wrt)
        tangent, cotangent = self.seeds(position)
        point = {name: mpmath.mpf(float(values[k])) for name, values in self.sample.items()}
        random = np.random.default_rng((self.seed, position, k))
        along = random.choice([-1.25, -0.75, 0.5, 0.875, 1.125, 1.5], n).tolist()
        axes = request.order if request.kind == "tensor" else int(request.kind in ("vjp", "hvp"))
        directions = [tuple(map(mpmath.mpf, along))] * axes
        if request.kind == "partial":
            directions = [tuple(mpmath.mpf(int(i == j)) for j in range(n)) for i in request.indices]
        if tangent:
            directions.append(tuple(point[name] for name in tangent))
        weights = [point[name] for name in cotangent] or None
        if request.kind == "hvp" and weights is None:
            weights = [mpmath.mpf(1)]
        with mpmath.workdps(DIGITS):
            exact = self.exact[position][k]
            return compare(self.system, point, exact, axes, directions, weights)


class _CallableModule(ModuleType):
    """This module, callable: importing it puts it where ``symgrad.check`` is looked for."""

    __call__ = staticmethod(check)


sys.modules[__name__].__class__ = _CallableModule
