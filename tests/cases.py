"""The open acceptance cases: formulas and 50-digit references that stand beside the project.

They live in ``shared/cases`` next to the checkout and are read there, never copied. Where the
folder is missing the tests that need it are skipped; ``NEEDS_CASES`` is the mark that does so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from symgrad import api, signatures
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.system import Request
from symgrad.options import Options

FOLDER = Path(__file__).parents[1].parent / "shared" / "cases"
AVAILABLE = FOLDER.is_dir()
NEEDS_CASES = pytest.mark.skipif(
    not AVAILABLE, reason="the folder shared/cases is not beside the project"
)

FAMILIES = ("feynman", "opt_s2mpj", "real_users", "adbench", "sympy_mech", "rules", "nist_strd")
GATE = 1e-9
"""Largest error allowed, relative to the largest entry of the same array at the same point."""

RESULTS = ("value", "jacobian", "hessian", "order3")
KEYS = dict(zip(("f", "jac", "hess", "third"), RESULTS, strict=True))

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A system with its references.

    Attributes:
        family: the file it stands in.
        id: its name there.
        variables: inputs, in the order of the columns of ``points``.
        wrt: what the references are differentiated by.
        parameters: fixed numbers by name.
        outputs: formula text, one an output.
        points: shape (P, n).
        references: result name -> array; ``order3`` covers the first points only.
        raw: everything else that the file says.
    """

    family: str
    id: str
    variables: tuple[str, ...]
    wrt: tuple[str, ...]
    parameters: Mapping[str, float]
    outputs: tuple[str, ...]
    points: Array
    references: Mapping[str, Array]
    raw: Mapping[str, Any]

    @property
    def results(self) -> list[str]:
        """The results that have a reference, lowest order first."""
        return [name for name in RESULTS if name in self.references]


@cache
def load(family: str) -> tuple[Case, ...]:
    """All cases of a family; none where the folder is missing."""
    if not AVAILABLE:
        return ()
    arrays = np.load(FOLDER / f"{family}.npz")
    return tuple(_case(family, raw, arrays) for raw in read(family)["cases"])


def _case(family: str, raw: dict[str, Any], arrays: Mapping[str, Array]) -> Case:
    prefix = f"{raw['id']}|"
    return Case(
        family=family,
        id=raw["id"],
        variables=tuple(raw["variables"]),
        wrt=tuple(raw.get("wrt", raw["variables"])),
        parameters=raw["parameters"],
        outputs=tuple(raw["outputs"]),
        points=arrays[f"{prefix}points"],
        references={n: arrays[prefix + key] for key, n in KEYS.items() if prefix + key in arrays},
        raw=raw,
    )


@cache
def read(name: str) -> dict[str, Any]:
    """A file of the folder as JSON."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file without arrays; none where the folder is missing."""
    if not AVAILABLE:
        return []
    found = read(name)
    return list(found["rows"] if "rows" in found else found["cases"])


def number(value: object) -> float:
    """A number of a file, where nan, infinities and -0.0 stand as text."""
    return float(value)  # type: ignore[arg-type]


def numbers(values: object) -> Array:
    """A nested list of such numbers as an array."""
    if isinstance(values, list):
        return np.array([numbers(value) for value in values])
    return np.array(number(values))


def interpret(case: Case, results: Sequence[str]) -> dict[str, Array]:
    """Results of a case by the whole pipeline up to the Program, run by the NumPy interpreter."""
    requests = [Request(name, "tensor", RESULTS.index(name)) for name in results]
    return interpret_system(
        list(case.outputs), case.variables, case.points, requests, case.parameters, case.wrt
    )


def interpret_system(
    outputs: object,
    variables: Sequence[str],
    points: Array,
    requests: Sequence[Request],
    parameters: Mapping[str, float] | None = None,
    wrt: Sequence[str] | None = None,
) -> dict[str, Array]:
    """Any results of any system in the same way: the pipeline without code generation."""
    parsed = api.parse(outputs, variables, tuple(parameters or ()), wrt)
    options = Options()
    recipe = api.make_recipe(parsed, requests, options)
    _, _, program = api.derive_program(recipe, options, signatures.argument_groups(recipe))
    groups = [list(points.T)]
    if parameters:
        groups.append([np.float64(value) for value in parameters.values()])
    with np.errstate(all="ignore"):
        made = run(program, PRIMITIVES, groups, numpy_arithmetic())
    count = len(points)
    return {
        result.name: np.stack([np.broadcast_to(entry, count) for entry in entries], -1).reshape(
            count, *result.shape
        )
        for result, entries in zip(program.results, made, strict=True)
    }


def compiled(case: Case, results: Sequence[str]) -> tuple[dict[str, Array], float]:
    """Results of a case by a compiled kernel, and the seconds that compiling it took."""
    started = perf_counter()
    fn = api.compile(
        list(case.outputs),
        case.variables,
        [3 if name == "order3" else name for name in results],
        parameters=tuple(case.parameters),
        wrt=case.wrt,
        cache=False,
    )
    seconds = perf_counter() - started
    made = fn(case.points, parameters=case.parameters)
    arrays = [made] if len(results) == 1 else list(made)
    return dict(zip(results, arrays, strict=True)), seconds


def scaled_errors(got: Array, reference: Array) -> Array:
    """At each point the largest error, divided by the largest entry of the reference there.

    Where the reference is not finite the result must not be finite either; else the error is inf.
    """
    count = len(reference)
    got = np.asarray(got, float)[:count].reshape(count, -1)
    reference = reference.reshape(count, -1)
    finite = np.isfinite(reference)
    scale = np.max(np.abs(np.where(finite, reference, 0)), axis=1, initial=0, keepdims=True)
    with np.errstate(all="ignore"):
        errors = np.abs(got - reference)
        relative = np.where(errors == 0, 0, errors / scale)
    relative = np.where(np.isnan(relative), np.inf, relative)
    relative = np.where(finite, relative, np.where(np.isfinite(got), np.inf, 0))
    return relative.max(axis=1, initial=0)
