"""Verb: Program -> code for a Target: LLVM IR for kernels, readable source for people.

A kernel for CPUs, from the outside in:

    target.py     what the code is for: registers, dtype, tiles, accuracy
    kernels/      the kernel as a whole: the loop over points, the order of instructions, its caller
    memory/       how points are read and results written
    pieces/       the parts of a Program as functions on vectors
    sums/         what is added over points instead of written
    providers/    who computes a function: vector/, a definition that is traced, or a library
    vector/       our own vector mathematics
    llvm/         what all of these are built of

The others:

    cuda/         kernels for GPUs
    readable/     source for people
"""
