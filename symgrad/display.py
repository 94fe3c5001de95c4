"""What a notebook shows of a compiled function: formula, shapes, operations, a sparsity picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import sympy

from symgrad.api import read_system
from symgrad.errors import SymgradError
from symgrad.interop.sympy_objects import to_sympy
from symgrad.ir.traverse import reachable
from symgrad.pictures.sparsity import sparsity_picture

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

MOST_NODES = 150
"""Distinct parts of a formula that is shown, and of a system that is derived to be counted."""

MOST_OUTPUTS = 8
PICTURE = 140.0
"""Pixels of the longer side of the sparsity picture."""


def latex(fn: CompiledFunction) -> str | None:
    r"""The outputs as LaTeX between dollars; None where they are too long to be read.

    Example:
        >>> from symgrad import compile
        >>> latex(compile("x**2*sin(y)", "x y"))
        '$\\displaystyle x^{2} \\sin{\\left(y \\right)}$'
    """
    system = read_system(fn.recipe)
    nodes = system.outputs.nodes
    if len(reachable(system.graph, nodes)) > MOST_NODES or len(nodes) > MOST_OUTPUTS:
        return None
    names = (*system.inputs, *system.parameters)
    try:
        symbols = {name: sympy.Symbol(name) for name in names}
        made = [sympy.latex(entry) for entry in to_sympy(system.graph, nodes, symbols, {})]
    except SymgradError:  # a function that SymPy lacks
        return None
    labels = [sympy.latex(sympy.Symbol(label)) if label else "" for label in system.labels]
    lines = [f"{a} &= {b}" if a else f"& {b}" for a, b in zip(labels, made, strict=True)]
    if len(lines) == 1:
        return rf"$\displaystyle {lines[0].replace('&', '').strip()}$"
    body = r" \\ ".join(lines)
    return rf"$\displaystyle \begin{{aligned}}{body}\end{{aligned}}$"


def html(fn: CompiledFunction) -> str:
    """A table of what the function is, under its formula."""
    signature = fn.signature
    formula = latex(fn)
    known = formula is not None or "details" in vars(fn)
    rows = [("inputs", ", ".join(signature.inputs))]
    if signature.parameters:
        rows.append(("parameters", ", ".join(signature.parameters)))
    for name, shape in fn.shapes.items():
        batch = () if signature.reduction else ("N",)
        axes = (*batch, *shape) if signature.batch_axis == 0 else (*shape, *batch)
        tail = "," if len(axes) == 1 else ""
        rows.append((name, f"{signature.dtype} ({', '.join(map(str, axes))}{tail})"))
    if known:
        rows.append(("operations", repr(fn.operations).strip("<>")))
    lines = [
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(_short(text))}</td></tr>'
        for name, text in rows
    ]
    parts = [f"<div>{escape(formula, quote=False)}</div>" if formula else ""]
    parts.append(f"<table>{''.join(lines)}</table>")
    if known or signature.sparsity:
        parts.append(_picture(fn))
    return f"<div>{''.join(parts)}</div>"


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."


def _picture(fn: CompiledFunction) -> str:
    """The sparsity of the last result that is a matrix."""
    for name in reversed(fn.results):
        pattern = fn.sparsity[name].full
        if len(pattern.shape) >= 2:
            entries = (pattern.rows.tolist(), pattern.cols.tolist(), pattern.matrix_shape)
            return str(sparsity_picture(*entries, title=name, side=PICTURE))
    return ""
