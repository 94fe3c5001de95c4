"""Verb: Graph -> smaller equal Graph.

    rewrite.py          the pass that rebuilds what the results need, by the rules of a safety class
    rules.py            the rules that are patterns, one row each
    digits/             formulas that lose digits, overflow or are 0/0 as written, as forms that do not
    polynomials.py      what is equal when multiplied out
    relations.py, exponentials.py   exponentials that are products of others become these
    regroup/            sums and products regrouped, so that the same values take fewer operations
"""
