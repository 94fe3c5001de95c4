"""``fn.torch()`` against numerical differentiation and against eager PyTorch."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DeviceError, DtypeError, ShapeError

pytest.importorskip("torch")

import torch
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from symgrad.interop.torch_autograd import _zero

# Of torch about itself: its forward mode uses its own torch.jit.script.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

gradcheck = partial(torch.autograd.gradcheck, fast_mode=True)
gradgradcheck = partial(torch.autograd.gradgradcheck, fast_mode=True)

FORMULA = "k*x**2*sin(y) + p*x"


def eager(x, y, k, p):
    return k * x**2 * torch.sin(y) + p * x


def compiled(derivatives="value", formula=FORMULA, **options):
    """Interpreted, so that nothing is compiled: what is tested here is what surrounds kernels."""
    options = {"parameters": "k p", "jit": "never", "optimize": "fast", **options}
    return sg.compile(formula, "x y", derivatives, **options).torch()


def leaf(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    made = torch.rand(shape, dtype=dtype, generator=generator) + 0.5
    return made.requires_grad_()


def close(got, want, rtol=1e-13):
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol, 1e-14)


FORMS = {
    "table": ((4, 2),),
    "batch axes": ((2, 1, 2),),
    "columns": ((4,), (4,)),
    "broadcast columns": ((3, 1), (2,)),
    "one number": ((4,), ()),
    "one point": ((2,),),
    "numbers": ((), ()),
}


@pytest.mark.parametrize("shapes", FORMS.values(), ids=FORMS)
def test_gradients_of_every_form_of_call(shapes):
    f = compiled(["value", "gradient"])
    points = [leaf(*shape, seed=i) for i, shape in enumerate(shapes)]
    k, p = leaf(seed=8), leaf(1, seed=9)

    def call(k, p, *points):
        return tuple(f(*points, k=k, p=p))

    assert gradcheck(call, (k, p, *points), check_forward_ad=True)
    assert gradgradcheck(call, (k, p, *points))


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_parameters_along_the_batch(batch_axis):
    f = compiled("value", batch_axis=batch_axis)
    points = leaf(3, 2) if batch_axis == 0 else leaf(2, 3)
    k, p = leaf(3, seed=1), leaf(seed=2)

    def call(points, k, p):
        return f(points, k=k, p=p)

    assert gradgradcheck(call, (points, k, p))
    x, y = points.unbind(-1 if batch_axis == 0 else 0)
    close(call(points, k, p), eager(x, y, k, p))


RESULTS = {
    "hessian": {"derivatives": "hessian"},
    "points last": {"derivatives": ["value", "hessian"], "batch_axis": -1},
    "sparse": {"derivatives": ["gradient", "hessian"], "sparse": True},
    "sum": {"derivatives": ["value", "gradient"], "reduce": "sum"},
    "mean": {"derivatives": "value", "reduce": "mean"},
    "normal": {"formula": ["k*x - y", "p*x*y"], "derivatives": None, "reduce": "normal"},
    "partial": {"derivatives": {"u": (), "u_xy": ("x", "y")}},
}


@pytest.mark.parametrize("options", RESULTS.values(), ids=RESULTS)
def test_gradients_of_every_kind_of_result(options):
    options = dict(options)
    f = compiled(options.pop("derivatives"), **options)
    points = leaf(2, 3) if options.get("batch_axis") == -1 else leaf(3, 2)

    def call(points, k, p):
        made = f(points, k=k, p=p)
        return made if isinstance(made, torch.Tensor) else tuple(made)

    given = (points, leaf(seed=3), leaf(seed=4))
    assert gradcheck(call, given, check_forward_ad=True)
    assert gradgradcheck(call, given)


@pytest.mark.parametrize("each", [True, False])
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_directions_are_differentiated_too(each, batch_axis):
    outputs = ["k*x*y", "sin(x)*y + p"]
    f = compiled(["jvp", "vjp", "hvp"], outputs, batch_axis=batch_axis)
    batch = (3,) if each else ()
    shape = (*batch, 2) if batch_axis == 0 else (2, *batch)
    points = leaf(3, 2) if batch_axis == 0 else leaf(2, 3)

    def call(points, tangent, cotangent):
        return tuple(f(points, tangent=tangent, cotangent=cotangent, k=1.5, p=2.0))

    assert gradcheck(call, (points, leaf(*shape, seed=1), leaf(*shape, seed=2)))


def test_third_order_agrees_with_eager():
    x, y, k, p = leaf(5), leaf(5, seed=1), leaf(seed=2), leaf(seed=3)

    def third(function):
        made = function(x, y)
        for _ in range(2):
            (made,) = torch.autograd.grad((made * y).sum(), x, create_graph=True)
        return torch.autograd.grad(made.sum(), (x, y, k))

    f = compiled(formula="k*x**5*sin(y) + p*x")
    got = third(lambda x, y: f(x, y, k=k, p=p))
    want = third(lambda x, y: k * x**5 * torch.sin(y) + p * x)
    for a, b in zip(got, want, strict=True):
        close(a, b)


def test_only_what_needs_a_gradient_gets_one():
    f = compiled()
    x, y = leaf(4), leaf(4, seed=1).detach()
    f(x, y, k=2.0, p=torch.tensor(3.0)).sum().backward()
    close(x.grad, 4 * x * torch.sin(y) + 3)
    (order,) = f._orders.values()
    (product,) = order._products.values()
    assert [kernel.signature.wrt for kernel in product._kernels.values()] == [("x",)]
    assert not f(x.detach(), y, k=2.0, p=3.0).requires_grad
    with torch.no_grad():
        assert not f(x, y, k=2.0, p=3.0).requires_grad


def test_a_result_that_is_not_used_is_not_differentiated():
    f = compiled(["value", "hessian"])
    points = leaf(3, 2)
    f(points, k=1.0, p=1.0).value.sum().backward()
    (order,) = f._orders.values()
    ((_, chosen, _),) = order._products
    assert chosen == (0,)


def test_names_and_parameters_in_one_tensor():
    f = compiled()
    x, y, both = leaf(3), leaf(3, seed=1), leaf(2, seed=2)
    want = eager(x, y, *both)
    close(f(x=x, y=y, parameters=both), want)
    close(f({"y": y, "x": x}, parameters=both), want)
    close(f(x, y, parameters={"k": both[0]}, p=both[1]), want)
    (got,) = torch.autograd.grad(f(x, y, parameters=both).sum(), both)
    (wanted,) = torch.autograd.grad(want.sum(), both)
    close(got, wanted)


def test_functional_transforms():
    f = compiled()
    points, k, p = leaf(4, 2).detach(), leaf(seed=1).detach(), leaf(seed=2).detach()
    mine = lambda z, k: f(z, k=k, p=p)  # noqa: E731
    theirs = lambda z, k: eager(z[..., 0], z[..., 1], k, p)  # noqa: E731
    close(vmap(hessian(mine), (0, None))(points, k), vmap(hessian(theirs), (0, None))(points, k))
    for outer, inner in ((jacrev, jacrev), (jacfwd, jacrev), (jacrev, jacfwd)):
        got = outer(inner(mine, (0, 1)), (0, 1))(points, k)
        want = outer(inner(theirs, (0, 1)), (0, 1))(points, k)
        for row, wanted in zip(got, want, strict=True):
            for a, b in zip(row, wanted, strict=True):
                close(a, b)
    many = torch.linspace(0.5, 2, 5, dtype=torch.float64)
    loss = [lambda k, f=f: f(points, k).sum() for f in (mine, theirs)]
    close(vmap(grad(loss[0]))(many), vmap(grad(loss[1]))(many))


def test_a_first_call_under_a_transform():
    """What is kept from call to call must not be a transform's own."""
    _zero.cache_clear()
    f, points = compiled(), leaf(2).detach()
    slope = torch.func.jvp(lambda t: f(t, k=2.0, p=1.0), (points,), (points,))[1]
    want = torch.func.jvp(lambda t: eager(*t, 2.0, 1.0), (points,), (points,))[1]
    close(slope, want)


def test_vmap_over_columns_that_lie_along_different_axes():
    f = compiled()
    x, y, k = leaf(5, 3).detach(), leaf(3, 5, seed=1).detach(), leaf(5, seed=2).detach()
    got = vmap(lambda x, y, k: f(x, y, k=k, p=1.0), (0, 1, 0))(x, y, k)
    close(got, eager(x, y.T, k[:, None], 1.0))


@pytest.mark.parametrize("shape", [(0, 3, 2), (4, 0, 2)])
def test_vmap_over_nothing(shape):
    f = compiled()
    points = torch.zeros(shape, dtype=torch.float64)
    assert vmap(lambda x: f(x, k=1.0, p=1.0))(points).shape == shape[:2]
    assert vmap(grad(lambda x: f(x, k=1.0, p=1.0).sum()))(points).shape == shape


def test_float32_stays_float32_and_gradients_have_the_type_of_their_tensors():
    f = compiled(dtype="float32")
    single, double = leaf(4, 2, dtype=torch.float32), leaf(4, 2)
    for points in (single, double):
        made = f(points, k=1.0, p=2.0)
        assert made.dtype == torch.float32
        made.sum().backward()
        assert points.grad.dtype == points.dtype
    x, y = single.detach().unbind(1)
    close(single.grad[:, 0], 2 * x * torch.sin(y) + 2, 1e-6)


def test_no_points_and_strided_tensors():
    f = compiled()
    empty = torch.zeros(0, 2, dtype=torch.float64, requires_grad=True)
    k = leaf()
    f(empty, k=k, p=1.0).sum().backward()
    assert empty.grad.shape == (0, 2)
    assert k.grad == 0
    assert compiled("jvp")(empty, k=k, p=1.0, tangent=empty.detach()).shape == (0,)
    wide = leaf(4, 6)
    close(f(wide[:, ::3], k=1.0, p=1.0), eager(wide[:, 0], wide[:, 3], 1.0, 1.0))


def test_a_compiled_kernel_does_as_the_interpreter():
    f = compiled(formula="k*x**2*y + p*x", jit="always")
    points, k = leaf(50, 2), leaf()
    f(points, k=k, p=1.0).sum().backward()
    x, y = points.detach().unbind(1)
    close(points.grad[:, 1], k * x**2)
    close(k.grad, (x**2 * y).sum())


def test_arrays_of_every_layout():
    f = compiled()
    array = np.array([[1.0, 0.5], [2.0, 0.25]])
    want = f(array, k=1.0, p=1.0)
    close(f(array[::-1], k=1.0, p=1.0).flip(0), want)
    assert f(np.broadcast_to(1.0, (3, 2)), k=1.0, p=1.0).shape == (3,)
    conjugate = torch.complex(torch.zeros(2, 2).double(), -torch.tensor(array)).conj()
    assert conjugate.imag.is_neg()
    close(f(conjugate.imag, k=1.0, p=1.0), want)


class Model(torch.nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
        self.k = torch.nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, points):
        return self.f(points, k=self.k, p=1.0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_in_a_module_that_is_copied(copied):
    model, points = Model(compiled()), leaf(3, 2)
    model(points).sum().backward()
    other = copied(model)
    close(other(points), model(points))
    assert other.f._making.workers is None


def test_workers_are_handed_on(monkeypatch):
    fn = sg.compile(FORMULA, "x y", "value", parameters="k p", jit="never")
    f = fn.torch(workers=1)
    seen = []
    right = type(fn).__call__

    def call(self, *points, **named):
        seen.append(named["workers"])
        return right(self, *points, **named)

    monkeypatch.setattr(type(fn), "__call__", call)
    f(leaf(3, 2), k=1.0, p=1.0).sum().backward()
    assert seen == [1, 1]
    assert repr(f) == f"{fn!r}.torch()"


def test_a_log_that_is_not_stable_is_differentiated_in_its_stable_form():
    f = sg.compile("log(1 + exp(x))", "x", "value", jit="never").torch()
    x = torch.tensor([800.0, -800.0], dtype=torch.float64, requires_grad=True)
    f(x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_errors_name_the_cure():
    f = compiled()
    with pytest.raises(ShapeError, match="X has shape"):
        f(leaf(4, 3), k=1.0, p=1.0)
    with pytest.raises(ArgumentError, match="parameter 'p' is missing"):
        f(leaf(4, 2), k=1.0)
    with pytest.raises(ArgumentError, match="given twice"):
        f(leaf(4, 2), parameters={"k": 1.0, "p": 1.0}, k=1.0)
    with pytest.raises(DtypeError, match="bfloat16"):
        f(leaf(4, 2, dtype=torch.bfloat16), k=1.0, p=1.0)
    with pytest.raises(DtypeError, match="dtype <U2"):
        f("ab", k=1.0, p=1.0)
    with pytest.raises(ArgumentError, match=r"torch\.stack"):
        f([leaf(), leaf()], k=1.0, p=1.0)
    with pytest.raises(DeviceError, match=r"on meta.*: give tensor\.cpu\(\)$"):
        f(torch.zeros(4, 2, device="meta"), k=1.0, p=1.0)
    summed = compiled(reduce="sum")
    with pytest.raises(ArgumentError, match="reduce="):
        vmap(lambda points: summed(points, k=1.0, p=1.0))(leaf(3, 4, 2))
    points = leaf(2, 2)
    values = f(points, k=1.0, p=1.0)
    with pytest.raises(ArgumentError, match=r"torch\.func"):
        torch.autograd.grad(
            values, points, torch.eye(2, dtype=torch.float64), is_grads_batched=True
        )


@pytest.mark.parametrize("form", ["table", "columns", "parameters"])
def test_a_compiled_function_called_with_tensors_gives_tensors(form):
    fn = compiled().fn
    points, k = leaf(3, 2), leaf()
    if form == "table":
        made = fn(points, k=k, p=1.0)
    elif form == "columns":
        made = fn(*points.unbind(1), k=k, p=1.0, workers=1)
    else:
        made = fn(points.detach(), parameters={"k": k, "p": 1.0})
    close(made, eager(*points.unbind(1), k, 1.0))
    made.sum().backward()
    assert k.grad is not None
    out = np.empty(3)
    assert fn(points.detach(), k=2.0, p=1.0, out=out) is out
