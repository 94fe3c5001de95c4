"""From a scheduled Program to the one that a GPU runs: one piece, and operations that CPUs lack.

==========  ==========  ===================================================================
op          args        value
==========  ==========  ===================================================================
rsqrt       one value   ``1/sqrt(a)``
sincos      one value   sine and cosine, a pair that "part" alone takes
part        a pair      data 0: the sine, data 1: the cosine
fma         three       ``a*b + c``, rounded once (``emit/kernels/contract.py``)
==========  ==========  ===================================================================

Sine and cosine of one angle become a pair whatever the target: NVIDIA documents the same error for
both, and for the pair. It takes 23 instructions of double precision in place of 34 (sm_90).

Where products may be contracted, ``c/sqrt(a)`` becomes ``c*rsqrt(a)``, also where the root is used
besides: a division then need not wait for the root. Counted on the path that is usually taken,
root and quotient take 19 instructions in double precision, root and product with rsqrt 16; of
root and reciprocal it is 15 either way. ``c/(sqrt(a)*sqrt(b))`` becomes
``c*(rsqrt(a)*rsqrt(b))``: where potentials divide by products of distances (Tersoff's of 8 atoms
does so 168 times) a multiplication takes the place of a division.

In double precision NVIDIA's ``rsqrt`` is at most 1 ulp from the rounded result, so that the
relative error of ``c*rsqrt(a)`` is at most 4 units of 2**-53; that of ``c/sqrt(a)`` is 2. With an
``rsqrt`` that is 1 ulp off everywhere the results of Morse and Tersoff clusters are as exact as
before. In single precision 2 ulp are documented. Zeros, infinities, nan and their signs are those
of the quotient; nothing overflows, as the inverse root of a double is between 2**-512 and 2**537.

What is left as it is, from the counts of all benchmark problems: divisions by one value (the
scheduler shares their reciprocals already, not one such pair is left), powers (the scheduler
multiplies them out; the other ones are "pow" on every target, as roots of negative numbers and of
-0.0 are told apart there), and ``c/(a*sqrt(a))`` (none; at -0.0 the cube of ``rsqrt`` has the
other sign).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgrad.emit.cuda.single import in_single
from symgrad.emit.kernels.contract import contracted
from symgrad.emit.target import Target
from symgrad.ir.program import Instruction, Program

Code = Sequence[Instruction]

TURNS = {"sin": 0, "cos": 1}
"""Which part of a pair each function is."""


def lowered(program: Program, target: Target) -> Program:
    """The Program as kernels for CUDA compute it.

    Routines stay as they are; in float32 some become code (``single.py``).

    Args:
        program: as it is scheduled.
        target: where it runs; ``contract`` allows rewrites that change the last bits.

    Returns:
        A Program of one piece with the same groups and results, whose stores come in the same
        order.

    Example:
        >>> from symgrad.ir.program import Group, Result
        >>> code = (Instruction("load", (), (0, 0)), Instruction("sin", (0,)),
        ...         Instruction("cos", (0,)), Instruction("mul", (1, 2)),
        ...         Instruction("store", (3,), (0, 0)))
        >>> program = Program((Group("inputs", ("a",)),), (Result("value", ()),), code)
        >>> target = Target("cuda", 1, "float64", "high", tile=1, lanes=1)
        >>> [i.op for i in lowered(program, target).code]
        ['load', 'sincos', 'part', 'part', 'mul', 'store']
    """
    code = needed(program.code, program.pieces[1] if program.shared else 0)
    if target.contract:
        code = needed(_with_inverse_roots(code))
    made = replace(program, code=_with_pairs(code), pieces=(0,), shared=False)
    made = contracted(made) if target.contract else made
    return in_single(made) if target.dtype == "float32" else made


def needed(code: Code, late: int = 0, stores: Sequence[int] | None = None) -> list[Instruction]:
    """The instructions that stores need, in their order.

    Args:
        code: the instructions.
        late: so many of the first ones come right before what first needs them, as a value that
            is there from the beginning would keep a register all the time.
        stores: those that are kept; by default all.
    """
    wanted = range(len(code)) if stores is None else stores
    kept = bytearray(len(code))
    for index in wanted:
        kept[index] = code[index].op == "store"
    for index in range(len(code) - 1, -1, -1):
        if kept[index]:
            for argument in code[index].args:
                kept[argument] = True
    place: dict[int, int] = {}
    made: list[Instruction] = []
    for start in range(late, len(code)):
        stack = [start] if kept[start] else []
        while stack:
            index = stack[-1]
            op, args, data = code[index]
            missing = [argument for argument in args if argument not in place]
            if missing:
                stack += missing[::-1]
                continue
            stack.pop()
            if index not in place:
                place[index] = len(made)
                made.append(Instruction(op, tuple([place[a] for a in args]), data))
    return made


def _with_inverse_roots(code: Code) -> list[Instruction]:
    """The code in which divisions by square roots, and by products of two, are multiplications.

    Roots that nothing uses any longer are still there.
    """
    made: list[Instruction] = []
    place: list[int] = []
    inverses: dict[int, int] = {}

    def emit(op: str, *args: int) -> int:
        made.append(Instruction(op, args))
        return len(made) - 1

    def inverse(value: int) -> int | None:
        """Where the reciprocal of a root, or of the product of two, is."""
        op, args, _ = made[value]
        if value not in inverses:
            if op == "sqrt":
                inverses[value] = emit("rsqrt", *args)
            elif op == "mul" and all(made[factor].op == "sqrt" for factor in args):
                found = [inverse(factor) for factor in args]
                inverses[value] = emit("mul", *[place for place in found if place is not None])
        return inverses.get(value)

    for op, args, data in code:
        args = tuple([place[argument] for argument in args])
        found = inverse(args[1]) if op == "div" else None
        if found is None:
            place.append(len(made))
            made.append(Instruction(op, args, data))
        else:
            above = made[args[0]]
            one = above.op == "constant" and above.data == 1
            place.append(found if one else emit("mul", args[0], found))
    return made


def _with_pairs(code: Code) -> tuple[Instruction, ...]:
    """The code in which sine and cosine of one value are parts of a pair, made at the first."""
    sines, cosines = ({i.args[0] for i in code if i.op == op} for op in TURNS)
    both = sines & cosines
    pairs: dict[int, int] = {}
    made: list[Instruction] = []
    place: list[int] = []
    for op, args, data in code:
        angle = args[0] if op in TURNS else -1
        args = tuple([place[argument] for argument in args])
        if angle in both:
            if angle not in pairs:
                pairs[angle] = len(made)
                made.append(Instruction("sincos", args))
            op, args, data = "part", (pairs[angle],), TURNS[op]
        place.append(len(made))
        made.append(Instruction(op, args, data))
    return tuple(made)
