"""How many vectors of points to compute at a time: two where the registers allow it.

Vector functions are long chains of dependent instructions. A second vector fills the gaps between
them (Black-Scholes with its gradient, 6 live values, takes 0.83 of the time), but only while both
fit into the registers. Beyond that there is little to gain and something to lose. The time with
two, relative to one: a robot arm of six joints (21 live values) 0.98, one of seven (35) 1.00, a
Tersoff cluster of four atoms (85) 1.08.
"""

from __future__ import annotations

from collections.abc import Set

from symgrad.ir.program import Program

FREE = frozenset({"load", "constant", "boolean", "store"})
"""Instructions whose value needs no register of its own: it is read from memory when used."""


def live_values(program: Program, free: Set[str] = FREE) -> int:
    """The most values that are there and still needed at one place of the program.

    Args:
        program: what is computed.
        free: instructions whose values are not counted.
    """
    last_use: dict[int, int] = {}
    for index, instruction in enumerate(program.code):
        for argument in instruction.args:
            if program.code[argument].op not in free:
                last_use[argument] = index
    ending: dict[int, int] = {}
    for last in last_use.values():
        ending[last] = ending.get(last, 0) + 1
    live = most = 0
    for index in range(len(program.code)):
        live += index in last_use
        most = max(most, live)
        live -= ending.get(index, 0)
    return most


def vectors_at_a_time(program: Program, calls: int, registers: int) -> int:
    """2 where the program calls functions and two of each live value fit, else 1."""
    return 2 if calls and 2 * live_values(program) <= registers else 1
