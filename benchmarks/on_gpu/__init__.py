"""The parts of the GPU benchmark, which benchmarks/gpu.py runs."""
