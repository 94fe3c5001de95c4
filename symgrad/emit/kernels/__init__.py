"""CPU kernels as a whole: the loop over points, the order of instructions, machine code."""
