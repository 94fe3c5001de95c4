"""What one call costs: ten operations at one point, form by form, beside other systems.

Run from the root of the repository: ``python -m benchmarks.latency [--rounds 300] [--json FILE]``.

A call from Python is timed in short runs of 20, every form in turn, and the best run counts: on a
machine that does other things, too, that is what a quiet one would give. All figures are
microseconds a call. Two are there to compare with: the kernel itself, called with arrays of the
shape that it takes, and ``np.add(a, b, out=c)`` for arrays of one entry. Calls from numba code are
timed in a loop in which each call needs the result of the one before.

Other systems compute the value of the same function. Their results are compared with ours before
anything is timed; a peer that is not installed is named.
"""

from __future__ import annotations

import argparse
import json
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from numba import njit

import symgrad as sg

CALLS = 20
"""Calls in one run."""

POINT = (0.3, 0.7)

Call = Callable[[], Any]


def formula(m: Any, x: Any, y: Any) -> Any:
    """exp(-x^2/2) sin(y) + x y/(1 + y^2) - 3 x: ten operations or so, two of them functions."""
    return m.exp(-(x**2) / 2) * m.sin(y) + x * y / (1 + y**2) - 3 * x


def ours() -> dict[str, Call]:
    """The forms of calling a compiled function, and what to compare them with."""
    x, y = sg.variables("x y")
    value = sg.compile(formula(sg.math, x, y), "x y", "value")
    both = sg.compile(formula(sg.math, x, y), "x y", ["value", "gradient"])
    scaled = sg.compile("k*(" + str(formula(sp, *sp.symbols("x y"))) + ")", "x y", parameters="k")
    point, table = np.array(POINT), np.array([POINT])
    columns = table.T.copy()
    batch = np.repeat(table, 100, 0)
    number, out, gradient = np.empty(()), np.empty(1), np.empty((1, 2))
    given = {"value": out, "gradient": gradient}
    memory, flat = value._code.scratch.memory, out.reshape(1, 1)
    a, b, c = np.ones((3, 1))
    return {
        "np.add(a, b, out=c)": lambda: np.add(a, b, out=c),
        "the kernel itself": lambda: value._code.kernel(0, 1, 0, memory, table, flat),
        "fn(X, out=)": lambda: value(table, out=out),
        "fn(x, out=)": lambda: value(point, out=number),
        "fn(X)": lambda: value(table),
        "fn(x)": lambda: value(point),
        "fn(0.3, 0.7)": lambda: value(*POINT),
        "fn(x1, x2)": lambda: value(*columns),
        "fn(x=x1, y=x2)": lambda: value(x=columns[0], y=columns[1]),
        "fn([0.3, 0.7])": lambda: value([*POINT]),
        "fn(X), 100 points": lambda: value(batch),
        "value and gradient, out={...}": lambda: both(table, out=given),
        "value and gradient": lambda: both(table),
        "gradient, k=2.0, out=": lambda: scaled(table, k=2.0, out=gradient),
        "gradient, k=2.0": lambda: scaled(table, k=2.0),
        "fn.njit(0.3, 0.7)": lambda: value.njit(*POINT),
        "fn.njit(x, value, gradient)": lambda: both.njit(point, number, gradient[0]),
    }


def chained(function: Callable[..., Any]) -> Callable[..., float]:
    """A numba loop over calls of ``function``, each of which needs the one before."""

    @njit
    def loop(calls, x, y):  # type: ignore[no-untyped-def]
        made = 0.0
        for _ in range(calls):
            made = function(x, y)
            x, y = x + 1e-30 * made, y + 1e-30 * made
        return made

    return loop  # type: ignore[no-any-return]


def from_numba() -> dict[str, Callable[..., float]]:
    """Loops in numba code: over ours, and over the same function compiled by numba itself."""
    x, y = sp.symbols("x y")
    value = sg.compile(formula(sp, x, y), "x y", "value")
    return {
        "fn.njit(x, y)": chained(value.njit),
        "numba, lambdified": chained(njit(sp.lambdify((x, y), formula(sp, x, y), "math"))),
    }


def numba_peer() -> Call:
    """SymPy's lambdified expression under numba, called from Python."""
    x, y = sp.symbols("x y")
    call = njit(sp.lambdify((x, y), formula(sp, x, y), "math"))
    return lambda: call(*POINT)


def casadi_peer() -> Call:
    """A CasADi function of two numbers."""
    import casadi

    x, y = casadi.SX.sym("x"), casadi.SX.sym("y")
    call = casadi.Function("f", [x, y], [formula(casadi, x, y)])
    return lambda: call(*POINT)


def casadi_buffer_peer() -> Call:
    """The same with buffers, CasADi's quickest way."""
    import casadi

    x = casadi.SX.sym("x", 2)
    call = casadi.Function("f", [x], [formula(casadi, x[0], x[1])])
    buffer, evaluate = call.buffer()
    point, made = np.array(POINT), np.empty(1)
    buffer.set_arg(0, memoryview(point))
    buffer.set_res(0, memoryview(made))

    def run(held: Any = (call, buffer, point)) -> Any:  # CasADi keeps none of them alive
        evaluate()
        return made

    return run


def heyoka_peer() -> Call:
    """A compiled function of heyoka."""
    import heyoka

    x, y = heyoka.make_vars("x", "y")
    call = heyoka.cfunc([formula(heyoka, x, y)], vars=[x, y])
    point, made = np.array(POINT), np.empty(1)
    return lambda: call(point, outputs=made)


def symengine_peer() -> Call:
    """SymEngine's Lambdify, through LLVM where its build has it."""
    import symengine

    x, y = symengine.symbols("x y")
    backend = "llvm" if symengine.have_llvm else "lambda"
    call = symengine.Lambdify([x, y], [formula(symengine, x, y)], backend=backend)
    point, made = np.array(POINT), np.empty(1)
    return lambda: call(point, out=made)


PEERS = {
    "numba, lambdified": numba_peer,
    "CasADi": casadi_peer,
    "CasADi with buffers": casadi_buffer_peer,
    "heyoka cfunc, outputs=": heyoka_peer,
    "SymEngine Lambdify, out=": symengine_peer,
}


def others() -> tuple[dict[str, Call], dict[str, str]]:
    """The peers' calls that are there, and why others are not.

    Raises:
        ArithmeticError: a peer's result is another than ours.
    """
    found: dict[str, Call] = {}
    missing: dict[str, str] = {}
    expected = float(sp.lambdify((), formula(sp, *map(sp.Float, POINT)))())
    for name, prepare in PEERS.items():
        try:
            call = prepare()
        except ImportError as error:
            missing[name] = str(error)
            continue
        made = float(np.asarray(call()).ravel()[0])
        if abs(made - expected) > 1e-12:
            raise ArithmeticError(f"{name} gives {made}, which should be {expected}")
        found[name] = call
    return found, missing


def best(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Microseconds a call, the best of ``rounds`` runs of each, in turn."""
    found = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            found[name] = min(found[name], timeit.timeit(call, number=CALLS) / CALLS * 1e6)
    return found


def best_of_loops(loops: dict[str, Callable[..., float]], rounds: int) -> dict[str, float]:
    """Microseconds a call inside numba code."""
    calls = 50 * CALLS
    timed = {name: (lambda loop=loop: loop(calls, *POINT)) for name, loop in loops.items()}
    return {name: each / calls for name, each in best(timed, rounds // 10 + 1).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time all forms and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    mine, (theirs, missing) = ours(), others()
    timed = best(
        {**mine, **{f"peer {name}": call for name, call in theirs.items()}}, options.rounds
    )
    inside = best_of_loops(from_numba(), options.rounds)
    kernel, add = timed["the kernel itself"], timed["np.add(a, b, out=c)"]
    print(f"{'us a call of one point, from Python':40}{'us':>8}{'x kernel':>10}{'x np.add':>10}")
    for name, each in timed.items():
        print(f"{name:40}{each:8.2f}{each / kernel:10.1f}{each / add:10.1f}")
    for name, reason in missing.items():
        print(f"peer {name:35} not installed: {reason}")
    print("from numba code")
    for name, each in inside.items():
        print(f"{name:40}{each:8.3f}")
    if options.json:
        figures = {"python": timed, "numba": inside}
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
