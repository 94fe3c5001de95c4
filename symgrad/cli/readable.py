"""An Expr as people write it: quotients, differences, square roots, few brackets."""

from __future__ import annotations

from fractions import Fraction

from symgrad.ir.expression import INFIX, Expr, postorder

# How tightly a text holds together; one that holds less tightly than its place needs brackets.
CONDITION, SUM, PRODUCT, POWER, ATOM = range(5)

Text = tuple[str, int]


def readable(root: Expr) -> str:
    """``root`` as formula text.

    Example:
        >>> from symgrad.ir.expression import variables
        >>> x = variables("x")
        >>> readable(-1 / (1 - x * x) ** Fraction(1, 2))
        '-1/sqrt(1 - x*x)'
    """
    texts: dict[int, Text] = {}
    for node in postorder((root,)):
        parts = [texts[id(argument)] for argument in node.args]
        if node.op == "add":
            texts[id(node)] = _sum(parts)
        elif node.op == "multiply":
            texts[id(node)] = _product(parts)
        elif node.op == "power":
            texts[id(node)] = _power(node, parts)
        elif node.op in INFIX:
            left, right = (_within(part, SUM) for part in parts)
            texts[id(node)] = (f"{left} {INFIX[node.op]} {right}", CONDITION)
        elif node.op == "not":
            texts[id(node)] = (f"~{_within(parts[0], ATOM)}", PRODUCT)
        elif node.args:
            inside = ", ".join(text for text, _ in parts)
            # Formulas know the row "select" by the name that NumPy and PyTorch have for it.
            name = "where" if node.op == "select" else node.op
            texts[id(node)] = (f"{name}({inside})", ATOM)
        else:
            texts[id(node)] = _leaf(node)
    return texts[id(root)][0]


def _leaf(node: Expr) -> Text:
    text = str(node.value)
    return text, PRODUCT if text.startswith("-") or "/" in text else ATOM


def _within(part: Text, least: int) -> str:
    text, tightness = part
    return text if tightness >= least else f"({text})"


def _sum(parts: list[Text]) -> Text:
    made = _within(parts[0], SUM)
    for part in parts[1:]:
        text = _within(part, SUM)
        made += f" - {text[1:]}" if text.startswith("-") else f" + {text}"
    return made, SUM


def _product(parts: list[Text]) -> Text:
    above: list[str] = []
    below: list[str] = []
    negative = False
    for part in parts:
        text, tightness = part
        if tightness == PRODUCT and text.startswith("-"):
            negative, text = not negative, text[1:]
            tightness = ATOM if text.isidentifier() else PRODUCT
        if text == "1":
            continue
        if tightness == PRODUCT and text.startswith("1/"):
            below.append(text[2:])
        else:
            above.append(_within((text, tightness), PRODUCT if not above else POWER))
    made = ("-" if negative else "") + ("*".join(above) or "1")
    return made + "".join(f"/{text}" for text in below), PRODUCT


def _power(node: Expr, parts: list[Text]) -> Text:
    base, exponent = parts
    value = node.args[1].value if node.args[1].op == "constant" else None
    if exponent[0] == "-1/2":  # also where it is still a product
        value = Fraction(-1, 2)
    if value == Fraction(1, 2):
        return f"sqrt({base[0]})", ATOM
    if value == Fraction(-1, 2):
        return f"1/sqrt({base[0]})", PRODUCT
    if value == -1:
        return f"1/{_within(base, POWER)}", PRODUCT
    return f"{_within(base, ATOM)}**{_within(exponent, ATOM)}", POWER
