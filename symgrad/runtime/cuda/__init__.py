"""Binaries, arrays and launches on NVIDIA GPUs."""
