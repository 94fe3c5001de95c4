"""Regroup the sums and products of a Graph: the same values in fewer operations.

The passes keep each value up to rounding; they never divide where nothing was divided, nor cancel
what could be 0/0. There are several orders, because factoring and pair sharing compete for the
same products: none is the best on every problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.simplify.regroup.factor import factor
from symgrad.simplify.regroup.gauge import choose_scales
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.literals import coefficients_to_literals
from symgrad.simplify.regroup.lookthrough import reuse_sums
from symgrad.simplify.regroup.network import Network, read, write
from symgrad.simplify.regroup.numbers import distribute_numbers, split_numbers
from symgrad.simplify.regroup.pairs import share_pairs
from symgrad.simplify.regroup.powers import plan_powers

Pass = Callable[[Network], bool]
"""Changes a network in place and says whether it did."""


def share_products(network: Network) -> bool:
    """Share pairs of factors."""
    return share_pairs(network, "product")


def share_sums(network: Network) -> bool:
    """Share pairs of terms."""
    return share_pairs(network, "sum")


def scale(network: Network) -> bool:
    """Choose scales, and make the coefficients that are left literals."""
    return any([choose_scales(network), coefficients_to_literals(network)])


def scale_what_is_shared(network: Network) -> bool:
    """The same, where coefficients before products with a common factor count once."""
    return any([choose_scales(network, shared=True), coefficients_to_literals(network)])


def factor_with_numbers(network: Network) -> bool:
    """Factor, numbers written so that more can be factored."""
    changed = distribute_numbers(network)
    split_numbers(network)
    return factor(network) or changed


def share_powers(network: Network) -> bool:
    """Plan powers, and share pairs of factors."""
    return any([plan_powers(network), share_products(network)])


def share_powers_by_roots(network: Network) -> bool:
    """The same, where a reciprocal may be the square of a root's."""
    return any([plan_powers(network, by_roots=True), share_products(network)])


def factor_smoothly(network: Network) -> bool:
    """Factor whole powers alone, so that no root comes to be that was not there.

    The derivative of ``x**(3/2) + x**2`` is 0 at 0, but that of ``x**(3/2) * (1 + x**(1/2))``
    meets an infinity there.
    """
    return factor(network, roots=False)


FACTORING: tuple[Pass, ...] = (factor_with_numbers, factor, reuse_sums, factor)

LATER: tuple[Pass, ...] = (share_sums, share_products, share_sums, factor)

SHARING: tuple[Pass, ...] = (share_powers, *LATER)

ORDERS: dict[str, tuple[Pass, ...]] = {
    "scale, factor, share": (scale, *FACTORING, share_powers_by_roots, *LATER),
    "scale, share, factor": (
        choose_scales,
        plan_powers,
        coefficients_to_literals,
        share_products,
        *FACTORING[:-1],
        *SHARING,
    ),
    "factor, scale, share": (
        coefficients_to_literals,
        *FACTORING,
        scale,
        *FACTORING,
        *SHARING,
    ),
    "scale shared, factor, share": (scale_what_is_shared, *FACTORING, *SHARING),
}
"""What is done in which order; after a pass that changed something comes ``inline``."""

PRIMAL: dict[str, tuple[Pass, ...]] = {
    "as written": (),
    "factored": (coefficients_to_literals, factor_smoothly),
    "shared": (
        coefficients_to_literals,
        factor_smoothly,
        factor_smoothly,
        plan_powers,
        share_products,
        share_sums,
    ),
}
"""How a primal may be regrouped before it is differentiated: what it shares is derived once."""


def optimise(
    graph: Graph, tensors: Sequence[Tensor], passes: Sequence[Pass]
) -> tuple[Graph, list[Tensor]]:
    """A Graph of the same tensors that takes fewer operations; it is no longer canonical.

    Args:
        graph: any graph; numbers that the regrouping needs are appended to it.
        tensors: the results to keep.
        passes: a value of ORDERS or PRIMAL.

    Returns:
        the new graph, whose products may hold numbers, and the tensors in it.
    """
    return regroup(prepare(graph, tensors), tensors, passes)


def prepare(graph: Graph, tensors: Sequence[Tensor]) -> Network:
    """What all orders of passes begin with: the tensors as a Network."""
    return inline(read(graph, tensors))


def regroup(
    network: Network, tensors: Sequence[Tensor], passes: Sequence[Pass]
) -> tuple[Graph, list[Tensor]]:
    """The Graph of a network that was prepared for these tensors, which is changed in place."""
    idle: set[Pass] = set()  # found nothing to do since the network last changed
    for step in passes:
        if step in idle:
            continue
        if step(network):
            network = inline(network)
            idle.clear()
        else:
            idle.add(step)
    return write(network, tensors)
