"""Building blocks in LLVM IR: loops, instructions, transposed vectors, whole cache lines."""
