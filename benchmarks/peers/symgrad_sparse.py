"""symgrad with `sparse=True`: structural nonzeros alone, of symmetric entries one."""

from benchmarks.peers import symgrad_kernel
from benchmarks.peers.prepared import Prepared
from benchmarks.problems import Problem


def prepare(problem: Problem) -> Prepared:
    """The kernel of `symgrad_kernel`, whose derivative has no zeros."""
    return symgrad_kernel.prepare(problem, sparse=True)
