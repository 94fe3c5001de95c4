"""Zeta functions, polygamma and polylogarithms."""
