"""parse: SymPy objects, formula text and problem files -> Expr, with every name declared."""
