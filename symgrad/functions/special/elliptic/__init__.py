"""Legendre's elliptic integrals, by those of Carlson, and their derivatives."""
