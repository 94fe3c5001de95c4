"""The nouns that cross stage boundaries, the rules they keep, and how they are read and computed.

    expression.py           Expr: what users and rows are written in; conditions.py
    graph.py                Graph: hash-consed nodes; arithmetic.py, multiply.py and template.py
                            make them, traverse.py walks over them, convert.py leads back to Exprs
    primitive.py            Primitive: a row of the function table; row_text.py writes users' rows
    definition.py           definitions: functions of ``m`` that say how a row is computed
    routine.py              Routine: a definition as instructions
    system.py               System, Tensor, Request: what is differentiated, and what is wanted
    program.py              Program: instructions in order; layout.py: its arrays on a GPU
    recipe.py               Recipe: all of a compiled function, as text

    text.py, reader.py      graphs and formulas as text; messages.py: what errors say about text
    evaluate.py             the slow interpreter; real_mpmath.py and fused.py compute for it
    verify.py               the invariants of Graph and Program
    rounding.py             bounds of a Program's rounding errors
    quotient.py             derivatives by difference quotients in high precision

Start at ``expression.py``, ``graph.py`` and ``program.py``: the rest is about these three.
"""
