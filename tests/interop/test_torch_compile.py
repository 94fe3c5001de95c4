"""``fn.torch()`` inside of ``torch.compile``: one graph, with the values and gradients of eager."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError

pytest.importorskip("torch")

import torch

from symgrad.interop.torch_compile import evaluate, form_name, named, order_of

# Of torch about itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def function(derivatives="value", **options):
    options = {"parameters": "k p", "jit": "never", "optimize": "fast", **options}
    return sg.compile("k*x**2*sin(y) + p*x", "x y", derivatives, **options).torch()


def leaf(*shape):
    made = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    return (made + 0.5).requires_grad_()


def gradients(value, tensors, **options):
    return torch.autograd.grad(value.sum(), tensors, **options)


def assert_equal(got, want):
    assert len(got) == len(want)
    for mine, eager in zip(got, want, strict=True):
        torch.testing.assert_close(mine, eager, rtol=1e-14, atol=1e-14)


CASES = {
    "a table, a shared and a fixed parameter": (
        ("value",),
        {},
        lambda f, points, k: torch.tanh(f(points * 2, k=k, p=1)),
        ((4, 2), ()),
    ),
    "columns that broadcast, by name": (
        ("value",),
        {},
        lambda f, x, y, k: f(x=x, y=y, parameters={"k": k, "p": 1.0}),
        ((3, 1), (2,), (3, 2)),
    ),
    "several results, points last": (
        ("value", "hvp"),
        {"batch_axis": -1},
        lambda f, points, both, t: sum(r.sum() for r in f(points, parameters=both, tangent=t)),
        ((2, 3), (2,), (2, 3)),
    ),
    "a mean, in float32": (
        ("gradient",),
        {"reduce": "mean", "dtype": "float32"},
        lambda f, points, k: f(points.float(), k=k.float(), p=1.0),
        ((5, 2), ()),
    ),
}


@pytest.mark.parametrize(("derivatives", "options", "model", "shapes"), CASES.values(), ids=CASES)
def test_one_graph_forward_and_backward(derivatives, options, model, shapes):
    f, tensors = function(derivatives, **options), [leaf(*shape) for shape in shapes]
    compiled = torch.compile(lambda *given: model(f, *given), backend="aot_eager", fullgraph=True)
    got, want = compiled(*tensors), model(f, *tensors)
    assert_equal([got], [want])
    assert_equal(gradients(got, tensors), gradients(want, tensors))


def test_batches_of_other_lengths_share_a_graph():
    f, graphs = function(), []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    compiled = torch.compile(lambda points: f(points, k=1.0, p=1.0), backend=backend)
    for count in (4, 5, 7, 9):
        points = leaf(count, 2)
        assert_equal([compiled(points)], [f(points, k=1.0, p=1.0)])
    assert len(graphs) == 2


@pytest.mark.parametrize("p", [np.float64(0.1), np.arange(4, dtype="float32"), [0.1, 1, 2, 3]])
def test_numbers_of_numpy_and_lists(p):
    f, points = function(), leaf(4, 2)
    compiled = torch.compile(lambda t: f(t, k=1.0, p=p), backend="eager", fullgraph=True)
    assert_equal([compiled(points)], [f(points, k=1.0, p=p)])


REFUSED = {
    "of other names": ("value", {"q": 1.0}, r"'q' is no parameter"),
    "of a parameter that does not broadcast": ("value", {"k": leaf(4, 1)}, "expand"),
    "of a tangent that is turned": ("jvp", {"tangent": leaf(2, 4)}, r"\(4, 2\) is needed"),
    "of a tangent that nothing needs": ("value", {"tangent": leaf(4, 2)}, "no result needs it"),
}


@pytest.mark.parametrize(("derivatives", "named", "message"), REFUSED.values(), ids=REFUSED)
def test_calls_are_refused_as_they_are_outside(derivatives, named, message):
    f = function(derivatives)
    compiled = torch.compile(f, backend="eager", fullgraph=True)
    with pytest.raises(Exception, match=message):
        compiled(leaf(4, 2), **{"k": 1.0, "p": 1.0, **named})


def test_gradients_of_gradients():
    f, points = function(), leaf(4, 2)
    compiled = torch.compile(
        lambda points: f(points, k=1.0, p=1.0), backend="eager", fullgraph=True
    )
    found = []
    for model in (compiled, lambda points: f(points, k=1.0, p=1.0)):
        (first,) = gradients(model(points), points, create_graph=True)
        found.append(gradients(first**2, points))
    assert_equal(*found)


def test_transforms_are_refused_inside():
    f = function()
    inside = torch.compile(
        torch.func.jacfwd(lambda point: f(point, k=1.0, p=1.0)), backend="eager", fullgraph=True
    )
    with pytest.raises(Exception, match=r"transforms inside of torch\.compile"):
        inside(leaf(2).detach())


def test_the_operation_is_what_pytorch_expects():
    f = function(["value", "gradient"])
    arguments = form_name(f._name, True, (False, True, True)), [leaf(4, 2), leaf(1), leaf(1)]
    torch.library.opcheck(evaluate, arguments)


def test_a_name_follows_from_what_the_function_is():
    first, other = function(), function()
    assert first._name == other._name != function("gradient")._name
    name = form_name(first._name, True, (False, True, True))
    del first
    gc.collect()
    assert order_of(name).slots == other.order(True, (False, True, True)).slots
    assert order_of(f"{name}/0 by 0,2") is order_of(name).product("vjp", (0,), (0, 2))


def test_a_function_that_is_gone():
    name = form_name(named(function(), "a text of its own"), True, (False,))
    gc.collect()
    with pytest.raises(ArgumentError, match=r"keep fn\.torch\(\)"):
        order_of(name)
