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
    """What the rows of a report share; everything expensive is computed when it is first needed."""

    fn: CompiledFunction
    system: System
    sample: Mapping[str, Array]
    seed: int
    tolerance: float | None

    @cached_property
    def count(self) -> int:
        """How many points there are."""
        return len(next(iter(self.sample.values())))

    @cached_property
    def exact(self) -> list[list[list[mpmath.mpf]]]:
        """Result, point, entry -> 50 digits, from the graph as differentiation leaves it."""
        tensors = derive(self.system, self.fn.recipe.requests)
        table = _exactly(self.system, [node for t in tensors for node in t.nodes], self.sample)
        ends = np.cumsum([len(tensor.nodes) for tensor in tensors])
        return [
            [point[end - len(tensor.nodes) : end] for point in table]
            for tensor, end in zip(tensors, ends, strict=True)
        ]

    @cached_property
    def got(self) -> list[Array]:
        """The compiled results, each of shape (N, entries)."""
        signature = self.fn.signature
        first = signature.batch_axis == 0

        def stacked(names: Sequence[str], shape: tuple[int, ...]) -> Array:
            table = np.stack([self.sample[name] for name in names]).astype(signature.dtype)
            return table.T.reshape(-1, *shape) if first else table.reshape(*shape, -1)

        shapes = {TANGENT: (len(signature.wrt),), COTANGENT: signature.output_shape}
        given = {g.name: g.columns for g in signature.groups}
        result = self.fn(
            stacked(signature.inputs, (len(signature.inputs),)),
            parameters={n: self.sample[n].astype(signature.dtype) for n in signature.parameters},
            **{n: stacked(given[n], shape) for n, shape in shapes.items() if n in given},
        )
        arrays = [result] if signature.single else list(result)
        return [a.reshape(self.count, -1) if first else a.reshape(-1, self.count).T for a in arrays]

    @cached_property
    def bounds(self) -> list[Array]:
        """Bounds of the rounding errors, like ``got``; nan where NumPy lacks a function."""
        signature = self.fn.signature
        ulps = {op: choice.ulp for op, choice in self.fn.accuracy.items()}
        groups = [[self.sample[name] for name in group.columns] for group in signature.groups]
        unit = float(np.finfo(signature.dtype).eps) / 2
        try:
            made = rounding_bounds(self.fn.program, self.system.graph.table, groups, unit, ulps)
        except UnknownFunctionError:
            return [np.full(got.shape, np.nan) for got in self.got]
        return [np.stack([np.broadcast_to(e, self.count) for e in r], 1) for r in made]

    def judge(self, position: int, high: Array, low: Array | float, least: float) -> _Judged:
        """Measure the compiled result against ``high + low``."""
        limits = np.finfo(self.fn.signature.dtype)
        got = self.got[position].astype(float)
        bounds = self.bounds[position]
        finite = np.isfinite(high) & (np.abs(high) <= float(limits.max))
        with np.errstate(all="ignore"):
            size = np.where(finite, np.abs(high), 0.0)
            scale = size.max(axis=1, keepdims=True)
            error = np.where(np.isfinite(got), np.abs((got - high) - low), np.inf)
            error = np.where(finite, error, 0.0)
            allowed = SAFETY * np.where(np.isnan(bounds), TORCH_TOLERANCE * scale, bounds)
            if self.tolerance is not None:
                allowed = self.tolerance * scale
            allowed = np.maximum(allowed, least * scale) + 4 * float(limits.smallest_subnormal)
            spacing = np.spacing(size.astype(limits.dtype)).astype(float)
            return _Judged(
                high=high,
                finite=finite,
                failed=finite & ~((error <= allowed) & np.isfinite(got)),
                ulp=np.where((error > 0) & (size > 0), error / spacing, 0.0),
                relative=np.where(error > 0, error / scale, 0.0),
                share=np.where(error > 0, error / bounds, 0.0),
                ill=finite & (bounds > ILL_CONDITIONED * scale),
            )

    @cached_property
    def judged(self) -> list[_Judged]:
        """Every result against 50 digits."""
        made = []
        for position, points in enumerate(self.exact):
            with mpmath.workdps(DIGITS):
                high = np.array([[float(value) for value in point] for point in points])
                rest = [
                    float(value - h) if np.isfinite(h) else 0.0
                    for point, near in zip(points, high.tolist(), strict=True)
                    for value, h in zip(point, near, strict=True)
                ]
            made.append(self.judge(position, high, np.array(rest).reshape(high.shape), 0.0))
        return made

    def row(self, position: int, oracle: str, judged: _Judged, notes: Sequence[str]) -> Row:
        """The row that says where ``judged`` is worst."""
        share = np.nan_to_num(judged.share, nan=0.0, posinf=np.inf)
        worst = np.where(judged.failed, np.inf, np.maximum(share, judged.relative))
        k, entry = np.unravel_index(np.argmax(worst), worst.shape)
        result = self.fn.signature.results[position]
        entries = int(judged.finite.sum())
        return Row(
            result=result.name,
            oracle=oracle,
            passed=not judged.failed.any() and (entries > 0 or oracle == "torch"),
            entries=entries,
            worst_ulp=float(judged.ulp.max()),
            worst_relative=float(judged.relative.max()),
            worst_bound=float(judged.share.max()),
            point=self.point(int(k)),
            entry=tuple(int(i) for i in np.unravel_index(entry, result.shape)),
            got=float(self.got[position][k, entry]),
            expected=float(judged.high[k, entry]),
            note="; ".join(notes),
        )

    def point(self, k: int) -> dict[str, float]:
        """The point ``k`` by name."""
        names = (*self.system.inputs, *self.system.parameters)
        return {name: float(self.sample[name][k]) for name in names}

    def against_mpmath(self, position: int) -> Row:
        """The row of a result against the derivative graph in 50 digits."""
        judged = self.judged[position]
        notes = []
        if not judged.finite.all():
            notes.append(f"{int((~judged.finite).sum())} entries are not finite and were not judged")
        if judged.ill.any():
            notes.append(
                f"{int(judged.ill.sum())} entries are ill-conditioned: rounding errors may exceed "
                f"{ILL_CONDITIONED} of the largest entry"
            )
        return self.row(position, "mpmath", judged, notes)

    def against_torch(self, position: int, made: Array) -> Row:
        """The row of a result against torch; where torch alone is off, that is only a note."""
        table = made.reshape(self.count, -1)
        judged = self.judge(position, table, 0.0, TORCH_TOLERANCE)
        own = self.judged[position]
        reasons: Counter[str] = Counter()
        for k, entry in np.argwhere(judged.failed).tolist():
            verdict = self.difference(position, k)[0]
            if verdict == "kink" or (verdict == "agrees" and not own.failed[k, entry]):
                judged.failed[k, entry] = False
                reasons[TORCH_REASONS[verdict]] += 1
        lost = ~np.isfinite(table) & own.finite & ~own.failed
        reasons[TORCH_REASONS["lost"]] += int(lost.sum())
        notes = [f"{n} entries differ: {reason}" for reason, n in reasons.items() if n]
        return self.row(position, "torch", judged, notes)

    def against_differences(self, position: int) -> Row:
        """The row of a result's rules against difference quotients of the value."""
        request = self.fn.recipe.requests[position]
        nodes = len(reachable(self.system.graph, self.system.outputs.nodes))
        work = nodes * (1 + max(request.order, 2))
        found: Counter[str] = Counter()
        worst = (-1.0, 0, 0, 0.0, 0.0)
        for k in range(min(self.count, max(3, DIFFERENCE_WORK // work))):
            verdict, *measured = self.difference(position, k)
            found[verdict] += 1
            if verdict in ("agrees", "wrong"):
                worst = max(worst, (measured[0], k, *measured[1:]))
        error, k, entry, got, expected = worst
        notes = []
        if found["kink"]:
            notes.append(f"{found['kink']} points lie on a kink, where one-sided quotients differ")
        if found["skipped"]:
            notes.append(f"{found['skipped']} points have no finite difference quotient")
        return Row(
            result=request.name,
            oracle="difference",
            passed=not found["wrong"],
            entries=found["agrees"] + found["wrong"],
            worst_ulp=float("nan"),
            worst_relative=max(error, 0.0),
            worst_bound=float("nan"),
            point=self.point(k),
            entry=(entry,),
            got=got,
            expected=expected,
            note="; ".join(notes),
        )

    def difference(self, position: int, k: int) -> tuple[str, float, int, float, float]:
        """The rules of a result against difference quotients at the point ``k``.

        Returns:
            "agrees", "wrong", "kink" or "skipped"; the error relative to the sum of the moduli
            of the terms; the worst output; what the rules give for it; the quotient.
        """
        request, n = self.fn.recipe.requests[position], len(self.system.wrt)
        outputs = len(self.system.outputs.nodes)
        skipped = ("skipped", 0.0, 0, 0.0, 0.0)
        exact = self.exact[position][k]
        if not all(mpmath.isfinite(value) for value in exact):
            return skipped
        random = np.random.default_rng((self.seed, position, k))
        chosen = random.choice([-1.25, -0.75, 0.5, 0.875, 1.125, 1.5], n)
        along = tuple(mpmath.mpf(float(value)) for value in chosen)
        given = {name: mpmath.mpf(float(values[k])) for name, values in self.sample.items()}
        weights = [given.get(name, mpmath.mpf(1)) for name in seed_names(COTANGENT, outputs)]
        tangent = tuple(given.get(name) for name in seed_names(TANGENT, n))
        order = request.order if request.kind == "tensor" else request.kind in ("vjp", "hvp")
        directions = [along] * order
        if request.kind == "partial":
            unit = [mpmath.mpf(0)] * n
            directions = [tuple([*unit[:i], mpmath.mpf(1), *unit[i + 1 :]]) for i in request.indices]
        elif request.kind in ("jvp", "hvp"):
            directions.append(tangent)
        with mpmath.workprec(DIFFERENCE_STEP * (len(directions) + 2)):
            rules = np.array(exact, dtype=object).reshape(-1, *(n,) * order)
            size = np.abs(rules)
            for _ in range(order):
                rules, size = rules @ np.array(along), size @ np.abs(np.array(along))
            both = []
            for sign in (1, -1):
                step = mpmath.ldexp(sign, -DIFFERENCE_STEP)
                made, value = self.quotient(given, directions, step)
                if request.kind in ("vjp", "hvp"):
                    made, value = [weights @ made], [np.abs(weights) @ np.abs(value)]
                if not all(mpmath.isfinite(one) for one in made):
                    return skipped
                both.append(made)
                scale = [s + abs(v) * mpmath.mpf(10) ** -20 for s, v in zip(size, value, strict=True)]
                errors = [
                    float(abs(a - b) / c) if a != b else 0.0
                    for a, b, c in zip(rules, made, scale, strict=True)
                ]
                worst = int(np.argmax(errors))
                if errors[worst] <= DIFFERENCE_TOLERANCE:
                    break
            measured = (errors[worst], worst, float(rules[worst]), float(made[worst]))
            if errors[worst] <= DIFFERENCE_TOLERANCE:
                # Agreement on one side alone is a kink whose convention is that side's derivative.
                return ("agrees" if len(both) == 1 else "kink", *measured)
            apart = [abs(a - b) > DIFFERENCE_TOLERANCE * c for a, b, c in zip(*both, scale, strict=True)]
            return ("kink" if any(apart) else "wrong", *measured)

    def quotient(
        self, given: Mapping[str, Any], directions: Sequence[tuple[Any, ...]], step: Any
    ) -> tuple[list[Any], list[Any]]:
        """The one-sided mixed difference quotient of every output, and the outputs themselves."""
        distinct = list(dict.fromkeys(directions))
        shifts: Counter[tuple[int, ...]] = Counter({(0,) * len(distinct): 1})
        for direction in directions:
            position = distinct.index(direction)
            following: Counter[tuple[int, ...]] = Counter()
            for shift, factor in shifts.items():
                moved = (*shift[:position], shift[position] + 1, *shift[position + 1 :])
                following[moved] += factor
                following[shift] -= factor
            shifts = following
        arithmetic = mpmath_arithmetic()
        total: Any = 0
        for shift, factor in shifts.items():
            at = dict(given)
            for steps, direction in zip(shift, distinct, strict=True):
                for name, part in zip(self.system.wrt, direction, strict=True):
                    at[name] += steps * step * part
            found = evaluate(self.system.graph, self.system.outputs.nodes, at, arithmetic)
            total = total + factor * np.array(found, dtype=object)
        return list(total / step ** len(directions)), found


def rounding_bounds(
    program: Program,
    table: Mapping[str, Primitive],
    arrays: Sequence[Sequence[Array]],
    unit: float,
    ulps: Mapping[str, float],
) -> list[list[Array]]:
    """First-order bounds of the rounding errors of every result of a Program.

    An instruction adds ``unit * |v|`` (``ulps`` ulp for a function) to what its arguments' errors
    do to its value v. For functions that is measured, by moving the arguments; a condition that
    the errors may turn counts both sides.

    Args:
        program: the Program.
        table: the function table.
        arrays: ``arrays[group][column]``: the arguments, each of shape (N,).
        unit: the unit roundoff, 2**-53 for float64.
        ulps: function -> bound of its own error in ulp.

    Returns:
        ``bounds[result][position]``.

    Raises:
        UnknownFunctionError: NumPy lacks a function.
    """
    arithmetic = numpy_arithmetic()
    values: list[Any] = []
    errors: list[Any] = []
    results: list[list[Any]] = [[None] * result.size for result in program.results]
    with np.errstate(all="ignore"):
        for op, args, data in program.code:
            v, e = [values[i] for i in args], [errors[i] for i in args]
            if op == "store":
                results[data[0]][data[1]] = e[0]
                value, error = v[0], e[0]
            elif op == "load":
                value, error = np.asarray(arrays[data[0]][data[1]], float), 0.0
            elif op in ("constant", "boolean"):
                value = np.float64(data) if op == "constant" else np.bool_(data)
                error = 0.0 if op == "boolean" or float(data).is_integer() else unit * abs(data)
            elif op in CONDITION_OPS:
                value = arithmetic.functions[op](*v)
                # The "error" of a condition is whether it may be the other way round.
                comparing = op in ("lt", "le", "eq", "ne")
                spread = e[0] + e[1] if comparing else 0.0
                error = (spread > 0) & (np.abs(v[0] - v[1]) <= spread) if comparing else any_of(e)
            elif op == "select":
                value = np.where(v[0], v[1], v[2])
                turned = np.maximum(e[1], e[2]) + np.abs(v[1] - v[2])
                error = np.where(e[0], turned, np.where(v[0], e[1], e[2]))
            else:
                value, error = _propagate(op, v, e, table, arithmetic)
                own = 2 * ulps.get(op, 0.5) if op not in EXACT_OPS else 0.0
                error = error + own * unit * np.abs(value) + SUBNORMAL
            values.append(value)
            errors.append(error)
    return results


def _propagate(
    op: str, v: list[Any], e: list[Any], table: Mapping[str, Primitive], arithmetic: Arithmetic
) -> tuple[Any, Any]:
    """The value of an instruction, and what the errors ``e`` of its arguments ``v`` do to it."""
    if op in ("add", "sub"):
        return (v[0] + v[1] if op == "add" else v[0] - v[1]), e[0] + e[1]
    if op == "mul":
        return v[0] * v[1], _times(v[0], e[1]) + _times(v[1], e[0]) + e[0] * e[1]
    if op == "div":
        value = v[0] / v[1]
        left = np.maximum(np.abs(v[1]) - e[1], 0.0)
        return value, np.where(e[0] + e[1] > 0, (e[0] + _times(value, e[1])) / left, 0.0)
    if op == "neg":
        return -v[0], e[0]
    call = np.sqrt if op == "sqrt" else function(op, table, arithmetic)
    value = call(*v)
    total: Any = 0.0
    for index, (argument, error) in enumerate(zip(v, e, strict=True)):
        if not np.any(error):
            continue
        # The step is never so small that the difference is lost in the function's own rounding.
        step = np.maximum(error, 2.0**-46 * np.abs(argument))
        moved = [call(*v[:index], argument + s, *v[index + 1 :]) - value for s in (step, -step)]
        change = np.fmax(*np.abs(moved))
        total = total + np.where(error > 0, np.where(np.isnan(change), np.inf, change) * error / step, 0)
    return value, total


def _times(value: Any, error: Any) -> Any:
    """``|value| * error``, where no error stays none even beside an infinity."""
    return np.where(np.equal(error, 0), 0.0, np.abs(value) * error)
