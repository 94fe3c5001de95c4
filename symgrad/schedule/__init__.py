"""Verb: Graph -> Program: composite functions expanded, instructions chosen, ordered, cut."""
