"""A potential trained by PyTorch on energies and forces: ``fn.torch()`` in an ``nn.Module``.

Two atoms at a distance r have the energy D (1 - exp(-a (r - r0)))^2 (Morse). The module gives the
energy and its gradient by the atoms' displacement, both from one compiled kernel, and L-BFGS fits
D, a and r0 to noisy data of both. The loss holds derivatives, so its gradient by the parameters
needs second ones: another compiled kernel, made when backward first asks for it, in which the sums
over the points are made as well. One step is compared with PyTorch's own autograd.

Source: P. M. Morse, "Diatomic molecules according to the wave mechanics. II", Physical Review 34
(1929) 57; values for hydrogen chloride in eV and angstrom.

    python examples/torch_training.py --points 100000
"""

import argparse
import time

import torch

import symgrad as sg

TRUTH = {"D": 4.62, "a": 1.87, "r0": 1.275}
START = {"D": 3.0, "a": 1.5, "r0": 1.5}
NOISE = 0.01

ENERGY = "D*(1 - exp(-a*(sqrt(x**2 + y**2 + z**2) - r0)))**2"


class Morse(torch.nn.Module):
    """Energy and gradient of a Morse potential with trainable parameters."""

    def __init__(self):
        super().__init__()
        fn = sg.compile(ENERGY, "x y z", ["value", "gradient"], parameters=list(TRUTH))
        self.potential = fn.torch()
        for name, value in START.items():
            self.register_parameter(
                name, torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))
            )

    def forward(self, points):
        """Energies of shape (N,) and gradients of shape (N, 3) at points of shape (N, 3)."""
        return self.potential(points, **dict(self.named_parameters()))


def by_autograd(points, D, a, r0):  # noqa: N803
    """The same by PyTorch alone."""
    points = points.clone().requires_grad_()
    r = torch.sqrt((points**2).sum(1))
    energy = D * (1 - torch.exp(-a * (r - r0))) ** 2
    (gradient,) = torch.autograd.grad(energy.sum(), points, create_graph=True)
    return energy, gradient


def loss_of(found, energy, gradient):
    """Mean squared error of energies and gradients."""
    found_energy, found_gradient = found
    return ((found_energy - energy) ** 2).mean() + ((found_gradient - gradient) ** 2).mean()


def simulate(points):
    """Noisy energies and gradients of the true potential at random points."""
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(points, 3, generator=generator).double()
    distance = 0.9 + 2 * torch.rand(points, 1, generator=generator).double()
    at = distance * direction / direction.norm(dim=1, keepdim=True)
    truth = {name: torch.tensor(value, dtype=torch.float64) for name, value in TRUTH.items()}
    exact = [values.detach() for values in by_autograd(at, **truth)]
    noisy = [
        values + NOISE * torch.randn(values.shape, generator=generator).double() for values in exact
    ]
    return at, noisy


def main(points=20_000, steps=3):
    """Compare one step with autograd, then train."""
    at, data = simulate(points)
    model = Morse()

    loss_of(model(at), *data).backward()
    own = torch.stack([parameter.grad for parameter in model.parameters()])
    model.zero_grad()
    loss_of(by_autograd(at, **dict(model.named_parameters())), *data).backward()
    wanted = torch.stack([parameter.grad for parameter in model.parameters()])
    gap = ((own - wanted).abs() / wanted.abs()).max()
    print(f"gradient by D, a, r0 differs from autograd's by {gap:.1e} of it")
    assert gap < 1e-10

    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = loss_of(model(at), *data)
        loss.backward()
        return loss

    begin = time.perf_counter()
    for _ in range(steps):
        optimizer.step(closure)
    seconds = time.perf_counter() - begin
    print(f"{calls} passes and back: {calls * points / seconds:,.0f} points per second")
    for name, parameter in model.named_parameters():
        found = parameter.detach().item()
        print(f"  {name:3} {found:.5f}, in truth {TRUTH[name]}")
        assert abs(found - TRUTH[name]) < 10 * NOISE / points**0.5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=3)
    main(**vars(parser.parse_args()))
