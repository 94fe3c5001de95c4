"""Verb: Graph -> smaller equal Graph, by a table of rewrite rules with safety classes.

    rewrite.py      the pass that rebuilds what the results need by the rules that a class allows
    rules.py        rules that are patterns, a row each
    digits/         what loses digits, overflows or is 0/0 as written, in forms that do not
    polynomials.py  nodes multiplied out, so that what is equal over the reals is seen to be
    relations.py    which exponentials are products of others
    exponentials.py these become the others, and meet in sums
    regroup/        sums and products regrouped, so that the same values take fewer operations

The search for the cheapest program, ``portfolio.py``, says which of it runs when.
"""
