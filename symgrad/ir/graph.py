"""Graph: an append-only, hash-consed list of nodes; index order is an evaluation order.

Identical nodes cannot exist twice, so common subexpressions are shared by construction. Node
kinds, by their ``op``:

===========  =============================  ===========================================
op           args                           data
===========  =============================  ===========================================
constant     ()                             int, Fraction or float
named        ()                             name of an exact constant: "pi", "e", ...
boolean      ()                             True or False
symbol       ()                             the variable's name
sum          nodes, increasing              (c0, coefficients): c0 + sum(c_i * node_i)
product      nodes, increasing              exponents: prod(node_i ** e_i)
row's name   the arguments in their order   None
===========  =============================  ===========================================

An exact 0 is structural: that derivative cannot exist. The float 0.0 is data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.ir.arithmetic import (
    Exponent,
    Number,
    make_product,
    make_sum,
    scale,
    simplest,
    total,
)
from symgrad.ir.expression import BOOLEAN, Expr, postorder
from symgrad.ir.multiply import multiply, raise_to, stand_apart
from symgrad.ir.primitive import Primitive, argument_name
from symgrad.ir.template import Template, compiled, instantiate

CONNECTIVES = frozenset({"and", "or", "not"})
CHOOSING = CONNECTIVES | {"select"}
LEAVES = frozenset({"constant", "named", "boolean", "symbol"})

EXPONENT_DENOMINATOR = 4
"""A float exponent with this denominator or less (x**0.5, x**1.25) is an exact fraction."""


class Graph:
    """Nodes as parallel lists ``ops``, ``args``, ``data``; a node is its index.

    Args:
        table: the function rows that nodes may name.
        exact: like factors of opposite sign and equal terms of opposite sign do not cancel, so
            that infinities and nan stay what they are; exact zero still annihilates.
        flat: products join every product among their factors, not only those that share a base
            with a sibling; it suits forward sweeps whose columns then coincide.
    """

    __slots__ = ("_known", "_templates", "args", "data", "exact", "flat", "ops", "table")

    def __init__(
        self, table: Mapping[str, Primitive], *, exact: bool = False, flat: bool = False
    ) -> None:
        self.table = table
        self.exact = exact
        self.flat = flat
        self.ops: list[str] = []
        self.args: list[tuple[int, ...]] = []
        self.data: list[Any] = []
        self._known: dict[Any, int] = {}
        self._templates: dict[tuple[str, int], Template] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def intern(self, op: str, args: tuple[int, ...], data: Any) -> int:
        """The index of the node, appended if it is new; no simplification."""
        if data is None or op == "product":
            return self.place((op, args, data))
        ops = self.ops
        new = len(ops)
        node = self._known.setdefault((op, args, node_key(op, data)), new)
        if node == new:
            ops.append(op)
            self.args.append(args)
            self.data.append(data)
        return node

    def place(self, key: tuple[str, tuple[int, ...], Any]) -> int:
        """``intern(*key)`` for data that are their own ``node_key``."""
        ops = self.ops
        new = len(ops)
        node = self._known.setdefault(key, new)
        if node == new:
            op, args, data = key
            ops.append(op)
            self.args.append(args)
            self.data.append(data)
        return node

    def constant(self, value: Number) -> int:
        """The node of a number: exact for int and Fraction, data for float."""
        if type(value) is int:
            return self.place(("constant", (), value))
        return self.intern("constant", (), simplest(value))

    def symbol(self, name: str) -> int:
        """The node of the variable ``name``."""
        return self.intern("symbol", (), name)

    def is_zero(self, node: int) -> bool:
        """Whether the node is the exact, structural zero."""
        return (
            self.ops[node] == "constant" and self.data[node] == 0 and type(self.data[node]) is int
        )

    def is_condition(self, node: int) -> bool:
        """Whether the node is a truth value and no number."""
        row = self.table.get(self.ops[node])
        return self.ops[node] == "boolean" or (row is not None and row.boolean)

    def is_one(self, node: int) -> bool:
        """Whether the node is the exact one."""
        return (
            self.ops[node] == "constant" and self.data[node] == 1 and type(self.data[node]) is int
        )

    def sum(self, terms: Iterable[tuple[int, Number]], start: Number = 0) -> int:
        """The canonical node of ``start`` plus every coefficient times its node."""
        alone = (type(terms) is list or type(terms) is tuple) and len(terms) == 1
        if alone and type(start) is int and start == 0:
            ((node, coefficient),) = terms
            return scale(self, node, coefficient)
        return make_sum(self, start, terms)

    def product(self, factors: Iterable[tuple[int, Exponent]], coefficient: Number = 1) -> int:
        """The canonical node of ``coefficient * prod(node ** exponent)``."""
        if (type(factors) is list or type(factors) is tuple) and len(factors) == 1:
            ((node, exponent),) = factors
            if not exponent:
                return self.constant(coefficient)
            return raise_to(self, node, exponent, coefficient)
        return make_product(self, factors, coefficient)

    def multiply(self, a: int, b: int) -> int:
        """The canonical node of ``a * b``."""
        return multiply(self, a, b)

    def power(self, base: int, exponent: int) -> int:
        """The node of ``base ** exponent``: a product for rational exponents, else the row pow."""
        if self.ops[exponent] == "constant":
            value = self.data[exponent]
            if type(value) is float and abs(value) < 1e6:
                exact = Fraction(value)
                if exact.denominator <= EXPONENT_DENOMINATOR:
                    value = simplest(exact)
            if type(value) is not float:
                return raise_to(self, base, value) if value else self.constant(1)
        if self.ops[base] == "named" and self.data[base] == "e":
            return self.call("exp", (exponent,))
        return self.call("pow", (base, exponent))

    def call(self, name: str, args: tuple[int, ...]) -> int:
        """The node of the row ``name`` at ``args``, with its parity and exact values applied.

        Raises:
            UnknownFunctionError: the table has no such row.
        """
        row = self.table.get(name)
        if row is None:
            raise UnknownFunctionError(
                f"function {name!r} has no row in the function table; one that sg.function made "
                "is passed in functions="
            )
        if row.folds and self.ops[args[0]] == "constant":
            value = self.data[args[0]]
            if type(value) is not float and value in row.folds:
                bindings = {argument_name(index): node for index, node in enumerate(args)}
                return self.add(row.folds[Fraction(value)], bindings)
        if row.arity == 1:
            if row.parity is not None and self._negated(args[0]):
                flipped = self.call(name, (self.sum(((args[0], -1),)),))
                return flipped if row.parity == "even" else self.sum(((flipped, -1),))
        elif name == "select":
            return self._select(*args)
        if row.kind == "macro":  # no deeper than macros stand in each other, which the table checks
            assert row.expansion is not None
            return self.add(row.expansion, {argument_name(i): a for i, a in enumerate(args)})
        if row.boolean:
            folded = self._condition(name, args)
            if folded is not None:
                return folded
        return self.intern(name, args, None)

    def _negated(self, node: int) -> bool:
        """Whether the node is written as minus something: a negative factor or constant."""
        if self.ops[node] == "sum" and len(self.args[node]) == 1:
            start, coefficients = self.data[node]
            return type(start) is int and start == 0 and coefficients[0] < 0
        return self.ops[node] == "constant" and self.data[node] < 0

    def _select(self, condition: int, chosen: int, other: int) -> int:
        if chosen == other:
            return chosen
        if self.ops[condition] == "boolean":
            return chosen if self.data[condition] else other
        if self.ops[condition] == "not":
            return self._select(self.args[condition][0], other, chosen)
        if self.is_condition(chosen) and self.is_condition(other):
            kept = self.call("and", (condition, chosen))
            dropped = self.call("and", (self.call("not", (condition,)), other))
            return self.call("or", (kept, dropped))
        # A choice made under the same condition is already decided inside each branch.
        if self.ops[chosen] == "select" and self.args[chosen][0] == condition:
            return self._select(condition, self.args[chosen][1], other)
        if self.ops[other] == "select" and self.args[other][0] == condition:
            return self._select(condition, chosen, self.args[other][2])
        return self.intern("select", (condition, chosen, other), None)

    def _condition(self, name: str, args: tuple[int, ...]) -> int | None:
        """The folded condition, where constants decide it."""
        ops, data = self.ops, self.data
        if name == "not":
            if ops[args[0]] == "boolean":
                return self.intern("boolean", (), not data[args[0]])
            return self.args[args[0]][0] if ops[args[0]] == "not" else None
        left, right = args
        if name in ("and", "or"):
            return self._connective(name, left, right)
        if ops[left] == ops[right] == "constant":
            a, b = data[left], data[right]
            truth = {"lt": a < b, "le": a <= b, "eq": a == b, "ne": a != b}[name]
            return self.intern("boolean", (), truth)
        return None

    def _connective(self, name: str, left: int, right: int) -> int | None:
        """The folded ``left and right`` or ``left or right``, where their forms decide it."""
        ops, args = self.ops, self.args
        if left == right:
            return left
        for one, another in ((left, right), (right, left)):
            if ops[one] == "boolean":
                return another if self.data[one] == (name == "and") else one
            if ops[one] == "not" and args[one][0] == another:
                return self.intern("boolean", (), name == "or")
        if ops[left] == ops[right] == "not":
            dual = "or" if name == "and" else "and"
            return self.call("not", (self.call(dual, (args[left][0], args[right][0])),))
        if name == "and" and ops[left] == ops[right] == "lt" and args[left] == args[right][::-1]:
            return self.intern("boolean", (), False)  # a < b and b < a
        return None

    def add(self, expr: Expr, bindings: Mapping[str, int] | None = None) -> int:
        """Intern an Expr; symbols in ``bindings`` stand for the nodes given there.

        Raises:
            UnknownFunctionError: a function has no row.
        """
        return self.add_all((expr,), bindings)[0]

    def add_all(
        self, exprs: Sequence[Expr], bindings: Mapping[str, int] | None = None
    ) -> list[int]:
        """Intern several Exprs, shared objects once; symbols in ``bindings`` stand for nodes."""
        bound, ops = bindings or {}, self.ops
        made: dict[int, int] = {}
        conditions: set[int] = set()
        for node in postorder(tuple(exprs)):
            op = node.op
            args = tuple([made[id(argument)] for argument in node.args])
            if op in CHOOSING or not conditions.isdisjoint(args):
                self._check_kinds(op, args)
            if op == "add":
                index = total(self, [(argument, 1) for argument in args])
            elif op == "multiply" and len(args) == 2:
                index = multiply(self, *args)
            elif op == "multiply":
                index = make_product(self, [(argument, 1) for argument in args])
            elif op == "power":
                index = self.power(args[0], args[1])
            elif op == "constant":
                index = self.constant(node.value)  # type: ignore[arg-type]
            elif op == "symbol":
                name = str(node.value)
                index = bound[name] if name in bound else self.symbol(name)
            elif op in ("named", "boolean"):
                index = self.intern(op, (), node.value)
            else:
                index = self.call(op, args)
            made[id(node)] = index
            if ops[index] in BOOLEAN:
                conditions.add(index)
        return [made[id(expr)] for expr in exprs]

    def _check_kinds(self, op: str, args: tuple[int, ...]) -> None:
        """Refuse conditions among numbers and numbers among conditions."""
        for position, argument in enumerate(args):
            condition = self.ops[argument] in BOOLEAN
            wanted = op in CONNECTIVES or (op == "select" and position == 0)
            if condition != wanted and not (op == "select" and position > 0):
                what = "a condition" if condition else "a number"
                raise ArgumentError(
                    f"argument {position + 1} of {op} is {what}; write where(condition, 1, 0) for "
                    "a number, and x != 0 for a condition"
                )
        if op == "select" and (self.ops[args[1]] in BOOLEAN) != (self.ops[args[2]] in BOOLEAN):
            raise ArgumentError("where chooses between a condition and a number; give two numbers")

    def partial(self, node: int, index: int) -> int:
        """The node of the partial derivative of a function node by its argument ``index``.

        Raises:
            UnknownFunctionError: the node names no row.
        """
        name = self.ops[node]
        template = self._templates.get((name, index))
        if template is None:
            row = self.table[name]
            template = compiled(row.partials[index], row.arity)
            self._templates[name, index] = template
        return instantiate(self, template, node)

    def rebuild(self, node: int, args: tuple[int, ...], into: Graph) -> int:
        """The node of this graph made anew in ``into``, over the arguments ``args`` there."""
        op, data = self.ops[node], self.data[node]
        if op in LEAVES:
            return into.intern(op, (), data)
        if op == "sum":
            start, coefficients = data
            if type(start) is not int or start != 0:
                return make_sum(into, start, zip(args, coefficients, strict=True))
            if len(args) == 1:
                return scale(into, args[0], coefficients[0])
            return total(into, list(zip(args, coefficients, strict=True)))
        if op == "product":
            if len(args) == 1:
                return raise_to(into, args[0], data[0])
            if stand_apart(into, args):
                return into.place((op, args, data))
            return into.product(zip(args, data, strict=True))
        return into.call(op, args)


_packed = struct.Struct("<d").pack


def node_key(op: str, data: Any) -> Any:
    """A key in which equal numbers of different type or sign of zero stay apart."""
    if op == "sum":
        start, coefficients = data
        if type(start) is float or float in map(type, coefficients):
            keys = [_packed(c) if type(c) is float else c for c in coefficients]
            return (_packed(start) if type(start) is float else start, *keys)
        return data
    return _packed(data) if type(data) is float else data
