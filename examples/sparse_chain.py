"""A hanging chain by Newton's method: a sparse Hessian of 200 variables, and SciPy's solver.

Links of natural length LENGTH/n and stiffness k n join two points at the distance SPAN, and every
joint between them carries the weight w/n. The energy of n links is a sum of n terms, each of two
neighbouring joints, so that of the Hessian's 4 (n - 1)^2 entries no more than 7 (n - 1) - 4 have to
be computed: sparse=True stores those and nothing else. Many chains are one batch, and one linear
system: their Hessians stand along the diagonal of one sparse matrix.

The chains are compared with the polygon that statics gives: the pull's horizontal part H is the
same in every link, its vertical part changes by w/n from link to link, and a link under the pull T
is as long as LENGTH/n + T/(k n). What is left is one equation for H.

Source: M. Irvine, "Cable Structures", MIT Press 1981, section 1.5 (the elastic catenary, which the
polygon becomes for many links).

    python examples/sparse_chain.py --links 101 --chains 1000
"""

import argparse
import time
from itertools import pairwise

import numpy as np
from scipy.sparse.linalg import spsolve

import symgrad as sg

SPAN, LENGTH = 1.0, 0.9  # stretched from the start, so that the energy is convex


def energy(m, joints, k, w):
    """The energy of a chain whose ends are held; joints are pairs (x, y)."""
    links = len(joints) + 1
    stretched = sum(
        (m.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2) - LENGTH / links) ** 2
        for (x0, y0), (x1, y1) in pairwise([(0, 0), *joints, (SPAN, 0)])
    )
    return k * links / 2 * stretched + w / links * sum(y for _, y in joints)


def compile_energy(links, sparse=True):
    """Energy, forces and stiffness matrix of a chain, by the positions of its joints."""
    shapes = {"joints": (links - 1, 2), "k": (), "w": ()}
    output, (*joints, k, w) = sg.trace(energy, shapes, math=sg.math)
    wanted = ["value", "gradient", "hessian"]
    return sg.compile(output, joints, wanted, parameters=[k, w], sparse=sparse)


def straight(links, chains):
    """Joints on the line between the ends, of shape (chains, 2 (links - 1))."""
    x = np.arange(1, links) * SPAN / links
    return np.tile(np.stack([x, np.zeros(links - 1)], axis=1).ravel(), (chains, 1))


def hang(fn, joints, k, w, steps=40):
    """Newton's method for all chains at once, each step halved until its energy does not rise."""
    now = fn(joints, k=k, w=w)
    for step in range(steps):
        worst = np.abs(now.gradient).max()
        print(f"  step {step}: largest force {worst:.1e}")
        if worst < 1e-11:
            return joints, step
        matrix = fn.to_scipy("hessian", now.hessian, block_diagonal=True)
        moves = spsolve(matrix.tocsc(), now.gradient.ravel()).reshape(joints.shape)
        while True:
            after = fn(joints - moves, k=k, w=w)
            rises = after.value > now.value + 1e-12 * np.abs(now.value)
            if not rises.any():
                break
            moves[rises] /= 2
        joints, now = joints - moves, after
    raise AssertionError("Newton's method does not converge")


def polygon(links, k, w):
    """The joints by statics, H by bisection."""
    vertical = w[:, None] / links * ((links - 1) / 2 - np.arange(links))

    def sides(horizontal):
        pull = np.hypot(horizontal, vertical)
        stretch = (LENGTH / links + pull / (k[:, None] * links)) / pull
        return stretch * horizontal, -stretch * vertical

    low, high = np.zeros((len(k), 1)), k[:, None] * SPAN
    for _ in range(100):
        middle = (low + high) / 2
        short = sides(middle)[0].sum(axis=1, keepdims=True) < SPAN
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    x, y = (np.cumsum(side, axis=1)[:, :-1] for side in sides(middle))
    return np.stack([x, y], axis=2).reshape(len(k), -1)


def compare_with_dense(links=6):
    """The sparse results of a short chain are the dense ones."""
    joints = straight(links, 3) + np.random.default_rng(1).normal(0, 0.02, (3, 2 * (links - 1)))
    sparse, dense = compile_energy(links), compile_energy(links, sparse=False)
    few, all_of_them = (fn(joints, k=2.0, w=0.7) for fn in (sparse, dense))
    np.testing.assert_allclose(few.gradient, all_of_them.gradient, rtol=1e-12, atol=1e-14)
    for matrix, expected in zip(
        sparse.to_scipy("hessian", few.hessian), all_of_them.hessian, strict=True
    ):
        np.testing.assert_allclose(matrix.toarray(), expected, rtol=1e-12, atol=1e-13)


def main(links=101, chains=100):
    """Hang chains of several stiffnesses and weights."""
    compare_with_dense()
    begin = time.perf_counter()
    fn = compile_energy(links)
    pattern = fn.sparsity["hessian"]
    n = 2 * (links - 1)
    print(f"{n} variables compiled in {time.perf_counter() - begin:.2f} s: {pattern.nnz} entries "
          f"of the Hessian's {n * n:,} are stored")  # fmt: skip
    assert pattern.nnz == 7 * (links - 1) - 4

    rng = np.random.default_rng(2)
    k, w = rng.uniform(1, 3, chains), rng.uniform(0.2, 2, chains)
    start = straight(links, chains)
    begin = time.perf_counter()
    fn(start, k=k, w=w)
    seconds = time.perf_counter() - begin
    print(f"first call after compile: {chains / seconds:,.0f} Hessians per second")

    joints, steps = hang(fn, start, k, w)
    error = np.abs(joints - polygon(links, k, w)).max()
    sag = -joints.reshape(chains, -1, 2)[:, :, 1].min(axis=1)
    print(f"{chains} chains sag by {sag.min():.3f} to {sag.max():.3f} after {steps} steps; "
          f"they differ from statics by {error:.1e}")  # fmt: skip
    assert error < 1e-9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=101)
    parser.add_argument("--chains", type=int, default=100)
    options = parser.parse_args()
    main(options.links, options.chains)
