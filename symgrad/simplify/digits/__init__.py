"""Formulas that lose digits, overflow or are 0/0 as they are written, in forms that do not."""
