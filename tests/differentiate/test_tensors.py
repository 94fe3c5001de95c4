"""Requests: tensors of any order, chosen partials and products, and what they cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import combinations_with_replacement, pairwise, product
from time import perf_counter
from typing import Any, get_args

import mpmath
import numpy as np
import pytest

from symgrad.differentiate import levels
from symgrad.differentiate.mode import Mode
from symgrad.differentiate.tensors import (
    COTANGENT,
    MAX_ENTRIES,
    TANGENT,
    derive,
    derive_by,
    seed_names,
    stored,
)
from symgrad.errors import LimitError
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.expressions import (
    CORPUS,
    Case,
    close,
    decided,
    in_float,
    in_mpmath,
    mixed_partial,
    random_branches,
    random_case,
    smallest_failing,
    system_of,
    tensor_of,
)

x, y, z = variables("x y z")


def values_of(system: System, tensor: Tensor, point: Any) -> np.ndarray:
    values = in_mpmath(system.graph, tensor.nodes, point)
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made.reshape(tensor.shape)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_second_derivatives(case: Case, digits: int) -> None:
    system = case.system()
    tensor = tensor_of(system, 2)
    n = len(case.inputs)
    assert tensor.shape == (len(case.outputs), n, n)
    point = case.points(1, seed=21)[0]
    got = values_of(system, tensor, point)
    for row, expr in enumerate(case.outputs):
        for index in combinations_with_replacement(range(n), 2):
            expected = mixed_partial(expr, point, index)
            assert close(got[row][index], expected, 1e-28), (expr, point, index)


SMALL = [case for case in CORPUS if len(case.inputs) <= 2 and case.name != "power_tower"]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_third_derivatives(case: Case, digits: int) -> None:
    system = case.system()
    point = case.points(1, seed=22)[0]
    got = values_of(system, tensor_of(system, 3), point)
    for row, expr in enumerate(case.outputs):
        for index in combinations_with_replacement(range(len(case.inputs)), 3):
            expected = mixed_partial(expr, point, index)
            assert close(got[row][index], expected, 1e-24), (expr, point, index)


FOURTH = ("product_sine", "quotient", "fractional_powers", "polar", "gaussian", "nested_where")


@pytest.mark.parametrize("case", [c for c in CORPUS if c.name in FOURTH], ids=lambda c: c.name)
def test_fourth_derivatives(case: Case, digits: int) -> None:
    system = case.system()
    point = case.points(1, seed=23)[0]
    got = values_of(system, tensor_of(system, 4), point)
    for row, expr in enumerate(case.outputs):
        for index in combinations_with_replacement(range(2), 4):
            expected = mixed_partial(expr, point, index)
            assert close(got[row][index], expected, 1e-20), (expr, point, index)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("seed", range(25))
def test_random_expressions(seed: int, mode: Any, digits: int) -> None:
    case = random_case(seed, 3)
    point = case.points(1, seed)[0]

    def fails(expr: Expr) -> bool:
        system = system_of(expr, case.inputs)
        first, second = tensor_of(system, 1, mode), tensor_of(system, 2, mode)
        gradient, hessian = values_of(system, first, point), values_of(system, second, point)
        return not (
            all(close(gradient[i], mixed_partial(expr, point, (i,))) for i in range(3))
            and all(
                close(hessian[pair], mixed_partial(expr, point, pair), 1e-22)
                for pair in ((0, 0), (1, 0), (2, 1))
            )
        )

    if fails(case.outputs[0]):
        smallest = smallest_failing(case.outputs[0], fails)
        pytest.fail(f"seed {seed}, {mode}: wrong derivatives of {smallest} at {point}")


@pytest.mark.parametrize("seed", range(20))
def test_random_branches(seed: int, digits: int) -> None:
    expr = random_branches(seed)
    system = system_of(expr, ("x", "y"))
    indices = [index for k in (1, 2) for index in combinations_with_replacement(range(2), k)]
    places = [(mode, index) for mode in get_args(Mode) for index in indices]
    tensors = {(mode, k): tensor_of(system, k, mode) for mode in get_args(Mode) for k in (1, 2)}
    nodes = [
        int(np.reshape(tensors[mode, len(index)].nodes, (2,) * len(index))[index])
        for mode, index in places
    ]
    compared = 0
    for values in product((0.0, -1.0, 1.0, 0.5, -0.75, 1.75), repeat=2):
        point = dict(zip(("x", "y"), values, strict=True))
        taken = decided(expr, point)
        expected = {index: mixed_partial(taken, point, index) for index in indices}
        found = in_mpmath(system.graph, nodes, point)
        doubles = in_float(system.graph, nodes, point)
        for (mode, index), got, double in zip(places, found, doubles, strict=True):
            wanted = expected[index]
            if mpmath.isfinite(wanted) and abs(wanted) < 1e12:
                message = f"seed {seed}, {mode}: d{index} of {expr} at {point}: {got}"
                assert close(got, wanted, 1e-15), f"{message}, not {wanted}"
                assert np.isfinite(double), f"{message}: {double} in double precision"
                compared += 1
    assert compared > 40


@pytest.mark.parametrize("case", CORPUS[::2], ids=lambda case: case.name)
@pytest.mark.parametrize("order", [2, 3])
def test_symmetric_entries_are_the_same_node(case: Case, order: int) -> None:
    system = case.system()
    tensor = tensor_of(system, order)
    nodes = np.array(tensor.nodes).reshape(tensor.shape)
    for index in product(range(len(case.inputs)), repeat=order):
        assert np.array_equal(nodes[(..., *index)], nodes[(..., *sorted(index))])


def test_value_is_order_zero() -> None:
    system = system_of([x * y, x], ("x", "y"))
    tensor = tensor_of(system, 0)
    assert tensor.nodes == system.outputs.nodes
    assert tensor.shape == (2,)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_sparse_entries_are_the_distinct_ones_of_the_dense_array(case: Case, mode: Any) -> None:
    system = case.system()
    requests = [Request(f"order{k}", "tensor", k) for k in (1, 2)]
    whole = derive(system, requests, mode)
    for dense, sparse in zip(whole, derive(system, requests, mode, sparse=True), strict=True):
        pattern = sparse.pattern
        assert pattern is not None
        assert pattern.shape == dense.shape
        expected = {}
        for index, node in np.ndenumerate(np.array(dense.nodes).reshape(dense.shape)):
            variables_of = index[1:]
            falling = all(a >= b for a, b in pairwise(variables_of))
            if falling and not system.graph.is_zero(int(node)):
                expected[index] = node
        assert pattern.symmetric == len(dense.shape) - 1
        assert list(pattern.indices) == list(expected)
        assert list(sparse.nodes) == list(expected.values())


def test_only_arrays_of_derivatives_are_sparse() -> None:
    system = system_of([x * y, y], ("x", "y"))
    requests = [
        Request("value", "tensor", 0),
        Request("u_x", "partial", indices=(0,)),
        *(Request(kind, kind) for kind in ("jvp", "vjp", "hvp")),  # type: ignore[arg-type]
    ]
    assert derive(system, requests, sparse=True) == derive(system, requests)


def test_entries_that_became_zero_are_no_longer_stored() -> None:
    system = system_of([x * y, x], ("x", "y"))
    (tensor,) = derive(system, [Request("jacobian", "tensor", 1)], sparse=True)
    assert tensor.pattern is not None
    assert tensor.pattern.indices == ((0, 0), (0, 1), (1, 0))
    zero = system.graph.constant(0)
    changed = Tensor("jacobian", (3,), (tensor.nodes[0], zero, tensor.nodes[2]))
    made = stored(system.graph, changed, tensor.pattern)
    assert made.nodes == (tensor.nodes[0], tensor.nodes[2])
    assert made.pattern is not None
    assert made.pattern.indices == ((0, 0), (1, 0))
    assert made.pattern.shape == (2, 2)
    assert stored(system.graph, changed, None) is changed


def test_sparse_arrays_have_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "MAX_ENTRIES", 5)
    system = system_of(math.exp(x * y + z), ("x", "y", "z"))
    derive(system, [Request("gradient", "tensor", 1)], sparse=True)
    with pytest.raises(LimitError, match=r"more than 5 distinct entries.*chosen partials"):
        derive(system, [Request("hessian", "tensor", 2)], sparse=True)


def test_structural_zeros_are_exact() -> None:
    system = system_of([x**2 + y, math.floor(x), y * 0 + 3], ("x", "y", "z"))
    zeros = [system.graph.is_zero(node) for node in tensor_of(system, 1).nodes]
    assert zeros == [False, False, True, *[True] * 6]
    assert all(system.graph.is_zero(node) for node in tensor_of(system, 3).nodes)


def test_outputs_may_be_inputs_repeated_or_constant(digits: int) -> None:
    for mode in ("forward", "reverse"):
        system = system_of([x, x, x * y, math.pi, y], ("x", "y"))
        got = values_of(system, tensor_of(system, 1, mode), {"x": 2.0, "y": 3.0})
        assert got.tolist() == [[1, 0], [1, 0], [3, 2], [0, 0], [0, 1]]


def test_differentiation_by_some_names_only(digits: int) -> None:
    full = system_of(x * y**2 * z, ("x", "y", "z"))
    system = System(full.graph, ("x", "y"), ("z",), ("z", "x"), full.outputs, full.labels)
    tensor = tensor_of(system, 1)
    assert tensor.shape == (2,)
    assert values_of(system, tensor, {"x": 2.0, "y": 3.0, "z": 5.0}).tolist() == [18, 45]


@pytest.mark.parametrize("case", CORPUS[::2], ids=lambda case: case.name)
def test_chosen_partials_are_the_entries_of_the_tensor(case: Case, digits: int) -> None:
    n = len(case.inputs)
    system = case.system()
    chosen = [(0,), (n - 1,), (0, 0), (n - 1, 0), (0, n - 1), (0, n - 1, 0)]
    requests = [
        *(Request(str(index), "partial", indices=index) for index in chosen),
        *(Request(f"order{order}", "tensor", order) for order in (1, 2, 3)),
    ]
    tensors = derive(system, requests)
    point = case.points(1, seed=24)[0]
    cubes = {
        order: values_of(system, tensors[len(chosen) + order - 1], point) for order in (1, 2, 3)
    }
    for index, tensor in zip(chosen, tensors, strict=False):
        assert tensor.shape == system.outputs.shape
        expected = cubes[len(index)][(..., *index)]
        for one, other in zip(values_of(system, tensor, point), expected, strict=True):
            assert close(one, other, 1e-30)


def test_a_chosen_partial_of_no_variable_is_the_value() -> None:
    system = system_of(x * y, ("x", "y"))
    assert derive(system, [Request("u", "partial")])[0].nodes == system.outputs.nodes


def seeded(point: Any, kind: str, count: int) -> tuple[dict[str, float], list[float]]:
    weights = [0.5 - 0.75 * position for position in range(count)]
    return {**point, **dict(zip(seed_names(kind, count), weights, strict=True))}, weights


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_products_are_those_of_jacobian_and_hessian(case: Case, digits: int) -> None:
    system = case.system()
    n, m = len(case.inputs), len(case.outputs)
    kinds = ("jvp", "vjp", "hvp")
    requests = [Request(kind, kind) for kind in kinds]  # type: ignore[arg-type]
    requests += [Request("jacobian", "tensor", 1), Request("hessian", "tensor", 2)]
    jvp, vjp, hvp, jacobian, hessian = derive(system, requests)
    assert (jvp.shape, vjp.shape, hvp.shape) == ((m,), (n,), (n,))
    point, tangent = seeded(case.points(1, seed=25)[0], TANGENT, n)
    point, cotangent = seeded(point, COTANGENT, m)
    weights = [mpmath.mpf(value) for value in cotangent]
    direction = [mpmath.mpf(value) for value in tangent]
    matrix, cube = values_of(system, jacobian, point), values_of(system, hessian, point)
    wanted = {
        "jvp": matrix @ direction,
        "vjp": weights @ matrix,
        "hvp": np.tensordot(weights, cube, 1) @ direction,
    }
    for kind, tensor in zip(kinds, (jvp, vjp, hvp), strict=True):
        for one, other in zip(values_of(system, tensor, point), wanted[kind], strict=True):
            assert close(one, other, 1e-28), (kind, case.name)


def test_hvp_of_one_expression_needs_no_cotangent(digits: int) -> None:
    system = system_of(x**2 * y, ("x", "y"))
    (tensor,) = derive(system, [Request("hvp", "hvp")])
    point, (a, b) = seeded({"x": 2.0, "y": 3.0}, TANGENT, 2)
    assert values_of(system, tensor, point).tolist() == [6 * a + 4 * b, 4 * a]


def test_cotangents_of_a_repeated_output_add_up(digits: int) -> None:
    system = system_of([x * y, x * y], ("x", "y"))
    (tensor,) = derive(system, [Request("vjp", "vjp")])
    point, (a, b) = seeded({"x": 2.0, "y": 3.0}, COTANGENT, 2)
    assert values_of(system, tensor, point).tolist() == [3 * (a + b), 2 * (a + b)]


def test_names_of_seeds_are_no_names_of_users() -> None:
    assert seed_names("tangent", 2) == ("tangent 0", "tangent 1")
    assert not any(name.isidentifier() for name in seed_names("tangent", 3))


@pytest.mark.parametrize("order", [6, 65, 1000])
def test_dense_tensors_have_a_limit(order: int) -> None:
    names = tuple(f"v{i}" for i in range(20))
    system = system_of(math.sin(variables("v0")), names)
    with pytest.raises(LimitError, match=r"sparse=True.*chosen partials"):
        tensor_of(system, order)
    assert MAX_ENTRIES < 20**6


def test_order_beyond_the_limit_for_one_variable() -> None:
    with pytest.raises(LimitError):
        tensor_of(system_of(math.exp(x), ("x",)), 65)
    tensor_of(system_of(math.exp(x), ("x",)), 64)


@pytest.mark.parametrize("order", [5, 8])
def test_high_orders_of_one_variable(order: int, digits: int) -> None:
    system = system_of(math.exp(2 * x) * math.sin(x) / (1 + x), ("x",))
    point = {"x": 0.5}
    got = in_mpmath(system.graph, tensor_of(system, order).nodes, point)[0]
    a = mpmath.mpf("0.5")
    wanted = mpmath.taylor(lambda t: mpmath.exp(2 * t) * mpmath.sin(t) / (1 + t), a, order)[-1]
    assert close(got, wanted * mpmath.factorial(order), 1e-20)


def rosenbrock(count: int) -> tuple[Expr, tuple[str, ...]]:
    v = variables("v", count)
    total = sum((1 - a) ** 2 + 100 * (b - a**2) ** 2 for a, b in pairwise(v))
    return total, tuple(f"v{i}" for i in range(count))  # type: ignore[return-value]


def hessian_nodes(count: int) -> tuple[int, int]:
    """Nodes that the Hessian needs, and nodes that were made for it."""
    system = system_of(*rosenbrock(count))
    before = len(system.graph)
    tensor = tensor_of(system, 2)
    return len(reachable(system.graph, tensor.nodes)), len(system.graph) - before


def test_the_hessian_of_a_chained_function_grows_linearly() -> None:
    needed, made = zip(*map(hessian_nodes, (50, 100, 200)), strict=True)
    assert needed[2] - needed[1] == pytest.approx(2 * (needed[1] - needed[0]), rel=0.02)
    assert made[2] - made[1] == pytest.approx(2 * (made[1] - made[0]), rel=0.02)
    assert needed[2] < 200 * 12


def banded(count: int) -> System:
    """Each output depends on its neighbours alone: 3 * count - 2 entries."""
    v = variables("v", count)
    outputs = [
        math.sin(v[i]) + (v[i - 1] ** 2 if i else 0) + (v[i] * v[i + 1] if i + 1 < count else 0)
        for i in range(count)
    ]
    return system_of(outputs, tuple(f"v{i}" for i in range(count)))


def sparse_work(system: System, order: int, mode: Any) -> tuple[int, int]:
    """Entries of the array, and calls that Python makes while it is derived."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        (tensor,) = derive(system, [Request("d", "tensor", order)], mode, sparse=True)
    finally:
        sys.setprofile(None)
    return len(tensor.nodes), calls


@pytest.mark.parametrize(("order", "mode"), [(1, "forward"), (1, "reverse"), (2, "reverse")])
def test_sparse_derivatives_take_work_in_proportion_to_their_entries(order: int, mode: Any) -> None:
    small, large = (sparse_work(banded(count), order, mode) for count in (100, 400))
    assert large[0] - small[0] == 300 * 3
    assert large[1] / large[0] < 1.1 * small[1] / small[0]


def test_a_sparse_array_may_be_larger_than_any_dense_one() -> None:
    expr, names = rosenbrock(5000)
    assert MAX_ENTRIES < 5000**2
    system = system_of(expr, names)
    with pytest.raises(LimitError, match="sparse=True"):
        tensor_of(system, 2)
    start = perf_counter()
    (tensor,) = derive(system, [Request("hessian", "tensor", 2)], sparse=True)
    assert perf_counter() - start < 20
    assert tensor.pattern is not None
    diagonal = {(i, i) for i in range(5000)}
    below = {(i + 1, i) for i in range(4999)}
    assert set(tensor.pattern.indices) == diagonal | below


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_nested_functions_need_no_recursion(mode: Any, digits: int) -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value)
    start = perf_counter()
    system = system_of(value, ("x",))
    tensor = tensor_of(system, 1, mode)
    assert perf_counter() - start < 10
    assert len(system.graph) < 60_000
    (got,) = in_mpmath(system.graph, tensor.nodes, {"x": 0.0})
    assert got == 1


def test_a_thousand_inputs_take_a_second() -> None:
    expr, names = rosenbrock(1000)
    start = perf_counter()
    system = system_of(expr, names)
    tensor = tensor_of(system, 1)
    assert perf_counter() - start < 5
    assert len(reachable(system.graph, tensor.nodes)) < 10 * 1000


def test_graphs_with_products_are_sound() -> None:
    system = system_of([x * y, math.where(x > 0, y, x * z)], ("x", "y", "z"))
    kinds: Sequence[Any] = ("jvp", "vjp", "hvp")
    derive(system, [Request(kind, kind) for kind in kinds])
    verify_graph(system.graph)


@pytest.mark.parametrize("strategy", ["sweeps", "elimination", "jets"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("case", CORPUS[:8], ids=lambda case: case.name)
def test_higher_orders_made_of_given_first_derivatives(
    case: Case, strategy: str, sparse: bool, digits: int
) -> None:
    requests = [Request(f"d{order}", "tensor", order) for order in range(4)]
    system = case.system()
    wrt = [system.graph.symbol(name) for name in system.wrt]
    first = levels.next_level(system.graph, {(): dict(enumerate(system.outputs.nodes))}, wrt)
    made = derive_by(strategy, system, requests, sparse=sparse, first=first)
    wanted = derive(system, requests, sparse=sparse)
    assert made is not None
    (point,) = case.points(1)
    for got, tensor in zip(made, wanted, strict=True):
        assert (got.shape, got.pattern) == (tensor.shape, tensor.pattern)
        pairs = zip(
            in_mpmath(system.graph, got.nodes, point),
            in_mpmath(system.graph, tensor.nodes, point),
            strict=True,
        )
        assert all(close(value, expected) for value, expected in pairs)
