"""How much of SymPy works: value, first and second derivative of common expressions, by library.

    python -m benchmarks.coverage [--peers symgrad numba ...] [--cases erf gamma ...]

Each library runs in a process of its own, case by case, with a limit of LIMIT seconds a case. It is
given SymPy's derivatives where it does not differentiate itself. "yes": value and both derivatives
within 1e-9 of 40 digits; "2/3": that many of them; "-": none, or it refused, failed or ran out of
time. The cases stand in ``shared/cases`` beside the project; without them nothing is run.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import FrameType
from typing import Any

import sympy

from tests.cases import AVAILABLE, rows

LIMIT = 20
TOLERANCE = 1e-9
RESULTS = ("value", "first", "second")

Values = list[Any]
"""Value, first and second derivative; None where a part failed."""


def expression_of(case: dict[str, Any]) -> Any:
    """The SymPy object of a case."""
    names: dict[str, Any] = {name: sympy.Symbol(name, real=True) for name in "xyz"}
    names |= {"k": sympy.Symbol("k", integer=True), "f": sympy.Function("f")}
    return sympy.sympify(case["expression"], locals=names)


def _parts(case: dict[str, Any]) -> tuple[list[Any], list[Any], list[float]]:
    """The expression and its derivatives by SymPy, the two symbols, the point."""
    symbols = [sympy.Symbol(name, real=True) for name in "xy"]
    by = symbols["xy".index(case["variable"])]
    expression = expression_of(case)
    parts = [expression, expression.diff(by), expression.diff(by, 2)]
    return parts, symbols, [case["point"][name] for name in "xy"]


def _each(parts: Sequence[Any], evaluate: Callable[[Any], Any]) -> Values:
    """Every part by itself, None where a library cannot do it."""
    made: Values = []
    for part in parts:
        try:
            made.append(float(evaluate(part)))
        except TimeoutError:
            raise
        except Exception:
            made.append(None)
    return made


def symgrad(case: dict[str, Any]) -> Values:
    """One kernel for the value and both derivatives."""
    import symgrad as sg

    by = case["variable"]
    partials = {"value": (), "first": (by,), "second": (by, by)}
    fn = sg.compile(expression_of(case), ["x", "y"], partials, cache=False)
    got = fn([[case["point"][name] for name in "xy"]])
    return [float(got[name].reshape(-1)[0]) for name in RESULTS]


def numba(case: dict[str, Any]) -> Values:
    """Lambdify with the functions of math, NumPy or SciPy, whichever njit takes."""
    import numba as library

    parts, symbols, point = _parts(case)

    def evaluate(part: Any) -> Any:
        for modules in ("math", "numpy"):
            try:
                return library.njit(sympy.lambdify(symbols, part, modules))(*point)
            except Exception:
                continue
        return library.njit(sympy.lambdify(symbols, part, ["scipy", "numpy"]))(*point)

    return _each(parts, evaluate)


def symengine(case: dict[str, Any]) -> Values:
    """SymEngine's own derivatives or SymPy's, by its LLVM backend, else as doubles."""
    import symengine as library

    theirs, symbols, point = _parts(case)
    own = [library.Symbol(symbol.name) for symbol in symbols]
    places = dict(zip(symbols, own, strict=True))
    expression = library.sympify(expression_of(case)).subs(places)
    by = own["xy".index(case["variable"])]
    parts = [expression, expression.diff(by), expression.diff(by).diff(by)]

    def evaluate(part: Any) -> Any:
        for backend in ("llvm", "lambda"):
            try:
                return library.Lambdify(own, [part], backend=backend)(point)[0]
            except Exception:
                continue
        return part.subs(dict(zip(own, point, strict=True))).n(53, real=True)

    made = _each(parts, evaluate)
    again = _each(theirs, lambda part: evaluate(library.sympify(part).subs(places)))
    return [b if a is None else a for a, b in zip(made, again, strict=True)]


def jax(case: dict[str, Any]) -> Values:
    """Lambdify with JAX's modules and jax.scipy.special; derivatives by jax.grad."""
    import jax as library
    import jax.scipy.special

    library.config.update("jax_enable_x64", True)
    _, symbols, point = _parts(case)
    special = library.scipy.special
    known = {name: getattr(special, name) for name in dir(special) if not name.startswith("_")}
    known |= {"loggamma": special.gammaln, "Ei": special.expi}
    made = sympy.lambdify(symbols, expression_of(case), [known, "jax"])
    position = "xy".index(case["variable"])
    first = library.grad(made, position)
    return _each([made, first, library.grad(first, position)], lambda f: library.jit(f)(*point))


def torch(case: dict[str, Any]) -> Values:
    """Lambdify with torch's functions and torch.special; derivatives by autograd."""
    import torch as library

    _, symbols, point = _parts(case)
    special = library.special
    known = {name: getattr(special, name) for name in dir(special) if not name.startswith("_")}
    known["loggamma"] = special.gammaln
    made = sympy.lambdify(symbols, expression_of(case), [known, "torch"])
    given = [library.tensor(x, dtype=library.float64, requires_grad=True) for x in point]
    by = given["xy".index(case["variable"])]
    value = made(*given)
    found: Values = [float(value)]
    try:
        for _ in RESULTS[1:]:
            (value,) = library.autograd.grad(value, by, create_graph=True)
            found.append(float(value))
    except RuntimeError:  # it cannot, or what is left depends on nothing, and is 0 then
        constant = not value.requires_grad
        found += [0.0 if constant else None] * (3 - len(found))
    return found


def heyoka(case: dict[str, Any]) -> Values:
    """from_sympy, its own derivatives, one compiled function a part."""
    import heyoka as library

    _, symbols, point = _parts(case)
    own = [library.make_vars(symbol.name) for symbol in symbols]
    expression = library.from_sympy(expression_of(case))
    by = own["xy".index(case["variable"])]
    parts = [expression, lambda: library.diff(expression, by)]
    parts.append(lambda: library.diff(library.diff(expression, by), by))

    def evaluate(part: Any) -> Any:
        made = part() if callable(part) and not isinstance(part, library.expression) else part
        return library.cfunc([made], vars=own)(point)[0]

    return _each(parts, evaluate)


PEERS: dict[str, Callable[[dict[str, Any]], Values]] = {
    "symgrad": symgrad, "numba": numba, "symengine": symengine,
    "jax": jax, "torch": torch, "heyoka": heyoka,
}  # fmt: skip


def mark(case: dict[str, Any], values: Values) -> str:
    """Yes, "-", or how many of the references are met."""
    wanted = [(got, case[name]) for got, name in zip(values, RESULTS, strict=True)]
    good = sum(
        got is not None
        and isfinite(got)
        and (want is None or abs(got - want) <= TOLERANCE * max(1.0, abs(want)))
        for got, want in wanted
    )
    return "yes" if good == len(wanted) else f"{good}/{len(wanted)}" if good else "-"


def _stop(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def work(peer: str, names: Sequence[str]) -> None:
    """Run one library on cases, a line of JSON each."""
    signal.signal(signal.SIGALRM, _stop)
    for case in rows("coverage"):
        if case["id"] not in names:
            continue
        signal.alarm(LIMIT)
        try:
            values = PEERS[peer](case)
        except Exception:
            values = [None] * 3
        signal.alarm(0)
        print(json.dumps([case["id"], mark(case, values)]), flush=True)


def measured(peer: str, names: Sequence[str]) -> dict[str, str]:
    """The marks of one library; a process that dies or hangs costs it the case."""
    found: dict[str, str] = {}
    while left := [name for name in names if name not in found]:
        command = [sys.executable, "-m", "benchmarks.coverage", "--work", peer, "--cases", *left]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            cwd=Path(__file__).parents[1],
        )  # fmt: skip
        lines: Queue[str] = Queue()
        Thread(target=_forward, args=(process, lines), daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=3 * LIMIT)
            except Empty:  # not even the alarm stopped it
                break
            if not line:
                break
            name, made = json.loads(line)
            found[name] = made
        process.kill()
        process.wait()
        if len(found) < len(names):
            missing = next(name for name in names if name not in found)
            found[missing] = "-"
    return found


def _forward(process: subprocess.Popen[str], lines: Queue[str]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            for line in stream:
                if line.startswith("["):
                    lines.put(line)
    lines.put("")


def table(names: Sequence[str], marks: dict[str, dict[str, str]]) -> str:
    """A line a case, and how many each library does."""
    head = ["case".ljust(14), *(peer.rjust(10) for peer in marks)]
    lines = ["".join(head)]
    lines += [
        "".join([name.ljust(14), *(made[name].rjust(10) for made in marks.values())])
        for name in names
    ]
    totals = [sum(value == "yes" for value in made.values()) for made in marks.values()]
    lines.append("".join([f"of {len(names)}".ljust(14), *(str(n).rjust(10) for n in totals)]))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the libraries, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--cases", nargs="+")
    parser.add_argument("--work", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not AVAILABLE:
        print("the folder shared/cases is not there")
        return 0
    names = given.cases or [case["id"] for case in rows("coverage")]
    if given.work:
        work(given.work, names)
        return 0
    print(table(names, {peer: measured(peer, names) for peer in given.peers}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
