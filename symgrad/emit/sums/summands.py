"""What a kernel of sums computes for each point, and what it adds up: numbers, and products of two.

A product that nothing but its sum needs is a multiply-add there. The entries of J^T J are the
products of far fewer columns: those are written for a tile of points, and each sum takes in two of
them (``accumulate.py``). What has no factor in common with others is added to its sum as it is
computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from symgrad.ir.program import Instruction, Program, Result

COLUMNS, SUMS = range(2)
"""The results of the program that is called for every vector."""

Term = tuple[int, ...] | float
"""What is summed: a column, the product of two, or a number that all points have."""


@dataclass(frozen=True, slots=True)
class Summands:
    """A program of sums, taken apart.

    Attributes:
        program: it writes COLUMNS, and adds to SUMS, one for each term, what is in no column: a
            store of two values there is one of their product.
        terms: what is summed, each but once; () for what the program adds.
        entries: for every entry of each result of the program of sums, which of the terms it is.
    """

    program: Program
    terms: tuple[Term, ...]
    entries: tuple[tuple[int, ...], ...]


def summands(program: Program) -> Summands:
    """What the results of ``program`` are sums of."""
    code = program.code
    stores = [index for index, instruction in enumerate(code) if instruction.op == "store"]
    products, factors = _products(code, Counter(code[index].args[0] for index in stores))
    # What a batch shares is computed before there are points: it is written where it was summed.
    first = program.pieces[1] if program.shared else 0
    columns: dict[int, int] = {}
    written: dict[int, list[Instruction]] = {}
    numbers: dict[int, int] = {}
    terms: list[Term] = []
    entries = [[0] * result.size for result in program.results]
    for index in stores:
        (value,), (result, entry) = code[index].args, code[index].data
        entries[result][entry] = numbers.setdefault(value, len(terms))
        if numbers[value] < len(terms):
            continue
        op, args, data = code[value]
        if op == "constant":
            terms.append(data)
            continue
        taken = args if value in products else (value,)
        if not factors.issuperset(taken):
            written[index] = [Instruction("store", taken, (SUMS, len(terms)))]
            terms.append(())
            continue
        for factor in taken:
            if factor not in columns:
                columns[factor] = len(columns)
                store = Instruction("store", (factor,), (COLUMNS, columns[factor]))
                written.setdefault(factor if factor >= first else index, []).append(store)
        terms.append(tuple(columns[factor] for factor in taken))
    results = (Result("columns", (len(columns),)), Result("sums", (len(terms),)))
    made = replace(_rewritten(program, products, written), results=results)
    return Summands(made, tuple(terms), tuple(map(tuple, entries)))


def _products(code: Sequence[Instruction], stored: Mapping[int, int]) -> tuple[set[int], set[int]]:
    """The products that sums alone need, and those of their factors that are columns.

    A product is one of columns where others need both as well: there are no more of them then than
    there would be products.
    """
    uses = Counter(chain.from_iterable(instruction.args for instruction in code))
    products = {
        value
        for value, times in stored.items()
        if code[value].op == "mul"
        and uses[value] == times
        and all(code[factor].op != "constant" for factor in code[value].args)
    }
    kept = [set(code[value].args) for value in products]
    kept += [{value} for value in stored.keys() - products]
    while True:
        wanted = Counter(chain.from_iterable(kept))
        fewer = [each for each in kept if len(each) == 1 or all(wanted[one] > 1 for one in each)]
        if len(fewer) == len(kept):
            break
        kept = fewer
    return products, set(chain.from_iterable(each for each in kept if len(each) == 2))


def _rewritten(
    program: Program, products: Collection[int], written: Mapping[int, Sequence[Instruction]]
) -> Program:
    """The program without the products, and with other stores, behind those instructions."""
    made: list[Instruction] = []
    place: list[int] = []
    pieces = []
    for index, instruction in enumerate(program.code):
        if index in program.pieces:
            pieces.append(len(made))
        place.append(len(made))
        kept = () if instruction.op == "store" or index in products else (instruction,)
        for op, args, data in (*kept, *written.get(index, ())):
            made.append(Instruction(op, tuple(place[argument] for argument in args), data))
    return replace(program, code=tuple(made), pieces=tuple(pieces))
