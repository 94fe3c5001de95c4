"""Hypergeometric functions from 0F1 to 3F2, with derivatives by their parameters."""
