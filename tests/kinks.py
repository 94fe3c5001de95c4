"""The table of kinks.md: derivatives where they are not unique, PyTorch's beside ours.

``python -m tests.kinks`` prints the document; tests/end_to_end/test_kinks.py checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import symgrad as sg

DOCUMENT = Path(__file__).parents[1] / "symgrad" / "functions" / "kinks.md"
INF, NAN = float("inf"), float("nan")

BRANCH = "the branch that is not taken never contributes; PyTorch computes 0 times infinity"
CANCELLED = "cancelled before it is differentiated"
LIMIT = "the limit from both sides; PyTorch has 0 times infinity"
POWER = "the first derivative is constant 0 there by convention, so is the second"
ZERO = "an exact 0 by convention, so the second derivative is 0 too; PyTorch has 0/0"
EDGE = "at the edge the branch whose condition holds is differentiated"
STABLE = "the formula is rewritten so that it is not 0/0 and does not overflow"
INFINITE = "the limit at infinity; PyTorch has infinity times 0, or less infinity"
AT_NAN = "the derivative has no value either; PyTorch's formula does not see the NaN"
OUTSIDE = "outside the domain, where the value is nan: what the formula of the derivative gives"
POLE = "a pole: infinity, and nan where its sides differ in sign; PyTorch rounds it"


@dataclass(frozen=True, slots=True)
class Kink:
    """A formula of x and y, the same in PyTorch, a point, and why they differ if they do."""

    formula: str
    torch: Callable[..., Any]
    point: tuple[float, ...]
    reason: str = ""


# fmt: off
KINKS: tuple[Kink, ...] = (
    Kink("abs(x)", lambda t, x: t.abs(x), (0.0,)),
    Kink("abs(x)", lambda t, x: t.abs(x), (NAN,), AT_NAN),
    Kink("sign(x)", lambda t, x: t.sign(x), (0.0,)),
    Kink("sign(x)", lambda t, x: t.sign(x), (NAN,), "nan, as in NumPy; PyTorch has 0"),
    Kink("x*abs(x)", lambda t, x: x * t.abs(x), (0.0,)),
    Kink("abs(x)**2", lambda t, x: t.abs(x) ** 2, (0.0,), "it is x**2, with derivatives 0 and 2"),
    Kink("abs(x)**3", lambda t, x: t.abs(x) ** 3, (0.0,)),
    Kink("abs(x)**1.5", lambda t, x: t.abs(x) ** 1.5, (0.0,), LIMIT),
    Kink("abs(x)**0.5", lambda t, x: t.abs(x) ** 0.5, (0.0,), LIMIT),
    Kink("sqrt(x**2)", lambda t, x: t.sqrt(x**2), (0.0,), "it is abs(x)"),
    Kink("((x - 1)**2)**0.75", lambda t, x: ((x - 1) ** 2) ** 0.75, (1.0,), LIMIT),
    Kink("((x - 1)**2)**1.5", lambda t, x: ((x - 1) ** 2) ** 1.5, (1.0,), "it is abs(x - 1)**3"),
    Kink("max(x, y)", lambda t, x, y: t.maximum(x, y), (1.0, 1.0)),
    Kink("min(x, y)", lambda t, x, y: t.minimum(x, y), (1.0, 1.0)),
    Kink("max(x, y)", lambda t, x, y: t.maximum(x, y), (NAN, 1.0)),
    Kink("max(x, -x)", lambda t, x: t.maximum(x, -x), (0.0,)),
    Kink("max(x, -x)", lambda t, x: t.maximum(x, -x), (NAN,)),
    Kink("max(x, y, 1)", lambda t, x, y: t.maximum(t.maximum(x, y), t.ones_like(x)), (1.0, 1.0)),
    Kink("fmax(x, y)", lambda t, x, y: t.fmax(x, y), (NAN, 1.0)),
    Kink("fmax(x, y)", lambda t, x, y: t.fmax(x, y), (1.0, 1.0)),
    Kink("fmin(x, y)", lambda t, x, y: t.fmin(x, y), (1.0, 1.0)),
    Kink("clamp(x, 0, 1)", lambda t, x: t.clamp(x, 0, 1), (1.0,)),
    Kink("clamp(x, 0, 1)", lambda t, x: t.clamp(x, 0, 1), (NAN,),
         "neither condition holds for a NaN, so it is x, with derivative 1"),
    Kink("relu(x)", lambda t, x: t.relu(x), (0.0,)),
    Kink("hardtanh(x)", lambda t, x: t.nn.functional.hardtanh(x), (1.0,)),
    Kink("relu6(x)", lambda t, x: t.nn.functional.relu6(x), (6.0,)),
    Kink("hardsigmoid(x)", lambda t, x: t.nn.functional.hardtanh(x + 3, 0, 6) / 6, (-3.0,)),
    Kink("hardswish(x)", lambda t, x: t.nn.functional.hardswish(x), (3.0,)),
    Kink("hardswish(x)", lambda t, x: t.nn.functional.hardswish(x), (-INF,),
         "the branch of 0 is taken; PyTorch multiplies infinity by it"),
    Kink("leaky_relu(x)", lambda t, x: t.nn.functional.leaky_relu(x), (0.0,)),
    Kink("elu(x, 2)", lambda t, x: t.nn.functional.elu(x, 2), (0.0,), EDGE),
    Kink("selu(x)", lambda t, x: t.selu(x), (0.0,), EDGE),
    Kink("celu(x, 2)", lambda t, x: t.celu(x, 2), (0.0,), EDGE),
    Kink("hardshrink(x)", lambda t, x: t.nn.functional.hardshrink(x), (0.5,)),
    Kink("softshrink(x)", lambda t, x: t.nn.functional.softshrink(x), (0.5,)),
    Kink("elu(x)", lambda t, x: t.nn.functional.elu(x), (NAN,), AT_NAN),
    Kink("threshold(x, 1, 3)", lambda t, x: t.nn.functional.threshold(x, 1, 3), (1.0,)),
    Kink("threshold(x, 1, 3)", lambda t, x: t.nn.functional.threshold(x, 1, 3), (NAN,)),
    Kink("softsign(x)", lambda t, x: t.nn.functional.softsign(x), (0.0,)),
    Kink("copysign(x, y)", lambda t, x, y: t.copysign(x, y), (0.0, -1.0), ZERO),
    Kink("floor(x)", lambda t, x: t.floor(x), (2.0,)),
    Kink("rint(x)", lambda t, x: t.round(x), (0.5,)),
    Kink("modf(x)", lambda t, x: t.frac(x), (-2.0,)),
    Kink("frac(x)", lambda t, x: t.frac(x), (-0.5,),
         "it is SymPy's, x - floor(x); PyTorch's is modf(x)"),
    Kink("floor(x/y)", lambda t, x, y: t.floor(x / y), (1.0, 0.0),
         "a step, whose derivative is 0 whatever it is of; PyTorch has 0/0"),
    Kink("mod(x, y)", lambda t, x, y: t.remainder(x, y), (-6.0, 3.0)),
    Kink("mod(x, y)", lambda t, x, y: t.remainder(x, y), (1.0, 0.0),
         "the derivative by y has no value either; PyTorch's is -floor(x/y)"),
    Kink("fmod(x, y)", lambda t, x, y: t.fmod(x, y), (-6.0, 3.0)),
    Kink("heaviside(x, 0.5)", lambda t, x: 0 * x + t.heaviside(x.detach(), t.full_like(x, 0.5)),
         (0.0,)),
    Kink("sqrt(x)", lambda t, x: t.sqrt(x), (0.0,)),
    Kink("x**1.5", lambda t, x: x**1.5, (0.0,)),
    Kink("x**1.5", lambda t, x: x**1.5, (-INF,), "nan as for every negative x; C's pow has inf"),
    Kink("0**x", lambda t, x: 0**x, (1.0,), POWER),
    Kink("x**x", lambda t, x: x**x, (0.0,), POWER),
    Kink("x**y", lambda t, x, y: x**y, (0.0, 1.0), POWER),
    Kink("x**y", lambda t, x, y: x**y, (1.0, 0.0),
         "the mixed derivative is 1; PyTorch has it in one order of the two only"),
    Kink("x**y", lambda t, x, y: x**y, (0.0, 2.0), POWER),
    Kink("x**y", lambda t, x, y: x**y, (0.0, 0.0), POWER),
    Kink("x**y", lambda t, x, y: x**y, (-2.0, 3.0)),
    Kink("hypot(x, y)", lambda t, x, y: t.hypot(x, y), (0.0, 0.0),
         "0, as for abs; PyTorch has 0/0"),
    Kink("hypot(x, 0)", lambda t, x: t.hypot(x, 0 * x.detach()), (0.0,),
         "0, as for abs; PyTorch has 0/0"),
    Kink("sqrt(x**2 + y**2)", lambda t, x, y: t.sqrt(x**2 + y**2), (0.0, 0.0)),
    Kink("atan2(x, y)", lambda t, x, y: t.atan2(x, y), (0.0, 0.0), ZERO),
    Kink("asin(x)", lambda t, x: t.asin(x), (1.0,)),
    Kink("acosh(x)", lambda t, x: t.acosh(x), (1.0,)),
    Kink("acosh(x)", lambda t, x: t.acosh(x), (-2.0,), OUTSIDE),
    Kink("logit(x)", lambda t, x: t.logit(x), (0.0,), LIMIT),
    Kink("logit(x)", lambda t, x: t.logit(x), (2.0,), OUTSIDE),
    Kink("erfinv(x)", lambda t, x: t.erfinv(x), (1.0,)),
    Kink("ndtri(x)", lambda t, x: t.special.ndtri(x), (0.0,)),
    Kink("digamma(x)", lambda t, x: t.digamma(x), (-1.0,), POLE),
    Kink("polygamma(2, x)", lambda t, x: t.polygamma(2, x), (-1.0,), POLE),
    Kink("log(x)", lambda t, x: t.log(x), (0.0,)),
    Kink("log(x)", lambda t, x: t.log(x), (-1.0,)),
    Kink("xlogy(x, y)", lambda t, x, y: t.xlogy(x, y), (0.0, 0.0),
         "d/dx is log(y) for every x; it is 0 for every y, so d/dy is 0"),
    Kink("xlogy(x, y)", lambda t, x, y: t.xlogy(x, y), (0.0, 2.0)),
    Kink("xlogy(x, y)", lambda t, x, y: t.xlogy(x, y), (0.0, -1.0),
         "d/dx is log(y) for every x, and log(-1) is nan"),
    Kink("xlog1py(x, y)", lambda t, x, y: t.special.xlog1py(x, y), (0.0, 1.0)),
    Kink("xlog1py(x, y)", lambda t, x, y: t.special.xlog1py(x, y), (0.0, -1.0),
         "d/dx is log(1 + y) for every x; it is 0 for every y, so d/dy is 0"),
    Kink("x*log(x)", lambda t, x: x * t.log(x), (0.0,), "the limit; PyTorch has 0 times infinity"),
    Kink("logaddexp(x, y)", lambda t, x, y: t.logaddexp(x, y), (1000.0, 1000.0)),
    Kink("logaddexp(x, y)", lambda t, x, y: t.logaddexp(x, y), (INF, 1.0), INFINITE),
    Kink("logaddexp(x, y)", lambda t, x, y: t.logaddexp(x, y), (-INF, -INF)),
    Kink("where(x > 0, sqrt(x), 0)", lambda t, x: t.where(x > 0, t.sqrt(x), 0 * x), (0.0,), BRANCH),
    Kink("where(x > 0, log(x), x)", lambda t, x: t.where(x > 0, t.log(x), x), (0.0,), BRANCH),
    Kink("where(y != 0, x/y, 0)", lambda t, x, y: t.where(y != 0, x / y, 0 * x), (1.0, 0.0),
         BRANCH),
    Kink("where(x != 0, sin(x)/x, 1)", lambda t, x: t.where(x != 0, t.sin(x) / x, 0 * x + 1),
         (0.0,), "it is sinc(x), and smooth"),
    Kink("sinc_pi(x)", lambda t, x: t.sinc(x), (0.0,), "it is smooth; PyTorch has 0/0"),
    Kink("sinc_pi(x)", lambda t, x: t.sinc(x), (INF,), INFINITE),
    Kink("erf(x)", lambda t, x: t.erf(x), (INF,), INFINITE),
    Kink("softsign(x)", lambda t, x: t.nn.functional.softsign(x), (INF,), INFINITE),
    Kink("i0(x)", lambda t, x: t.i0(x), (INF,), INFINITE),
    Kink("polygamma(1, x)", lambda t, x: t.polygamma(1, x), (INF,), INFINITE),
    Kink("sin(x)/x", lambda t, x: t.sin(x) / x, (0.0,), STABLE),
    Kink("(exp(x) - 1)/x", lambda t, x: (t.exp(x) - 1) / x, (0.0,), STABLE),
    Kink("log(1 + x)/x", lambda t, x: t.log(1 + x) / x, (0.0,), STABLE),
    Kink("(1 - cos(x))/x**2", lambda t, x: (1 - t.cos(x)) / x**2, (0.0,), STABLE),
    Kink("x/(exp(x) - 1)", lambda t, x: x / (t.exp(x) - 1), (0.0,), STABLE),
    Kink("1/(1 + exp(-x))", lambda t, x: 1 / (1 + t.exp(-x)), (-800.0,), STABLE),
    Kink("log(1 + exp(x))", lambda t, x: t.log(1 + t.exp(x)), (800.0,), STABLE),
    Kink("log(exp(x) + exp(y))", lambda t, x, y: t.log(t.exp(x) + t.exp(y)), (1000.0, 1000.0),
         STABLE),
    Kink("x/x", lambda t, x: x / x, (0.0,), CANCELLED),
    Kink("x - x", lambda t, x: x - x, (INF,), CANCELLED),
    Kink("0*x", lambda t, x: 0 * x, (INF,), CANCELLED),
    Kink("x**2/x", lambda t, x: x**2 / x, (0.0,), CANCELLED),
    Kink("sqrt(x)*sqrt(x)", lambda t, x: t.sqrt(x) * t.sqrt(x), (-1.0,), CANCELLED),
    Kink("log(x**2)", lambda t, x: t.log(x**2), (0.0,), CANCELLED),
    Kink("tan(atan(x))", lambda t, x: t.tan(t.atan(x)), (INF,), CANCELLED),
    Kink("sqrt(x)**2", lambda t, x: t.sqrt(x) ** 2, (0.0,), CANCELLED),
    Kink("log(exp(x))", lambda t, x: t.log(t.exp(x)), (800.0,), CANCELLED),
    Kink("exp(log(x))", lambda t, x: t.exp(t.log(x)), (0.0,), CANCELLED),
    Kink("nan_to_num(x)", lambda t, x: t.nan_to_num(x), (NAN,)),
)
# fmt: on

HEAD = """# Derivatives where they are not unique

Real formulas have points where a derivative does not exist, or exists but is not what the chain
rule gives: kinks, jumps, ends of a domain, 0/0. There symgrad answers as PyTorch does, for the
function of the same name, unless the last column says why not. Where two branches of `where` or
`Piecewise` meet, the one whose condition holds is differentiated. No result has a DiracDelta.

Each cell shows the value; the gradient; the second derivatives (rows of the Hessian). Both columns
are computed: `python -m tests.kinks > symgrad/functions/kinks.md` writes this page anew, and a test
compares it with symgrad, and with PyTorch where that is installed.

Rewrites are opt-out: `rewrites="exact"` computes every formula as it is written. Away from these
points PyTorch has fewer digits in `hardsigmoid`, whose slope it rounds to single precision, and in
`trigamma`, which is 1e-9 off; symgrad's are not rounded so. In float32 `nan_to_num(x)` leaves an
infinity one, as the largest double is beyond that type: give its bounds, `nan_to_num(x, 0, b, -b)`.

| formula | at | symgrad | PyTorch | why they differ |
|---|---|---|---|---|
"""

Answer = tuple[Any, Any, Any]


def ours(kinks: tuple[Kink, ...] = KINKS) -> list[Answer]:
    """The value, gradient and Hessian of every formula at its point, by one kernel."""
    formulas = [kink.formula for kink in kinks]
    fn = sg.compile(formulas, "x y", ["value", "jacobian", "hessian"], cache=False)
    points = np.array([(*kink.point, 1.0)[:2] for kink in kinks])
    results = list(fn(points))
    found = []
    for index, kink in enumerate(kinks):
        n = len(kink.point)
        value, gradient, hessian = (result[index, index] for result in results)
        found.append((float(value), gradient[:n], hessian[:n, :n]))
    return found


def torch_answer(torch: ModuleType, kink: Kink) -> Answer:
    """The same three by PyTorch's autograd."""
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in kink.point]
    value = kink.torch(torch, *leaves)
    gradient = _gradient(torch, value, leaves)
    hessian = [[g.item() for g in _gradient(torch, part, leaves)] for part in gradient]
    return value.item(), np.array([part.item() for part in gradient]), np.array(hessian)


def _gradient(torch: ModuleType, value: Any, leaves: list[Any]) -> list[Any]:
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True)
    return [
        torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)
    ]


def shown(answer: Answer) -> str:
    """An answer as it stands in a cell."""
    value, gradient, hessian = answer
    rows = ", ".join(f"({_numbers(row)})" if len(row) > 1 else _numbers(row) for row in hessian)
    return f"{_number(value)}; {_numbers(gradient)}; {rows}"


def _numbers(values: Any) -> str:
    return ", ".join(map(_number, values))


def _number(value: float) -> str:
    if not isfinite(value):
        return str(float(value))
    rounded = float(f"{value:.6g}")
    return f"{0.0 if abs(rounded) < 1e-300 else rounded:.6g}"


def line(kink: Kink, mine: str, theirs: str) -> str:
    """A row of the table; the reason stands where the answers differ, and nowhere else."""
    at = ", ".join(f"{name} = {value:g}" for name, value in zip("xy", kink.point, strict=False))
    reason = kink.reason if mine != theirs else ""
    return f"| `{kink.formula}` | {at} | {mine} | {theirs} | {reason} |"


if __name__ == "__main__":
    import torch

    made = [
        line(kink, shown(answer), shown(torch_answer(torch, kink)))
        for kink, answer in zip(KINKS, ours(), strict=True)
    ]
    print(HEAD + "\n".join(made))  # noqa: T201 - the document goes to standard output
