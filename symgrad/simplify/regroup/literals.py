"""Make coefficients factors: ``2*x*y`` in a sum becomes the product of 2, x and y.

Then factoring and pair sharing see a number as they see everything else, and ``2*y`` is computed
once for all products that hold it.
"""

from __future__ import annotations

from symgrad.ir.arithmetic import Number, add_numbers
from symgrad.simplify.regroup.network import ONE, Network


def coefficients_to_literals(network: Network) -> bool:
    """Leave no coefficients but 1 and -1 in sums; whether there were any."""
    nodes = network.order()
    uses = network.uses(nodes)
    changed = False
    for node in nodes:
        if network.kinds[node] != "sum":
            continue
        bag = network.bags[node]
        scaled = [k for k, c in bag.items() if k != ONE and c != 1 and c != -1]
        if not scaled:
            continue
        made = {literal: c for literal, c in bag.items() if literal not in scaled}
        for literal in scaled:
            coefficient = bag[literal]
            sign = -1 if coefficient < 0 else 1
            term = _scaled(network, literal, coefficient * sign, uses[literal] == 1)
            if term in made:  # two equal products of one sum: kept as a coefficient
                made[literal] = add_numbers(made.get(literal, 0), coefficient)
            else:
                made[term] = sign
        network.touch(node)
        network.bags[node] = made
        changed = True
    return changed


def _scaled(network: Network, literal: int, size: Number, alone: bool) -> int:
    """The product ``size * literal``, with the factors of a product that nobody else uses."""
    inside = network.kinds[literal] == "product" and alone
    bag = dict(network.bags[literal]) if inside else {literal: 1}
    held = [k for k in bag if network.kinds[k] == "number"]
    number = network.multiplied([(k, bag[k]) for k in held], size) if held else network.number(size)
    if number is None:
        return network.product({literal: 1, network.number(size): 1})
    for k in held:
        del bag[k]
    if number != ONE:
        bag[number] = 1
    return network.product(bag)
