"""The peers, a module each: `prepare(name, problem)` imports one and asks it to do its best.

Each module has `prepare(problem) -> Prepared | Unavailable` (see prepared.py) and imports its
library at the top, so a peer that is not installed is found out here and nowhere else.
"""

import importlib

from benchmarks.peers.prepared import Prepared, Unavailable
from benchmarks.problems import Problem

# name -> (module, distributions whose versions are worth printing)
PEERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "symgrad": ("symgrad_kernel", ("symgrad", "numba", "llvmlite")),
    "symgrad-sparse": ("symgrad_sparse", ("symgrad", "numba", "llvmlite")),
    "numba": ("numba_lambdify", ("numba", "llvmlite", "sympy")),
    "heyoka": ("heyoka_cfunc", ("heyoka",)),
    "jax": ("jax_vmap", ("jax", "jaxlib")),
    "torch.func": ("torch_func", ("torch",)),
    "torch.compile": ("torch_compile", ("torch",)),
    "torch.autograd": ("torch_autograd", ("torch",)),
    "casadi-vm": ("casadi_vm", ("casadi",)),
    "casadi-c": ("casadi_c", ("casadi",)),
    "casadi-c-sparse": ("casadi_c_sparse", ("casadi",)),
    "symengine": ("symengine_llvm", ("symengine",)),
}

OURS = ("symgrad", "symgrad-sparse")
"""What others are compared with."""


def prepare(name: str, problem: Problem) -> Prepared | Unavailable:
    """Derive and compile `problem` with the peer `name`, or say why that cannot be done."""
    module, distributions = PEERS[name]
    try:
        peer = importlib.import_module(f"{__name__}.{module}")
    except ImportError as error:
        return Unavailable(name, f"not installed: pip install {distributions[-1]} ({error})")
    result: Prepared | Unavailable = peer.prepare(problem)
    return result
