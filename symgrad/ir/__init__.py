"""The nouns that cross stage boundaries: Expr, Graph, System, Program, and the rules they keep."""
