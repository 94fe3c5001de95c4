"""How many vectors of points to compute at a time: two where the registers allow it.

Vector functions are long chains of dependent instructions. A second vector fills the gaps between
them (Black-Scholes with its gradient, 14 live values: 6.1 ns a point instead of 7.0), but only
while both fit into the registers. Beyond that the time with two, relative to one: bundle adjustment
(31 live values) 1.00, a robot arm of six joints (26) 1.05, one of seven (35) 1.05, a Morse cluster
(84) 1.29, a Lennard-Jones cluster (143) 3.
"""

from __future__ import annotations

from symgrad.ir.program import Program

FREE = frozenset({"load", "constant", "boolean", "store"})
"""Instructions whose value needs no register of its own: it is read from memory when used."""


def live_values(program: Program) -> int:
    """The most values that are computed and still needed at one place of the program."""
    last_use: dict[int, int] = {}
    for index, instruction in enumerate(program.code):
        for argument in instruction.args:
            if program.code[argument].op not in FREE:
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
