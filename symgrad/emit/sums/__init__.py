"""Sums over points: what is added, and how products are added in registers."""
