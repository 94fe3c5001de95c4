"""Formula text -> Expr: the reader under the rule that a declared name shadows everything.

Text is read by ``ir/reader.py`` and never executed. What a formula may say is there; which
functions it may name is in ``names.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from symgrad.errors import ArgumentError, FormulaError
from symgrad.ir.conditions import is_condition
from symgrad.ir.expression import Expr, symbol
from symgrad.ir.messages import shorten
from symgrad.ir.primitive import Primitive
from symgrad.ir.reader import read
from symgrad.parse.names import CONSTANTS, REFUSED, call, function_names


def check_name(name: object, place: str = "a variable") -> str:
    """``name`` itself, if formula text can name a variable so.

    A name is an identifier in normal form (NFKC): letters, digits and underscores. Python's
    keywords and every function's name are allowed; names such as ``__class__`` are not.

    Raises:
        ArgumentError: it is no such name.

    Example:
        >>> check_name("lambda")
        'lambda'
    """
    if not isinstance(name, str):
        raise ArgumentError(f"{place} is {name!r}; a name is text, such as 'x1'")
    shown = shorten(ascii(name))
    if not name.isidentifier() or normalize("NFKC", name) != name:
        raise ArgumentError(
            f"{place} is called {shown}; write a name of letters, digits and underscores"
        )
    if name.startswith("__") and name.endswith("__") and name.strip("_"):
        raise ArgumentError(f"{place} is called {shown}; names like __this__ are reserved")
    return name


def read_formula(
    text: str,
    symbols: Mapping[str, Expr],
    rows: Mapping[str, Primitive],
    known: Collection[str] | None = None,
) -> Expr:
    """Read a formula over ``symbols``, names of variables and definitions with their Exprs.

    Args:
        text: the formula.
        symbols: what each declared name stands for.
        rows: the function table.
        known: ``function_names(rows)``, where the caller reads many formulas.

    Raises:
        FormulaError: the text is no formula, or its value is a condition and no number.
    """
    made = read(
        text,
        symbols=symbols,
        functions=lambda name, arguments: call(name, arguments, rows),
        constants=CONSTANTS,
        known=function_names(rows) if known is None else known,
        refused=REFUSED,
    )
    if is_condition(made):
        raise FormulaError(
            f"the value of {shorten(text.strip())!r} is a condition and no number; "
            "write where(condition, 1, 0)"
        )
    return made


def parse_formula(
    text: str,
    names: Sequence[str],
    definitions: Mapping[str, Expr] | None,
    rows: Mapping[str, Primitive],
) -> Expr:
    """Read a formula whose variables are ``names``; declared names shadow all others.

    Args:
        text: the formula.
        names: variables.
        definitions: names that stand for expressions.
        rows: the function table.

    Raises:
        FormulaError: the text is no formula; the message shows the place.
        UnknownFunctionError: a function has no row.
        UnknownSymbolError: a name is not declared.
        LimitError: the formula is too large.

    Example:
        >>> from symgrad.functions import PRIMITIVES
        >>> parse_formula("2*beta", ["beta"], None, PRIMITIVES)
        2*beta
    """
    symbols = {check_name(name): symbol(name) for name in names}
    return read_formula(text, symbols | dict(definitions or {}), rows)
