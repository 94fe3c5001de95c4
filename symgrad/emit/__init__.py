"""Verb: Program -> code for a Target: LLVM IR for kernels, readable source for people.

    target.py     Target: what is known of the machine, and what code for it depends on

    kernels/      a CPU kernel as a whole: kernel.py makes it of a Program, loop.py goes over points
    pieces/       what the loop calls: the Program as functions on vectors (body.py)
    memory/       how points are read and results written, in whatever layout they have
    sums/         what is added, where results are sums over the points
    providers/    who computes sin, exp, ...: vector/, routines traced from definitions, libraries
    vector/       our own vector mathematics
    llvm/         what all of these write LLVM IR with

    cuda/         kernels for NVIDIA GPUs
    readable/     NumPy and PyTorch, C and numba for people

Of the CPU's folders, which come first, each imports those below it alone. Start at
``kernels/kernel.py``, ``kernels/loop.py`` and ``pieces/body.py``.
"""
