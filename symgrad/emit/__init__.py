"""Verb: Program -> code for a Target: LLVM IR for kernels, readable source for people."""
