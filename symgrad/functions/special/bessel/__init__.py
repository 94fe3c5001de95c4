"""Bessel functions: J and Y, I and K, the spherical ones, and Airy's."""
