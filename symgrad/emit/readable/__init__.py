"""Readable source for people: NumPy and PyTorch, C, numba, and what all languages share."""
