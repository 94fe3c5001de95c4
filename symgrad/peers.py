"""Other systems that evaluate a formula and its derivatives, for ``fn.benchmark``: a function each.

A peer is given the formula alone, as a graph, and differentiates by its own means. It is prepared
as somebody who knows it would, without a search for its best form; ``benchmarks/side_by_side.py``
makes that search. Libraries are imported by the peer that needs them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from itertools import product
from shutil import which
from tempfile import gettempdir
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import OptionError
from symgrad.ir.evaluate import Arithmetic, evaluate, numpy_arithmetic
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable
from symgrad.runtime.arrays import Array

MOST_NODES = 4000
"""Distinct parts of a formula, times those by which it is differentiated, that SymPy is given."""

Run = Callable[[], Any]
"""Evaluates all points; gives the entries of all orders, row-major, as rows over the points."""


class Case(NamedTuple):
    """What is evaluated.

    Attributes:
        system: the formula, simplified.
        orders: which derivative arrays, at most 2.
        names: what varies: the inputs, and parameters by which it is differentiated.
        columns: their values, an array of shape (N,) each.
        numbers: the values of the other parameters.
    """

    system: System
    orders: tuple[int, ...]
    names: tuple[str, ...]
    columns: Sequence[Array]
    numbers: Mapping[str, float]

    def values(self, varied: Iterable[Any], arithmetic: Arithmetic) -> list[Any]:
        """The outputs where the names have other values than numbers."""
        known = {**self.numbers, **dict(zip(self.names, varied, strict=True))}
        return evaluate(self.system.graph, self.system.outputs.nodes, known, arithmetic)

    @property
    def places(self) -> list[int]:
        """The positions in ``names`` of what is differentiated by."""
        return [self.names.index(name) for name in self.system.wrt]


def arithmetic_of(case: Case, modules: Sequence[Any], **own: Any) -> Arithmetic:
    """Arithmetic on a library's values: the table's rows under the names that it has for them."""
    exact = numpy_arithmetic().number
    functions: dict[str, Any] = {"lt": operator.lt, "le": operator.le, "eq": operator.eq}
    for name, row in case.system.graph.table.items():
        torch_name = (row.names.torch or "").split(".")[-1]
        for module, known in product(modules, (name, torch_name, row.names.numpy or "")):
            if callable(found := getattr(module, known or "nothing", None)):
                functions.setdefault(name, found)
    sqrt = modules[0].sqrt

    def power(base: Any, exponent: int | Fraction) -> Any:
        if exponent == Fraction(1, 2):
            return sqrt(base)
        if exponent == -1:
            return 1.0 / base
        return (
            base
            if exponent == 1
            else base ** (exponent if type(exponent) is int else float(exponent))
        )

    return Arithmetic(lambda value: float(exact(value)), power, {**functions, **own})


def _by_sympy(case: Case) -> tuple[list[Any], list[Any]]:
    """SymPy's symbols, and every entry, differentiated by SymPy.

    Raises:
        OptionError: the formula is long.
    """
    nodes = len(reachable(case.system.graph, case.system.outputs.nodes))
    if nodes * (1 + len(case.places)) ** max(case.orders) > MOST_NODES:
        raise OptionError("SymPy and numba take minutes for a formula of this length")
    sympy = import_module("sympy")
    to_sympy = import_module("symgrad.interop.sympy_objects").to_sympy
    symbols = [sympy.Symbol(f"x{i}", real=True) for i in range(len(case.names))]
    known = {name: sympy.Float(value) for name, value in case.numbers.items()}
    known |= dict(zip(case.names, symbols, strict=True))
    made = [to_sympy(case.system.graph, case.system.outputs.nodes, known, {})]
    for _ in range(max(case.orders)):
        made.append([entry.diff(symbols[i]) for entry in made[-1] for i in case.places])
    return symbols, [entry for order in case.orders for entry in made[order]]


def numpy_lambdify(case: Case) -> Run:
    """SymPy's diff and ``lambdify(cse=True)`` over NumPy's arrays."""
    symbols, entries = _by_sympy(case)
    function = import_module("sympy").lambdify(symbols, entries, cse=True)
    return lambda: function(*case.columns)


def numba_lambdify(case: Case) -> Run:
    """SymPy's diff, ``lambdify(cse=True)`` on scalars, and a loop over the points, by numba."""
    sympy, numba = import_module("sympy"), import_module("numba")
    symbols, entries = _by_sympy(case)
    point = numba.njit(sympy.lambdify(symbols, tuple(entries), modules="math", cse=True))
    columns = [f"x{i}" for i in range(len(symbols))]
    lines = [f"def kernel({', '.join(columns)}, out):", "    for i in range(out.shape[1]):"]
    lines += [f"        entries = point({', '.join(f'{column}[i]' for column in columns)})"]
    lines += [f"        out[{k}, i] = entries[{k}]" for k in range(len(entries))]
    namespace: dict[str, Any] = {"point": point}
    exec("\n".join(lines), namespace)  # of our own names alone
    kernel = numba.njit(namespace["kernel"], error_model="numpy")
    out = np.empty((len(entries), len(case.columns[0])))

    def run() -> Array:
        kernel(*case.columns, out)
        return out

    return run


def torch_autograd(case: Case) -> Run:
    """Eager PyTorch over all points at once, one thread; a backward pass for each row."""
    torch = import_module("torch")
    arithmetic = import_module("symgrad.interop.torch").torch_arithmetic(case.system.graph.table)
    leaves = [torch.tensor(column, requires_grad=True) for column in case.columns]
    wrt = [leaves[i] for i in case.places]
    shape = leaves[0].shape
    numbers = {name: torch.tensor(value).double() for name, value in case.numbers.items()}
    case = case._replace(numbers=numbers)

    def rows(entries: Sequence[Any], again: bool) -> list[Any]:
        made = []
        for entry in entries:
            slopes: Any = [torch.zeros(shape, dtype=torch.float64)] * len(wrt)
            if entry.requires_grad:
                slopes = torch.autograd.grad(
                    *(entry.sum(), wrt),
                    retain_graph=True,
                    create_graph=again,
                    allow_unused=True,
                    materialize_grads=True,
                )
            made += slopes
        return made

    def run() -> list[Array]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            made = [case.values(leaves, arithmetic)]
            for order in range(max(case.orders)):
                made.append(rows(made[-1], order + 1 < max(case.orders)))
        finally:
            torch.set_num_threads(threads)
        return [entry.detach().numpy() for order in case.orders for entry in made[order]]

    return run


def jax_vmap(case: Case) -> Run:
    """``jit(vmap(...))`` of value, jacrev or jacfwd, and jacfwd of that, in float64."""
    jax = import_module("jax")
    modules = [import_module(name) for name in ("jax.numpy", "jax.scipy.special", "jax.nn")]
    jnp = modules[0]
    arithmetic = arithmetic_of(case, modules, select=jnp.where)
    places, count = case.places, len(case.system.outputs.nodes)

    def value(wrt: list[Any], point: list[Any]) -> list[Any]:
        given = dict(zip(places, wrt, strict=True))
        varied = [given.get(i, entry) for i, entry in enumerate(point)]
        return [jnp.asarray(entry, float) for entry in case.values(varied, arithmetic)]

    first = jax.jacrev(value) if count < len(places) else jax.jacfwd(value)
    orders = [value, first, jax.jacfwd(first)]

    def entries(point: Any) -> Any:
        varied = list(point)
        wrt = [varied[i] for i in places]
        made = [orders[order](wrt, varied) for order in case.orders]
        return jnp.stack(jax.tree.leaves(made))

    enabled = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with enabled(True):
        points = jnp.asarray(np.stack(case.columns))
        compiled = jax.jit(jax.vmap(entries, in_axes=-1, out_axes=-1)).lower(points).compile()
    return lambda: np.asarray(jax.block_until_ready(compiled(points)))


def heyoka_cfunc(case: Case) -> Run:
    """``cfunc`` of ``diff_tensors``, with its fast mathematics."""
    heyoka = import_module("heyoka")
    x = [heyoka.expression(f"x{i}") for i in range(len(case.names))]
    outputs = [heyoka.expression(e) for e in case.values(x, arithmetic_of(case, [heyoka]))]
    wrt = [x[i] for i in case.places]
    entries: list[Any] = []
    tensors = heyoka.diff_tensors(outputs, diff_args=wrt, diff_order=max(1, *case.orders))
    for order in case.orders:
        for k, indices in product(range(len(outputs)), product(range(len(wrt)), repeat=order)):
            counts = [indices.count(i) for i in range(len(wrt))]
            entries.append(tensors[[k, *counts]])
    kernel = heyoka.cfunc(entries, vars=x, fast_math=True)
    points = np.stack(case.columns)
    out = np.empty((len(entries), points.shape[1]))
    return lambda: kernel(points, outputs=out)


def casadi_c(case: Case) -> Run:
    """SX with its own Jacobians, as compiled C where there is a compiler, mapped over points."""
    casadi = import_module("casadi")
    x = casadi.SX.sym("x", len(case.names))
    own = {"and": casadi.logic_and, "or": casadi.logic_or, "erfc": lambda x: 1 - casadi.erf(x)}
    arithmetic = arithmetic_of(case, [casadi], select=casadi.if_else, **own)
    made = [casadi.vertcat(*case.values(casadi.vertsplit(x), arithmetic))]
    for _ in range(max(case.orders)):
        columns = casadi.jacobian(made[-1], x)[:, case.places]
        made.append(casadi.vec(casadi.densify(columns).T))
    entries = casadi.vertcat(*[made[order] for order in case.orders])
    options: dict[str, Any] = {"cse": True}
    if which("gcc"):  # its files are removed again when the function is
        flags = {"flags": ["-O3", "-march=native"], "directory": f"{gettempdir()}/"}
        options |= {"jit": True, "compiler": "shell", "jit_options": flags}
    function = casadi.Function("point", [x], [entries], options)
    points = np.stack(case.columns, 1)
    out = np.empty((len(points), entries.numel()))
    mapped = function.map(len(points), "serial")
    buffer, call = mapped.buffer()
    buffer.set_arg(0, points.data)
    buffer.set_res(0, out.data)

    def run(*_: Any, alive: Any = (mapped, buffer, points)) -> Array:  # it reads them
        call()
        return out.T

    return run


def symengine_llvm(case: Case) -> Run:
    """SymEngine's diff and LLVM, with common subexpressions."""
    symengine = import_module("symengine")
    sympy = import_module("sympy")
    flat = case._replace(orders=(0,))
    symbols, outputs = _by_sympy(flat)
    x = [symengine.Symbol(str(symbol)) for symbol in symbols]
    plain = {symbol: sympy.Symbol(str(symbol)) for symbol in symbols}
    made = [[symengine.sympify(sympy.sympify(entry).xreplace(plain)) for entry in outputs]]
    for _ in range(max(case.orders)):
        made.append([entry.diff(x[i]) for entry in made[-1] for i in case.places])
    entries = [entry for order in case.orders for entry in made[order]]
    kernel = symengine.Lambdify(x, entries, cse=True, backend="llvm")
    points = np.stack(case.columns, 1)
    return lambda: kernel(points).T


PEERS: dict[str, tuple[str, Callable[[Case], Run]]] = {
    "numpy": ("sympy", numpy_lambdify),
    "numba": ("numba", numba_lambdify),
    "torch": ("torch", torch_autograd),
    "jax": ("jax", jax_vmap),
    "heyoka": ("heyoka", heyoka_cfunc),
    "casadi": ("casadi", casadi_c),
    "symengine": ("symengine", symengine_llvm),
}
"""Name -> the package that must be installed, and what prepares it."""

AT_HAND = ("numpy", "numba")
"""Peers that symgrad's own dependencies give."""
