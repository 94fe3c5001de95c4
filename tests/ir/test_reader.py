"""The reader: grammar, exactness, limits, and an error with a caret for everything else."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from symgrad.errors import (
    ArgumentError,
    FormulaError,
    LimitError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
)
from symgrad.ir.expression import Expr, named, postorder, symbol
from symgrad.ir.reader import Limits, read

SYMBOLS = {name: symbol(name) for name in ("x", "y", "lambda", "beta", "größe")}
KNOWN = {"sin", "f", "max"}


def call(name: str, arguments: tuple[Expr, ...]) -> Expr:
    if name == "sin" and len(arguments) != 1:
        raise ArgumentError(f"sin takes 1 argument, {len(arguments)} given")
    return Expr(name, arguments)


def formula(text: str, **options: Any) -> Expr:
    settings: dict[str, Any] = {
        "symbols": SYMBOLS,
        "functions": call,
        "constants": {"pi": named("pi"), "beta": named("e")},
        "known": KNOWN,
        "refused": {"I": "everything is real"},
    }
    return read(text, **(settings | options))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-x**2", "(-1)*x**2"),
        ("2**-x", "2**((-1)*x)"),
        ("2**-x**2*3", "2**((-1)*x**2)*3"),
        ("x**y**2", "x**(y**2)"),
        ("x - y - 3 + -4", "x + (-1)*y + (-3) + (-4)"),
        ("x - (y - 3)", "x + (-1)*(y + (-3))"),
        ("x/y/2*3", "x*y**(-1)*2**(-1)*3"),
        ("x/(y/2)", "x*(y*2**(-1))**(-1)"),
        ("x // y % 2 * 3", "mod(floor(x*y**(-1)), 2)*3"),
        ("x*y % 2", "mod(x*y, 2)"),
        ("-x % y", "mod((-1)*x, y)"),
        ("+x", "x"),
        ("--x", "(-1)*(-1)*x"),
        ("2*(x + 1)*3", "2*(x + 1)*3"),
        ("f(x, -y, (1))", "f(x, (-1)*y, 1)"),
        ("sin (\n x )", "sin(x)"),
        ("x < 1", "(x < 1)"),
        ("x > 1", "(1 < x)"),
        ("x >= 1 + y", "((1 + y) <= x)"),
        ("x <= 1", "(x <= 1)"),
        ("(x == 1) & (y != 2)", "((x == 1) & (y != 2))"),
        ("(x < 1) | (y < 2) & ~(x < y)", "((x < 1) | ((y < 2) & ~(x < y)))"),
        ("not x < 1 and y < 2 or True", "((~(x < 1) & (y < 2)) | True)"),
        ("Piecewise((x, x < 1), (y, True))", "select((x < 1), x, y)"),
        ("Piecewise(((x), (x < 1)), ((y + 1)*2, True))", "select((x < 1), x, (y + 1)*2)"),
        ("Piecewise((x, x < 1))", "select((x < 1), x, nan)"),
        ("lambda*2 + größe", "lambda*2 + größe"),
        ("beta*pi", "beta*pi"),
    ],
)
def test_binding_is_python_s(text: str, shown: str) -> None:
    assert repr(formula(text)) == shown


def test_a_name_may_hold_marks_that_have_no_letter_of_their_own() -> None:
    name = "x\N{COMBINING CIRCUMFLEX ACCENT}1"
    assert formula(f"2*{name} + x", symbols={**SYMBOLS, name: symbol(name)}) == (
        Expr("add", (Expr("multiply", (Expr("constant", (), 2), symbol(name))), SYMBOLS["x"]))
    )


def test_declared_names_shadow_constants() -> None:
    assert formula("beta") is SYMBOLS["beta"]
    assert formula("beta", symbols={}) == named("e")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("007", 7),
        ("1.5e-3", 1.5e-3),
        ("2.", 2.0),
        (".5", 0.5),
        ("1E3", 1000.0),
        ("0.1", 0.1),
        ("5e-324", 5e-324),
        ("1e-400", 0.0),
        ("-3", -3),
        ("-0.0", -0.0),
        ("9" * 400, int("9" * 400)),
    ],
)
def test_digits_alone_are_exact_and_anything_else_is_the_nearest_double(
    text: str, value: float
) -> None:
    made = formula(text)
    assert made.op == "constant"
    assert type(made.value) is type(value)
    assert repr(made.value) == repr(value)


def evaluate(root: Expr, values: dict[str, Fraction]) -> Any:
    """The exact value of an Expr of arithmetic and conditions."""
    made: dict[int, Any] = {}
    for node in postorder((root,)):
        args = [made[id(a)] for a in node.args]
        operations: dict[str, Any] = {
            "constant": lambda node=node: Fraction(node.value),
            "symbol": lambda node=node: values[node.value],
            "boolean": lambda node=node: node.value,
            "add": lambda *a: sum(a),
            "multiply": lambda *a: math.prod(a),
            "power": lambda a, b: a ** int(b),
            "floor": math.floor,
            "mod": lambda a, b: a % b,
            "lt": lambda a, b: a < b,
            "le": lambda a, b: a <= b,
            "eq": lambda a, b: a == b,
            "ne": lambda a, b: a != b,
            "and": lambda a, b: a and b,
            "or": lambda a, b: a or b,
            "not": lambda a: not a,
        }
        made[id(node)] = operations[node.op](*args)
    return made[id(root)]


def arithmetic(depth: int) -> st.SearchStrategy[str]:
    """Formula text that Python evaluates as well."""
    leaf = st.sampled_from(["x", "y", "z"])
    if not depth:
        return leaf
    inner = arithmetic(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
        st.builds("+ {}".format, inner),
        st.builds("{}{}{}".format, inner, st.sampled_from([*"+-*/%", " // ", " - "]), inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "-1", "-2", "3"])),
        st.builds("{}**{}".format, leaf, st.sampled_from(["2", "-1", "2**2", "- -1"])),
    )


VALUES = {"x": Fraction(7, 3), "y": Fraction(-5, 2), "z": Fraction(11, 7)}


@given(arithmetic(5))
@settings(max_examples=300, deadline=None)
@example("-x**2%y//z*x/y")
def test_arithmetic_means_what_python_means(text: str) -> None:
    try:
        expected = eval(text, {}, VALUES)
    except ZeroDivisionError:
        return
    made = formula(text, symbols={name: symbol(name) for name in VALUES})
    assert evaluate(made, VALUES) == expected, text


@given(
    st.lists(st.sampled_from(["x<y", "not x<y", "x>=z", "(y==z)", "~(x<z)"]), min_size=1),
    st.data(),
)
@settings(max_examples=100, deadline=None)
def test_logic_means_what_python_means(parts: list[str], data: st.DataObject) -> None:
    words = [data.draw(st.sampled_from([" and ", " or "])) for _ in parts[1:]]
    text = parts[0] + "".join(w + p for w, p in zip(words, parts[1:], strict=True))
    expected = eval(text.replace("~", " not "), {}, VALUES)
    made = formula(text, symbols={name: symbol(name) for name in VALUES})
    assert evaluate(made, VALUES) == expected, text


def test_one_sum_is_one_node_and_one_product_too() -> None:
    assert len(formula("x + y - 2 + x*y").args) == 4
    assert len(formula("x*y/2*(x + y)").args) == 4


# text, what the message says, column of the caret
REFUSED = [
    ("", "the formula is empty", 0),
    (" \n ", "the formula is empty", 1),
    ("x +", "ends where a value is missing", 3),
    ("sin((", "ends where a value is missing, after '('", 5),
    ("(x", "a '(' without its ')'", 0),
    ("x + sin(x", "a '(' without its ')'", 7),
    ("x)", "a ')' without its '('", 1),
    ("x + )", "a value is missing before ')'", 4),
    ("()", "a value is missing before ')'", 1),
    ("f(x,)", "a value is missing before ')'", 4),
    ("f(,x)", "a value is missing before ','", 2),
    ("x*/y", "a value is missing before '/'", 2),
    ("x<<2", "a value is missing before '<'", 2),
    ("x, y", "a comma stands outside", 1),
    ("(x, y)", "give several outputs as a list", 2),
    ("x y", "write '*' for a product", 2),
    ("2x", "write '*' for a product", 1),
    ("2(x)", "write '*' for a product", 1),
    ("(x)(y)", "write '*' for a product", 3),
    ("0x10", "write '*' for a product", 1),
    ("x 2", "write '*' for a product", 2),
    ("x(y)", "shadows the function", 0),
    ("beta (y)", "shadows the function", 0),
    ("sin x", "sin is a function; write sin(...)", 0),
    ("Piecewise", "Piecewise is a function", 0),
    ("x < y < 1", "(a < b) & (b < c)", 6),
    ("x and 1", "'and' needs conditions", 2),
    ("(x<1) or y", "'or' needs conditions", 6),
    ("not x", "'not' needs conditions", 0),
    ("~x", "'~' needs conditions", 0),
    ("x ~ y", "'~' goes before", 2),
    ("x<1 & y<2", "'&' needs conditions", 4),
    ("x + (x<1)", "'+' needs numbers", 2),
    ("(x<1) * 2", "'*' needs numbers", 6),
    ("x/0", "division by exact zero; write 0.0", 1),
    ("x/(0)*y", "division by exact zero", 1),
    ("x**(x<1)", "'**' needs numbers", 1),
    ("-(x<1)", "'-' needs numbers", 0),
    ("+(x<1)", "'+' needs numbers", 0),
    ("x % True", "'%' needs numbers", 2),
    ("(x<1) == True", "'==' needs numbers", 6),
    ("x if y else 2", "write where(condition, a, b)", 2),
    ("numpy.sin(x)", "attribute access", 0),
    ("x.real", "attribute access", 1),
    ("x^2", "write '**'", 1),
    ("x = 2", "write '=='", 2),
    ("x := 2", "':' is not read", 2),
    ("x[0]", "brackets", 1),
    ("'x'", "strings", 0),
    ("x;", "';'", 1),
    ("x!", "factorial", 1),
    ("x\u00a0+ 1", "NO-BREAK SPACE", 1),
    ("x\N{SUPERSCRIPT TWO}", "write '**2'", 1),
    ("\N{MINUS SIGN}x", "write '-'", 0),
    ("\N{LATIN SMALL LIGATURE FI}x", "LATIN SMALL LIGATURE FI", 0),
    ("e\N{COMBINING ACUTE ACCENT}", "COMBINING ACUTE ACCENT", 1),
    ("\N{HANGUL CHOSEONG KIYEOK}\N{HANGUL JUNGSEONG A}", "NFKC", 0),
    ("Piecewise(x)", "takes pairs", 0),
    ("Piecewise()", "takes pairs", 0),
    ("Piecewise((x, y))", "(value, condition)", 10),
    ("Piecewise((x<1, y<1))", "(value, condition)", 10),
    ("Piecewise((x, x<1, y))", "(value, condition)", 10),
    ("Piecewise((x, x<1) + 1)", "a pair stands alone", 19),
    ("sin(x, y)", "sin takes 1 argument, 2 given", 0),
    ("x + sin()", "sin takes 1 argument, 0 given", 4),
    ("2*I", "I is not read: everything is real", 2),
]


@pytest.mark.parametrize(("text", "words", "column"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_formula_is_refused_with_a_caret(text: str, words: str, column: int) -> None:
    with pytest.raises(FormulaError) as caught:
        formula(text)
    message = str(caught.value)
    assert words in message
    assert message.splitlines()[-1].index("^") - 2 == column


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("z", UnknownSymbolError, "'z' is not declared; add it to the inputs or parameters"),
        ("X", UnknownSymbolError, "Known names close to it: x"),
        ("__import__", UnknownSymbolError, "'__import__' is not declared"),
        ("Sin(x)", UnknownFunctionError, "Known names close to it: sin"),
        ("eval('1')", UnknownFunctionError, "'eval' has no row"),
        ("x + \n  zz", UnknownSymbolError, "in line 2:\n    zz\n    ^"),
    ],
)
def test_an_unknown_name_is_named_with_those_close_to_it(
    text: str, error: type[FormulaError], words: str
) -> None:
    with pytest.raises(error) as caught:
        formula(text)
    assert words in str(caught.value)


def test_what_the_functions_refuse_gets_a_place_and_keeps_its_kind() -> None:
    def functions(name: str, arguments: tuple[Expr, ...]) -> Expr:
        raise UnknownFunctionError(f"no {name}")

    with pytest.raises(UnknownFunctionError, match=r"no g:\n  x \+ g\(x\)\n      \^"):
        formula("x + g(x)", functions=functions, known=())


def test_free_names_become_variables_and_functions_do_not() -> None:
    made = formula("a + a*b", symbols={}, free=True)
    assert made == symbol("a") + symbol("a") * symbol("b")
    with pytest.raises(FormulaError, match="sin is a function"):
        formula("a + sin", symbols={}, free=True)


def test_a_declared_name_is_no_word_of_logic() -> None:
    made = formula("not*2 + True", symbols={"not": symbol("not"), "True": symbol("True")})
    assert made == symbol("not") * 2 + symbol("True")
    with pytest.raises(FormulaError, match="side by side"):
        formula("x and y", symbols={**SYMBOLS, "and": symbol("and")})


@pytest.mark.parametrize(
    ("text", "limits", "words"),
    [
        ("x + 1", Limits(length=4), "5 characters is longer than the limit of 4"),
        ("x + 1 + 2", Limits(nodes=4), "more than 4 parts"),
        ("1" * 401, Limits(), "401 digits is beyond the limit of 400"),
        ("1e400", Limits(), "1e400 overflows double precision"),
        ("-1e400", Limits(), "overflows double precision"),
    ],
)
def test_limits(text: str, limits: Limits, words: str) -> None:
    with pytest.raises(LimitError, match=words):
        formula(text, limits=limits)


@pytest.mark.parametrize(
    ("text", "op", "count"),
    [
        ("+".join(f"{i}*x" for i in range(50_000)), "add", 50_000),
        ("sin(" * 50_000 + "x" + ")" * 50_000, "sin", 1),
        ("-" * 100_000 + "x", "multiply", 2),
        ("(" * 100_000 + "x" + ")" * 100_000, "symbol", 0),
        ("**".join("x" * 50_000), "power", 2),
        ("x/" * 30_000 + "x", "multiply", 30_001),
    ],
    ids=["sum", "calls", "signs", "brackets", "powers", "quotients"],
)
def test_size_and_depth_do_not_matter(text: str, op: str, count: int) -> None:
    made = formula(text)
    assert made.op == op
    assert len(made.args) == count


def outcome(text: str) -> Expr | str:
    """The Expr of a text, or the message with which it was refused."""
    try:
        return formula(text)
    except SymgradError as error:
        return str(error)


TOKENS = [*"xy()+-*/%<>&|~,. ", "**", "==", "sin", "Piecewise", "not", "and", "1", "2.5", "True"]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_row_of_tokens_is_read_or_refused(text: str) -> None:
    made = outcome(text)
    assert isinstance(made, Expr) or "^" in made


@given(st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    made = outcome(text)
    assert isinstance(made, Expr) or "^" in made
