"""define and table: a row checks itself, and a table checks its rows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from symgrad.errors import DerivativeError, InvariantError
from symgrad.ir.expression import Expr, symbol
from symgrad.ir.primitive import Names, argument_name, define, no_closed_form, refuse, table


def test_row() -> None:
    row = define("tan", lambda y, x: 1 + y * y, domain=(-1.2, 1.2), parity="odd", folds={0: 0})
    assert row.arity == 1
    assert str(row.partials[0]) == "1 + y*y"
    assert row.domain == ((-1.2, 1.2),)
    assert row.names == Names("tan", "tan", "tan", "tan")
    assert list(row.folds) == [Fraction(0)]
    assert row.folds[Fraction(0)] == 0


def test_domain_of_each_argument() -> None:
    def zero(y: Expr, a: Expr, b: Expr) -> int:
        return 0

    assert define("f", zero, zero, domain=(1, 2)).domain == ((1, 2), (1, 2))
    assert define("f", zero, zero, domain=((1, 2), (3, 4))).domain == ((1, 2), (3, 4))


def test_expansion_is_a_template_in_the_arguments() -> None:
    row = define(
        "twice", lambda y, x: 2, domain=(0, 1), kind="composite", expansion=lambda x: x + x
    )
    assert row.expansion == symbol(argument_name(0)) + symbol(argument_name(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: define("a b", lambda y, x: 1, domain=(0, 1)), "identifier"),
        (lambda: define("f", domain=(0, 1)), "one partial per argument"),
        (lambda: define("f", lambda x: 1, domain=(0, 1)), "partial 0 must take"),
        (lambda: define("f", lambda y, a, b: 1, lambda y, a: 1, domain=(0, 1)), "partial 1"),
        (lambda: define("f", lambda y, x: symbol("z"), domain=(0, 1)), "foreign symbol 'z'"),
        (lambda: define("f", lambda y, x: 1, domain=((0, 1), (0, 1))), "2 domains for 1"),
        (lambda: define("f", lambda y, x: 1, domain=(0, 1), kind="composite"), "expansion"),
        (lambda: define("f", lambda y, x: 1, domain=(0, 1), expansion=lambda x: x), "expansion"),
    ],
)
def test_define_refuses(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        make()


def test_table_refuses_two_rows_of_one_name() -> None:
    row = define("f", lambda y, x: 1, domain=(0, 1))
    with pytest.raises(InvariantError, match="'f'"):
        table(row, row)


@pytest.mark.parametrize("name", ["add", "multiply", "power", "constant", "symbol", "named"])
def test_table_refuses_the_names_of_arithmetic(name: str) -> None:
    with pytest.raises(InvariantError, match=name):
        table(define(name, lambda y, x: 1, domain=(0, 1)))


def test_table_refuses_a_partial_without_a_row() -> None:
    row = define("f", lambda y, x: Expr("g", (x,)), domain=(0, 1))
    with pytest.raises(InvariantError, match="'f' uses 'g'"):
        table(row)


def test_table_refuses_an_expansion_without_a_row() -> None:
    row = define(
        "f",
        lambda y, x: 1,
        domain=(0, 1),
        kind="composite",
        expansion=lambda x: Expr("g", (x,)),
    )
    with pytest.raises(InvariantError, match="'f' uses 'g'"):
        table(row)


def test_table_is_by_name() -> None:
    row = define("f", lambda y, x: 1, domain=(0, 1))
    assert table(row) == {"f": row}


def test_a_routine_is_traced_when_it_is_needed() -> None:
    seen: list[str] = []

    def definition(m: Any, x: Expr) -> Expr:
        seen.append("traced")
        return m.exp(x) + 1

    row = define("f", lambda y, x: y - 1, domain=(0, 1), kind="routine", definition=definition,
                 oracle=lambda mp, x: mp.exp(x) + 1, ulp=2.0, whole=(0,))  # fmt: skip
    assert seen == []
    assert str(row.traced) == str(row.traced) == "exp(a0) + 1"
    assert seen == ["traced"]
    assert (row.ulp, row.whole, row.unknown) == (2.0, (0,), ())
    with pytest.raises(InvariantError, match="'g' of kind 'call' has no definition"):
        define("g", lambda y, x: y, domain=(0, 1)).traced  # noqa: B018


@pytest.mark.parametrize("parts", [{}, {"definition": abs}, {"oracle": abs}])
def test_a_routine_has_a_definition_and_an_oracle(parts: Any) -> None:
    with pytest.raises(InvariantError, match="a routine, and only that, has"):
        define("f", lambda y, x: y, domain=(0, 1), kind="routine", **parts)
    if parts:
        with pytest.raises(InvariantError, match="a routine, and only that, has"):
            define("f", lambda y, x: y, domain=(0, 1), **parts)


def test_a_partial_without_closed_form_is_a_function_that_nothing_computes() -> None:
    row = define("f", no_closed_form("the order"), lambda y, n, x: y, domain=(0, 1))
    (unknown,) = row.unknown
    assert (unknown.kind, unknown.arity) == ("unknown", 2)
    assert row.partials[0] == Expr(unknown.name, (symbol("a0"), symbol("a1")))
    assert not unknown.name.isidentifier()
    assert table(row) == {"f": row, unknown.name: unknown}
    message = r"derivative of f by its argument 1 \(the order\) has no closed form"
    with pytest.raises(DerivativeError, match=message):
        raise refuse(unknown)


@pytest.mark.parametrize("name", ["sum", "product"])
def test_table_refuses_the_ops_of_the_graph(name: str) -> None:
    with pytest.raises(InvariantError, match=name):
        table(define(name, lambda y, x: 1, domain=(0, 1)))


@pytest.mark.parametrize(
    "name", ["load", "store", "loop", "part", "sub", "mul", "div", "neg", "sqrt"]
)
def test_table_refuses_the_ops_of_the_program(name: str) -> None:
    with pytest.raises(InvariantError, match=name):
        table(define(name, lambda y, x: 1, domain=(0, 1)))


def test_a_table_may_stand_on_another() -> None:
    base = table(define("first", lambda y, x: 1, domain=(0, 1)))
    row = define("second", lambda y, x: Expr("first", (x,)), domain=(0, 1))
    assert table(row, base=base) == {**base, "second": row}
    assert list(base) == ["first"]
    with pytest.raises(InvariantError, match="'first' of a row is taken"):
        table(define("first", lambda y, x: 1, domain=(0, 1)), base=base)


def test_templates_call_rows_with_their_number_of_arguments() -> None:
    with pytest.raises(InvariantError, match=r"row 'g' gives 'f' 2 argument\(s\)"):
        table(
            define("f", lambda y, x: 1, domain=(0, 1)),
            define("g", lambda y, x: Expr("f", (x, x)), domain=(0, 1)),
        )


def test_expansions_do_not_lead_back_to_their_row() -> None:
    def row(name: str, other: str) -> Any:
        body = {"kind": "composite", "expansion": lambda x: Expr(other, (x,)) + 1}
        return define(name, lambda y, x: 1, domain=(0, 1), **body)

    with pytest.raises(InvariantError, match="uses the row itself"):
        table(row("f", "g"), row("g", "f"))
    rows = (row("f", "g"), row("h", "g"), define("g", lambda y, x: 1, domain=(0, 1)))
    assert len(table(*rows)) == 3
