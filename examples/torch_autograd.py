"""PyTorch's autograd on symbols: eight worked cases, their numbers next to PyTorch's own.

Each case stands twice: with symgrad on SymPy symbols, where a gradient is an expression that can
be printed, differentiated again and compiled, and with PyTorch on numbers. The numbers agree with
each other and with those known from the mathematics; without PyTorch the latter are checked alone.

    grad(y, x, c)     sum_k c_k dy_k/dx             torch.autograd.grad
    backward(y, into) the same, added into a dict   torch.autograd.backward, which adds into .grad

PyTorch's create_graph and retain_graph have no counterpart: a gradient here is an expression like
any other.

Source: A. Paszke and others, "Automatic differentiation in PyTorch", 2017.

    python examples/torch_autograd.py --points 100
"""

import argparse

import numpy as np
import sympy as sp

import symgrad as sg

try:
    import torch
except ImportError:
    torch = None

x, z = sp.symbols("x z")


def at(values, *expressions):
    """The numbers of expressions, matrices and arrays at a point, in one flat list."""
    entries = sp.flatten([e.tolist() if hasattr(e, "tolist") else e for e in expressions])
    return [float(entry.subs(values)) for entry in entries]


def leaf(*values):
    """A PyTorch tensor to differentiate by."""
    return torch.tensor(values if len(values) > 1 else values[0], dtype=float, requires_grad=True)


def numbers(*tensors):
    """The numbers of PyTorch tensors in one flat list."""
    return [number for tensor in tensors for number in tensor.detach().flatten().tolist()]


def penalty():
    """1. A loss that holds derivatives: mean(y) + mean(dy0/dx - dy1/dx), y = x**2, x = (5, 7)."""
    v = sp.Matrix(sp.symbols("x0 x1"))
    y = v.applyfunc(lambda e: e**2)
    (h1,), (h2,) = sg.grad(y[0], v), sg.grad(y[1], v)
    loss = sum(y) / 2 + sum(h1 - h2) / 2
    (slope,) = sg.grad(loss, v)
    return at({v[0]: 5, v[1]: 7}, slope)


def penalty_in_torch():
    """The same with PyTorch."""
    v = leaf(5, 7)
    y = v**2
    (h1,) = torch.autograd.grad(y[0], v, create_graph=True)
    (h2,) = torch.autograd.grad(y[1], v, create_graph=True)
    return numbers(*torch.autograd.grad(y.mean() + (h1 - h2).mean(), v))


def accumulate():
    """2. x**2, x**3 and its second derivative at 2; backward twice; gradient and its gradient."""
    (square,), (first,) = sg.grad(x**2, x), sg.grad(x**3, x)
    (second,) = sg.grad(first, x)
    twice = sg.backward(x**3, sg.backward(x**3, {}))
    both = sg.backward(first, sg.backward(x**3, {}))
    return at({x: 2}, square, first, second, twice[x], both[x])


def accumulate_in_torch():
    """The same with PyTorch."""
    t = leaf(2)
    (square,), (first,) = (
        torch.autograd.grad(t**2, t),
        torch.autograd.grad(t**3, t, create_graph=True),
    )
    (second,) = torch.autograd.grad(first, t, retain_graph=True)
    twice = leaf(2)
    (twice**3).backward()
    (twice**3).backward()
    (t**3).backward()
    first.backward()
    return numbers(square, first, second, twice.grad, t.grad)


def weights():
    """3. A vector output needs weights: x**2 at (1, 2, 3) with ones, then with (1, 10, 100)."""
    v = sp.Array(sp.symbols("x0:3"))
    y = v.applyfunc(lambda e: e**2)
    (plain,), (weighted,) = sg.grad(y, v, [1, 1, 1]), sg.grad(y, v, [1, 10, 100])
    return at(dict(zip(v, (1, 2, 3), strict=True)), plain, weighted)


def weights_in_torch():
    """The same with PyTorch."""
    v = leaf(1, 2, 3)
    plain = torch.autograd.grad(v**2, v, torch.ones(3))
    weighted = torch.autograd.grad(v**2, v, torch.tensor([1.0, 10.0, 100.0]))
    return numbers(*plain, *weighted)


def several():
    """4. Two outputs, two inputs: x**2 + z**3 and x*z at (2, 3); then x**2, which has no z."""
    both = sg.grad([x**2 + z**3, x * z], [x, z], [1, 1])
    try:
        sg.grad(x**2, [x, z])
    except sg.SymgradError as error:
        print(f"   as it must: {error}")
    alone, nothing = sg.grad(x**2, [x, z], allow_unused=True)
    assert nothing is None
    return at({x: 2, z: 3}, *both, alone)


def several_in_torch():
    """The same with PyTorch."""
    t, u = leaf(2), leaf(3)
    both = torch.autograd.grad([t**2 + u**3, t * u], [t, u], [torch.ones(()), torch.ones(())])
    alone, nothing = torch.autograd.grad(t**2, [t, u], allow_unused=True)
    assert nothing is None
    return numbers(*both, alone)


def chosen():
    """5. Backward for chosen inputs: z gets no gradient."""
    into = sg.backward(x**2 * z, {}, inputs=[x])
    assert z not in into
    return at({x: 2, z: 3}, into[x])


def chosen_in_torch():
    """The same with PyTorch."""
    t, u = leaf(2), leaf(3)
    torch.autograd.backward(t**2 * u, inputs=[t])
    assert u.grad is None
    return numbers(t.grad)


def matrix():
    """6. A 3 x 4 matrix with x_ij = i + j: the gradient of x**2 under ones, and its gradient."""
    m = sp.Matrix(3, 4, lambda i, j: sp.Symbol(f"x{i}{j}"))
    (first,) = sg.grad(m.applyfunc(lambda e: e**2), m, sp.ones(3, 4))
    (second,) = sg.grad(first, m, sp.ones(3, 4))
    return at({m[i, j]: i + j for i in range(3) for j in range(4)}, first, second)


def matrix_in_torch():
    """The same with PyTorch."""
    m = torch.tensor([[float(i + j) for j in range(4)] for i in range(3)], requires_grad=True)
    (first,) = torch.autograd.grad(m**2, m, torch.ones(3, 4), create_graph=True)
    return numbers(first, *torch.autograd.grad(first, m, torch.ones(3, 4)))


def rows():
    """7. The Jacobian of x**2 at (2, 3) row by row, and the gradient of the sum of its entries."""
    y, inputs = [x**2, z**2], [x, z]
    whole = sg.jacobian(y, inputs)
    by_rows = [sg.vjp(y, inputs, row) for row in ((1, 0), (0, 1))]
    assert sp.Matrix(by_rows) == whole
    return at({x: 2, z: 3}, whole, *sg.grad(sum(whole), inputs))


def rows_in_torch():
    """The same with PyTorch."""
    v = leaf(2, 3)
    y = v**2
    found = [torch.autograd.grad(y, v, row, create_graph=True)[0] for row in torch.eye(2)]
    whole = torch.stack(found)
    return numbers(whole, *torch.autograd.grad(whole.sum(), v))


CASES = (
    (penalty, penalty_in_torch, [6, 6]),
    (accumulate, accumulate_in_torch, [4, 12, 12, 24, 24]),
    (weights, weights_in_torch, [2, 4, 6, 2, 40, 600]),
    (several, several_in_torch, [7, 29, 4]),
    (chosen, chosen_in_torch, [12]),
    (matrix, matrix_in_torch, [*(2 * (i + j) for i in range(3) for j in range(4)), *[2] * 12]),
    (rows, rows_in_torch, [4, 0, 0, 6, 2, 2]),
)


def at_points(points):
    """8. Random points of y = x1**2 sin(x2): first partials, and dy/dx1 differentiated by both.

    The expressions that grad gives are compiled: one call evaluates all of them at every point.
    """
    x1, x2 = sp.symbols("x1 x2")
    y = x1**2 * sp.sin(x2)
    first = sg.grad(y, [x1, x2])
    second = sg.grad(first[0], [x1, x2])
    fn = sg.compile([*first, *second], [x1, x2], "value", name="partials")
    places = np.random.default_rng(8).uniform(-3, 3, (points, 2))
    a, b = places.T
    known = [2 * a * np.sin(b), a**2 * np.cos(b), 2 * np.sin(b), 2 * a * np.cos(b)]
    return places, fn(places), np.stack(known, axis=1)


def at_points_in_torch(places):
    """The same with PyTorch."""
    a, b = (torch.tensor(column, requires_grad=True) for column in places.T)
    first = torch.autograd.grad((a**2 * torch.sin(b)).sum(), [a, b], create_graph=True)
    second = torch.autograd.grad(first[0].sum(), [a, b])
    return torch.stack([*first, *second], dim=1).detach().numpy()


def main(points=100):
    """Print every case and check it."""
    for case, in_torch, known in CASES:
        print(case.__doc__)
        found = case()
        print(f"   symgrad {found}")
        assert found == known, case.__name__
        if torch is not None:
            theirs = in_torch()
            print(f"   PyTorch {theirs}")
            assert found == theirs, case.__name__
    print(at_points.__doc__.splitlines()[0])
    places, found, known = at_points(points)
    checks = {"the formulas": known}
    if torch is not None:
        checks["PyTorch"] = at_points_in_torch(places)
    for name, values in checks.items():
        error = np.abs(found - values).max()
        print(f"   worst difference from {name} at {points} points: {error:.1e}")
        assert error < 1e-14


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100)
    main(parser.parse_args().points)
