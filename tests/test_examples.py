"""Every script of examples/ runs and notices wrong derivatives; every problem file is right."""

import importlib.util
import itertools
import math
import re
from pathlib import Path

import mpmath
import numba
import numpy as np
import pytest

import symgrad as sg
from symgrad.api import compile_problem
from symgrad.parse.problem import read_problem
from symgrad.runtime.cpu import CpuFunction
from symgrad.runtime.result import Result

FOLDER = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
PROBLEMS = sorted(path.stem for path in FOLDER.glob("problems/*.toml"))

SIZES = {
    "bundle_adjustment": {"cameras": 6, "points": 60},
    "equation_of_state": {"side": 20},
    "option_greeks": {"options": 300},
    "regression": {"sets": 40},
    "sparse_chain": {"links": 15, "chains": 5},
    "tabulated_potential": {"atoms": 50},
    "stream_file": {"points": 150_000, "block": 40_000},
    "torch_training": {"points": 400},
}
"""Small sizes; a script without one runs with the defaults of its main()."""

NEEDS = {
    **dict.fromkeys(("sparse_chain", "tabulated_potential"), "scipy"),
    **dict.fromkeys(("torch_autograd", "torch_training"), "torch"),
}
"""What a script cannot do without, and symgrad can."""


def load(name):
    """The module of a script, which is in no package."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_runs(name, capsys):
    pytest.importorskip(NEEDS.get(name, "numpy"))
    load(name).main(**SIZES.get(name, {}))
    printed = capsys.readouterr().out
    assert printed.strip(), f"{name} prints nothing"
    if name in SIZES:
        assert " per second" in printed


@pytest.mark.parametrize("name", sorted(SIZES))
def test_script_notices_a_wrong_derivative(name, monkeypatch):
    pytest.importorskip(NEEDS.get(name, "numpy"))
    right = CpuFunction.__call__

    def wrong(self, *args, **kwargs):
        result = right(self, *args, **kwargs)
        arrays = result.as_dict() if isinstance(result, Result) else {"": result}
        for key, array in arrays.items():
            if key not in ("value", "price", "A") and array.ndim:
                array[..., -1] *= 1.5
        return result

    monkeypatch.setattr(CpuFunction, "__call__", wrong)
    with pytest.raises(AssertionError):
        load(name).main(**SIZES[name])


def test_regression_without_scipy(monkeypatch, capsys):
    module = load("regression")
    monkeypatch.setattr(module, "least_squares", None)
    module.main(**SIZES["regression"])
    assert "SciPy" not in capsys.readouterr().out


def test_readme_lists_every_file():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    missing = [f"{name}.py" for name in SCRIPTS if f"`{name}.py`" not in text]
    missing += [f"{name}.toml" for name in PROBLEMS if f"`{name}.toml`" not in text]
    assert not missing


def test_the_python_of_the_readme_runs():
    pytest.importorskip("scipy")
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    known = {"numba": numba, "t": np.linspace(0, 5, 99)}
    known["y"] = 2 * np.exp(-0.7 * known["t"]) + 0.3
    for block in blocks:
        if 'target="cuda"' not in block:
            exec(block, known)
    assert known["result"].hessian.shape == (1_000_000, 2, 2)
    np.testing.assert_allclose(known["at"], [2, 0.7, 0.3], rtol=1e-9)


def formulas(problem):
    """The outputs as functions in mpmath, from the same text but by Python's own parser."""
    known = {name: getattr(mpmath, name) for name in ("sqrt", "log", "exp", "erfc", "sin", "cos")}

    def outputs(*point):
        # A decimal number is the double that the kernel computes with.
        values = {name: mpmath.mpf(value) for name, value in problem.parameter_values.items()}
        values |= dict(zip(problem.inputs, point, strict=True))
        for name, text in problem.definitions.items():
            values[name] = mpmath.mpf(eval(text, known, values))
        return [eval(text, known, values) for text in problem.outputs.values()]

    return [lambda *point, i=i: outputs(*point)[i] for i in range(len(problem.outputs))]


def orders(indices, count):
    """How often to differentiate by each of ``count`` variables."""
    return tuple(indices.count(i) for i in range(count))


def exact_results(problem, shapes, point):
    """Every result at one point by numerical differentiation with 60 digits."""
    functions, n = formulas(problem), len(problem.inputs)
    chosen = problem.derivatives if isinstance(problem.derivatives, dict) else {}
    results = {}
    for name, shape in shapes.items():
        if name in chosen:
            wanted = [tuple(problem.inputs.index(variable) for variable in chosen[name])]
        else:
            wanted = itertools.product(range(n), repeat=len(shape) - (len(functions) > 1))
        wanted = [orders(indices, n) for indices in wanted]
        with mpmath.workdps(60):
            made = {
                order: [mpmath.diff(f, point, order) for f in functions] for order in set(wanted)
            }
            flat = [float(made[order][i]) for i in range(len(functions)) for order in wanted]
        results[name] = np.array(flat).reshape(shape)
    return results


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_against_60_digits(name):
    problem = read_problem(FOLDER / "problems" / f"{name}.toml")
    assert problem.name == name
    assert set(problem.ranges) == set(problem.inputs), "every input needs a range"
    assert set(problem.parameter_values) == set(problem.parameters), "parameters need values"

    rng = np.random.default_rng(2)
    points = np.stack([rng.uniform(*problem.ranges[n], 3) for n in problem.inputs], axis=1)
    fn = compile_problem(problem)
    got = fn(points, **problem.parameter_values).as_dict()
    exact = [exact_results(problem, fn.shapes, tuple(map(float, point))) for point in points]
    for key, values in got.items():
        expected = np.stack([row[key] for row in exact])
        scale = np.abs(expected).max(axis=0)
        error = np.abs(values - expected) / np.where(scale > 0, scale, 1)
        where = np.unravel_index(np.argmax(error), error.shape)
        assert error.max() < 1e-13, (
            f"{name}: {key}{where[1:]} at {points[where[0]]}: got {values[where]!r}, "
            f"expected {expected[where]!r}"
        )


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_passes_its_check(name):
    problem = read_problem(FOLDER / "problems" / f"{name}.toml")
    given = {"parameters": problem.parameter_values, "ranges": problem.ranges}
    report = sg.check(compile_problem(problem), against="mpmath", count=3, **given)
    assert report, str(report)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_finite_in_its_ranges(name):
    problem = read_problem(FOLDER / "problems" / f"{name}.toml")
    ends = [problem.ranges[variable] for variable in problem.inputs]
    rng = np.random.default_rng(3)
    points = np.stack([rng.choice((*end, math.fsum(end) / 2), 500) for end in ends], axis=1)
    for key, values in (
        compile_problem(problem)(points, **problem.parameter_values).as_dict().items()
    ):
        assert np.isfinite(values).all(), key
