"""A metal of tabulated functions: energies, forces and their derivatives from splines.

The embedded-atom method writes the energy of atom i among its neighbours at the distances r_ij as

    E_i = F(sum_j rho(r_ij)) + 1/2 sum_j phi(r_ij),

and its functions F, rho and phi come as tables. Each becomes a cubic spline that formulas call by
name; the gradient by the neighbours' positions gives the forces, and the Hessian the blocks of the
dynamical matrix. The derivatives are compared with SciPy's splines, put together by hand.

Source: M. S. Daw, M. I. Baskes, "Embedded-atom method", Physical Review B 29 (1984).

    python examples/tabulated_potential.py --atoms 20000
"""

import argparse
import time

import numpy as np
from scipy.interpolate import CubicSpline

import symgrad as sg

NEIGHBOURS = 6
REACH = (1.8, 5.0)  # distances in the tables, in angstroms


def tables():
    """Name -> knots and values: density and pair energy by distance, embedding by density."""
    r = np.linspace(*REACH, 200)
    smooth = ((REACH[1] - r) / (REACH[1] - REACH[0])) ** 3
    density = np.linspace(0.0, 8.0, 300)
    return {
        "rho": (r, 1.3 * np.exp(-1.1 * (r - 2.5)) * smooth),
        "phi": (r, (np.exp(-3.2 * (r - 2.5)) - 1.4 * np.exp(-1.6 * (r - 2.5))) * smooth),
        "embed": (density, -1.7 * np.sqrt(density + 0.01) + 0.05 * density**1.5),
    }


def energy(functions, q):
    """The energy of an atom at the origin; q: the neighbours' coordinates, 3 each."""
    r = [np.sqrt(np.sum(q[3 * j : 3 * j + 3] ** 2)) for j in range(NEIGHBOURS)]
    density = sum(functions["rho"](distance) for distance in r)
    return functions["embed"](density) + sum(functions["phi"](distance) for distance in r) / 2


def surroundings(count, rng):
    """Neighbours of many atoms in random directions, within the tables' reach."""
    directions = rng.normal(size=(count, NEIGHBOURS, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    distances = rng.uniform(2.1, 4.9, (count, NEIGHBOURS, 1))
    return (directions * distances).reshape(count, 3 * NEIGHBOURS)


def by_scipy(data, points):
    """Energies, gradients and the Hessian's first block, from SciPy's splines by the chain rule."""
    spline = {name: CubicSpline(x, y) for name, (x, y) in data.items()}
    offset = points.reshape(-1, NEIGHBOURS, 3)
    r = np.linalg.norm(offset, axis=-1)
    density = spline["rho"](r).sum(axis=1)
    value = spline["embed"](density) + spline["phi"](r).sum(axis=1) / 2
    first, second = (spline["embed"](density, order)[:, None] for order in (1, 2))
    slope = first * spline["rho"](r, 1) + spline["phi"](r, 1) / 2
    bend = first * spline["rho"](r, 2) + spline["phi"](r, 2) / 2 + second * spline["rho"](r, 1) ** 2
    unit = offset / r[..., None]
    u, s, k, d = unit[:, 0], slope[:, 0, None, None], bend[:, 0, None, None], r[:, 0, None, None]
    along = u[:, :, None] * u[:, None, :]
    return (
        value,
        (slope[..., None] * unit).reshape(len(r), -1),
        k * along + s / d * (np.eye(3) - along),
    )


def main(atoms=20_000):
    """Compile, evaluate, compare with SciPy."""
    data = tables()
    functions = {name: sg.spline(name, *table) for name, table in data.items()}
    traced = sg.trace(lambda q: energy(functions, q), {"q": 3 * NEIGHBOURS})
    fn = sg.compile(
        *traced, ["value", "gradient", "hessian"], functions=list(functions.values()), name="eam"
    )
    points = surroundings(atoms, np.random.default_rng(6))
    fn(points[:10])
    start = time.perf_counter()
    result = fn(points)
    used = time.perf_counter() - start
    print(f"{atoms:,} atoms with {NEIGHBOURS} neighbours: {atoms / used:,.0f} per second")

    value, gradient, block = by_scipy(data, points)
    for title, got, expected in (
        ("energy", result.value, value),
        ("gradient", result.gradient, gradient),
        ("Hessian", result.hessian[:, :3, :3], block),
    ):
        error = np.abs(got - expected).max() / np.abs(expected).max()
        print(f"{title}: {error:.1e} of the largest entry away from SciPy")
        assert error < 1e-11, title
    turned = result.hessian.transpose(0, 2, 1)
    assert np.allclose(result.hessian, turned, rtol=1e-12, atol=1e-12), "the Hessian is symmetric"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, default=20_000)
    main(**vars(parser.parse_args()))
