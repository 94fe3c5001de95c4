"""CasADi's generated C, which writes what `symgrad-sparse` does: symmetric entries once."""

from benchmarks.peers import casadi_c
from benchmarks.peers.prepared import Prepared, Unavailable
from benchmarks.problems import Problem


def prepare(problem: Problem) -> Prepared | Unavailable:
    """CasADi's C as in `casadi_c`, of a Hessian the lower triangle alone."""
    return casadi_c.prepare(problem, once=True)
