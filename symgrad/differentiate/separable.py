"""Partially separable outputs: sums of element functions of few internal variables each.

An output is split at its top-level sums into elements; elements over the same internal variables
form one group. The internal variables u = A x of a group are the maximal nodes that are linear in
the inputs (differences of coordinates, for instance) where they are fewer than the inputs that
they hide, else these inputs themselves. A group is differentiated by its own variables and its
derivatives are scattered with the coefficients of A: d/dx_j = sum(A_aj d/du_a). So d/dx and -d/dy
of a function of x - y are one node, and a pair of atoms has 3 variables in place of 6.

A. Griewank and Ph. L. Toint, On the unconstrained optimization of partially separable functions
(in: Nonlinear Optimization 1981, Academic Press, 1982).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations_with_replacement, product

from symgrad.differentiate import jets
from symgrad.differentiate.jets import operations
from symgrad.differentiate.levels import Level, jacobian_by_rows, next_level
from symgrad.differentiate.plan import between
from symgrad.ir.arithmetic import Number, add_numbers, multiply_numbers
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable

Form = dict[int, Number]
"""A linear form without its constant: position in wrt -> coefficient."""

Groups = dict[tuple[int, ...], dict[int, int]]
"""Internal variables -> position of an output -> the node of its elements over them."""

Method = Callable[[Graph, Sequence[int], Sequence[int], int, int], list[Level] | None]
"""(graph, outputs, wrt, order, budget) -> levels, None where the method does not apply."""

Terms = dict[tuple[int, ...], dict[int, list[tuple[int, Number]]]]
"""Positions in wrt -> position of an output -> the terms of its derivative."""


def levels(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int], order: int, budget: int
) -> list[Level] | None:
    """All partial derivatives up to ``order`` of partially separable outputs.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        outputs: what is differentiated.
        wrt: the variables, symbols of the graph.
        order: the highest order, at least 1.
        budget: how many nodes may be appended.

    Returns:
        One level for each order from 0; None where some group has as many variables as an output
        has, where a ``select`` is in the way, or over budget.
    """
    start = len(graph)
    nodes = reachable(graph, outputs)
    if graph.exact or order < 1 or any(graph.ops[node] == "select" for node in nodes):
        return None
    forms = linear_forms(graph, nodes, wrt)
    groups, straight = split(graph, outputs, forms)
    if not _gains(groups, forms):
        return None
    terms: list[Terms] = [{} for _ in range(order + 1)]
    one = graph.constant(1)
    for row, form in straight.items():
        for j, coefficient in form.items():
            terms[1].setdefault((j,), {}).setdefault(row, []).append((one, coefficient))
    methods: dict[object, Method] = {}
    for variables, members in groups.items():
        inner = list(dict.fromkeys(members.values()))
        left = budget - (len(graph) - start)
        found = _best(graph, inner, variables, order, left, methods)
        if found is None:
            return None
        rows = [(row, inner.index(node)) for row, node in members.items()]
        scatter(graph, found, [forms[u] for u in variables], rows, terms)
    made: list[Level] = [{(): dict(enumerate(outputs))}]
    for entries in terms[1:]:
        level: Level = {}
        for index in sorted(entries):
            column = {row: graph.sum(found_terms) for row, found_terms in entries[index].items()}
            column = {row: node for row, node in column.items() if not graph.is_zero(node)}
            if column:
                level[index] = column
        made.append(level)
    return made if len(graph) - start <= budget else None


def _gains(groups: Groups, forms: Mapping[int, Form]) -> bool:
    """Whether every group has fewer variables than the output with the most inputs has inputs."""
    inputs: dict[int, set[int]] = {}
    for variables, members in groups.items():
        for row in members:
            inputs.setdefault(row, set()).update(j for u in variables for j in forms[u])
    most = max((len(found) for found in inputs.values()), default=0)
    return all(len(variables) < most for variables in groups)


def linear_forms(graph: Graph, nodes: Sequence[int], wrt: Sequence[int]) -> dict[int, Form]:
    """Those of ``nodes`` (increasing) that are linear in the variables; {} for what is constant."""
    forms: dict[int, Form] = {node: {position: 1} for position, node in enumerate(wrt)}
    args, data = graph.args, graph.data
    for node in nodes:
        if node in forms or any(argument not in forms for argument in args[node]):
            continue
        parts = [forms[argument] for argument in args[node]]
        if not any(parts):
            forms[node] = {}
        elif graph.ops[node] == "sum":
            form: Form = {}
            for part, coefficient in zip(parts, data[node][1], strict=True):
                for j, inner in part.items():
                    _accumulate(form, j, multiply_numbers(coefficient, inner))
            forms[node] = form
    return forms


def _accumulate(form: Form, position: int, coefficient: Number) -> None:
    form[position] = add_numbers(form.get(position, 0), coefficient)


def split(
    graph: Graph, outputs: Sequence[int], forms: Mapping[int, Form]
) -> tuple[Groups, dict[int, Form]]:
    """The groups of elements of the outputs, and the linear part of each output."""
    groups: dict[tuple[int, ...], dict[int, list[tuple[int, Number]]]] = {}
    straight: dict[int, Form] = {}
    memo: dict[int, tuple[int, ...]] = {}
    symbols = {j: node for node, form in forms.items() if not graph.args[node] for j in form}
    for row, output in enumerate(outputs):
        stack: list[tuple[int, Number]] = [(output, 1)]
        while stack:
            node, coefficient = stack.pop()
            form = forms.get(node)
            if form is not None:
                linear = straight.setdefault(row, {})
                for j, inner in form.items():
                    _accumulate(linear, j, multiply_numbers(coefficient, inner))
            elif graph.ops[node] == "sum":
                for argument, inner in zip(graph.args[node], graph.data[node][1], strict=True):
                    stack.append((argument, multiply_numbers(coefficient, inner)))
            else:
                if node not in memo:
                    memo[node] = internal_variables(graph, node, forms, symbols)
                groups.setdefault(memo[node], {}).setdefault(row, []).append((node, coefficient))
    made = {
        variables: {row: graph.sum(terms) for row, terms in members.items()}
        for variables, members in groups.items()
    }
    return made, straight


def internal_variables(
    graph: Graph, element: int, forms: Mapping[int, Form], symbols: Mapping[int, int]
) -> tuple[int, ...]:
    """The maximal linear nodes below an element where they are fewer than the inputs below them.

    Otherwise these inputs, the ``symbols`` of their positions.
    """
    seen = {element}
    stack = [element]
    found: set[int] = set()
    while stack:
        node = stack.pop()
        # Not c * x: products take its coefficient out, and would no longer depend on the node.
        if forms.get(node) is None or len(graph.args[node]) == 1:
            for argument in graph.args[node]:
                if argument not in seen:
                    seen.add(argument)
                    stack.append(argument)
        elif forms[node]:
            found.add(node)
    hidden = {j for node in found for j in forms[node]}
    below = set(reachable(graph, [a for node in found for a in graph.args[node]]))
    if len(found) < len(hidden) and not found & below:
        return tuple(sorted(found))
    return tuple(sorted(symbols[j] for j in hidden))


def _best(
    graph: Graph,
    outputs: Sequence[int],
    variables: tuple[int, ...],
    order: int,
    budget: int,
    methods: dict[object, Method],
) -> list[Level] | None:
    """The levels of one group by the cheapest method; groups of one form share the choice."""
    key = signature(graph, outputs, variables)
    if key in methods:
        return methods[key](graph, outputs, variables, order, budget)
    limit = len(graph) + budget
    best = sweeps(graph, outputs, variables, order, budget)
    methods[key] = sweeps
    found = jets.search(graph, outputs, variables, order, limit - len(graph))
    if found is not None:
        made, policy = found
        if best is None or operations(graph, made) < operations(graph, best):
            best = made
            methods[key] = partial(jets.candidate, policy=policy)
    return best


def signature(graph: Graph, outputs: Sequence[int], variables: tuple[int, ...]) -> object:
    """Equal for groups that differ in nothing but their variables."""
    number = {node: position for position, node in enumerate(variables)}
    lines: list[object] = []
    for node in between(graph, variables, outputs):
        number[node] = len(number)
        args = tuple([number[argument] for argument in graph.args[node]])
        symbol = graph.ops[node] == "symbol"
        lines.append((graph.ops[node], args, None if symbol else graph.data[node]))
    return (tuple(lines), tuple([number[output] for output in outputs]))


def sweeps(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int], order: int, budget: int
) -> list[Level] | None:
    """Levels by the better sweep for the first derivatives, and forward sweeps after it."""
    limit = len(graph) + budget
    made: list[Level] = [{(): dict(enumerate(outputs))}]
    while len(made) <= order and len(graph) <= limit:
        if len(made) == 1 and len(outputs) < len(wrt):
            made.append(jacobian_by_rows(graph, outputs, wrt))
        else:
            made.append(next_level(graph, made[-1], wrt))
    return made if len(graph) <= limit else None


def scatter(
    graph: Graph,
    found: Sequence[Level],
    forms: Sequence[Form],
    rows: Sequence[tuple[int, int]],
    terms: Sequence[Terms],
) -> None:
    """Add a group's derivatives by its internal variables to those by the inputs.

    Args:
        graph: holds the nodes.
        found: the group's levels.
        forms: the linear form of each internal variable.
        rows: (position of an output, position in the group's levels).
        terms: by order; takes the terms.
    """
    uses: dict[int, list[tuple[int, Number]]] = {}
    for a, form in enumerate(forms):
        for j, coefficient in form.items():
            uses.setdefault(j, []).append((a, coefficient))
    inputs = sorted(uses, reverse=True)
    for order in range(1, len(found)):
        level = found[order]
        for index in combinations_with_replacement(inputs, order):
            weights: dict[tuple[int, ...], Number] = {}
            for choice in product(*[uses[j] for j in index]):
                inner = tuple(sorted([a for a, _ in choice], reverse=True))
                if inner in level:
                    factor: Number = 1
                    for _, coefficient in choice:
                        factor = multiply_numbers(factor, coefficient)
                    weights[inner] = add_numbers(weights.get(inner, 0), factor)
            for inner, factor in weights.items():
                for row, position in rows:
                    node = level[inner].get(position)
                    if node is not None:
                        target = terms[order].setdefault(index, {})
                        target.setdefault(row, []).append((node, factor))
