"""Program -> kernels for NVIDIA GPUs: CUDA C, and LLVM IR for numba."""
