"""Expr: an immutable handle on an expression, with Python's operators, interned when compiled.

An Expr is data without meaning: ``(operation, arguments, value)``. Nothing is simplified here; a
Graph gives it its canonical form (``graph.py``). Rows of the function table and users' traced
Python functions are both written with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any, Union, cast

from symgrad.errors import ArgumentError, UnknownFunctionError

if TYPE_CHECKING:
    from symgrad.ir.definition import Loop

Number = int | Fraction | float
Value = Union[Number, str, bool, None, tuple[float, ...], "Loop"]

NAMED_CONSTANTS = ("pi", "e", "euler_gamma", "golden_ratio", "catalan")
ARITHMETIC = frozenset({"constant", "named", "symbol", "add", "multiply", "power"})
NO_TRUTH = (
    "an expression has no truth value while it is traced; write where(condition, a, b) in place "
    "of `if`, and & | ~ in place of `and`, `or`, `not`; compare arrays entry by entry, or with "
    "math.lt(a, b)"
)
BOOLEAN = frozenset({"lt", "le", "eq", "ne", "and", "or", "not", "boolean"})


class Expr:
    """An expression: an operation, its argument Exprs, and a value where it is a leaf.

    Operations are ``constant`` (value: int, Fraction or float), ``named`` (value: a name of
    ``NAMED_CONSTANTS``), ``boolean`` (value: True or False), ``symbol`` (value: its name), ``add``,
    ``multiply``, ``power`` (base, exponent), and the name of any row of the function table; in the
    definitions of routines also ``loop``, ``part`` and ``lookup`` (``definition.py``), which have a
    value too.

    ``==`` is structural. Comparisons ``<`` and the like build conditions for ``where``. NumPy's
    functions take Exprs and object arrays of them: ``np.sin(x)``, ``array @ array``, ``array * x``.

    Example:
        >>> x, y = variables("x y")
        >>> (x + 2 * y) == (x + 2 * y)
        True
    """

    __slots__ = ("_hash", "args", "op", "value")

    def __init__(self, op: str, args: tuple[Expr, ...] = (), value: Value = None) -> None:
        put = object.__setattr__
        put(self, "op", op)
        put(self, "args", args)
        put(self, "value", value)
        if value is None:
            put(self, "_hash", hash((op, *[a._hash for a in args])))
            return
        # Bits of a float, as nan is not equal to itself and 0.0 is equal to -0.0.
        bits = value.hex() if isinstance(value, float) else value
        put(self, "_hash", hash((op, type(value).__name__, bits, *[a._hash for a in args])))

    op: str
    args: tuple[Expr, ...]
    value: Value
    _hash: int

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Expr is immutable; cannot set {name!r}")

    def __reduce__(self) -> tuple[Callable[..., Expr], tuple[Any, ...]]:
        return _rebuild, (_flatten(self),)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expr):
            if not isinstance(other, Real):
                return NotImplemented
            other = constant(other)
        return _same(self, other)

    def __ne__(self, other: object) -> bool:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    def __bool__(self) -> bool:
        raise ArgumentError(NO_TRUTH)

    def __float__(self) -> float:
        raise ArgumentError(
            "an expression has no value while it is traced; Python's math.sin(x) and float(x) "
            "need one: write numpy.sin(x) or symgrad.math.sin(x)"
        )

    def __iter__(self) -> Iterator[Expr]:
        raise ArgumentError("an expression is a scalar and cannot be iterated or unpacked")

    def __repr__(self) -> str:
        return infix(self)

    def __add__(self, other: object) -> Expr:
        return _binary("add", self, other)

    def __radd__(self, other: object) -> Expr:
        return _binary("add", other, self)

    def __mul__(self, other: object) -> Expr:
        return _binary("multiply", self, other)

    def __rmul__(self, other: object) -> Expr:
        return _binary("multiply", other, self)

    def __neg__(self) -> Expr:
        return Expr("multiply", (MINUS_ONE, self))

    def __pos__(self) -> Expr:
        return self

    def __sub__(self, other: object) -> Expr:
        if not _operand(other):
            return NotImplemented
        return Expr("add", (self, -wrap(other)))

    def __rsub__(self, other: object) -> Expr:
        if not _operand(other):
            return NotImplemented
        return Expr("add", (wrap(other), -self))

    def __truediv__(self, other: object) -> Expr:
        if not _operand(other):
            return NotImplemented
        return Expr("multiply", (self, Expr("power", (wrap(other), MINUS_ONE))))

    def __rtruediv__(self, other: object) -> Expr:
        if not _operand(other):
            return NotImplemented
        return Expr("multiply", (wrap(other), Expr("power", (self, MINUS_ONE))))

    def __pow__(self, other: object) -> Expr:
        return _binary("power", self, other)

    def __rpow__(self, other: object) -> Expr:
        return _binary("power", other, self)

    def __mod__(self, other: object) -> Expr:
        return _binary("mod", self, other)

    def __rmod__(self, other: object) -> Expr:
        return _binary("mod", other, self)

    def __floordiv__(self, other: object) -> Expr:
        return Expr("floor", (self / other,)) if _operand(other) else NotImplemented

    def __rfloordiv__(self, other: object) -> Expr:
        return Expr("floor", (wrap(other) / self,)) if _operand(other) else NotImplemented

    def __abs__(self) -> Expr:
        return Expr("abs", (self,))

    def __floor__(self) -> Expr:
        return Expr("floor", (self,))

    def __ceil__(self) -> Expr:
        return Expr("ceil", (self,))

    def __trunc__(self) -> Expr:
        return Expr("trunc", (self,))

    def __lt__(self, other: object) -> Expr:
        return _binary("lt", self, other)

    def __le__(self, other: object) -> Expr:
        return _binary("le", self, other)

    def __gt__(self, other: object) -> Expr:
        return _binary("lt", other, self)

    def __ge__(self, other: object) -> Expr:
        return _binary("le", other, self)

    def __and__(self, other: object) -> Expr:
        return _binary("and", self, other)

    def __rand__(self, other: object) -> Expr:
        return _binary("and", other, self)

    def __or__(self, other: object) -> Expr:
        return _binary("or", self, other)

    def __ror__(self, other: object) -> Expr:
        return _binary("or", other, self)

    def __invert__(self) -> Expr:
        return Expr("not", (self,))

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        # NumPy's functions of object arrays call the method of that name on every element.
        if name in NUMPY:
            return partial(numpy_call, name, self)
        raise AttributeError(f"an expression has no attribute {name!r}")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's functions of Exprs, with numbers and arrays beside them."""
        if method == "__call__" and not options and all(_operand(value) for value in inputs):
            return numpy_call(ufunc.__name__, *inputs)
        from symgrad.ir.traced_array import array_ufunc  # noqa: PLC0415 - it imports NumPy

        return array_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's functions of arrays; of them ``where`` chooses between values."""
        from symgrad.ir.traced_array import array_function  # noqa: PLC0415 - it imports NumPy

        return array_function(function, args, kwargs)


def numpy_call(name: str, *arguments: object) -> Any:
    """NumPy's function of that name, of Exprs and numbers."""
    function = NUMPY.get(name)
    if function is None:
        raise UnknownFunctionError(
            f"NumPy's {name} has no meaning for a traced expression; see `symgrad functions`"
        )
    exprs = tuple([wrap(argument) for argument in arguments])
    return Expr(function, exprs) if isinstance(function, str) else function(*exprs)


def _operand(value: object) -> bool:
    return isinstance(value, Expr | Real)


def _binary(op: str, left: object, right: object) -> Expr:
    if not (_operand(left) and _operand(right)):
        return cast(Expr, NotImplemented)  # Python then asks the other operand, or raises
    return Expr(op, (wrap(left), wrap(right)))


def constant(value: object) -> Expr:
    """The Expr of a Python or NumPy real number: integers and fractions exact, floats kept."""
    if isinstance(value, bool):
        return Expr("boolean", (), value)
    if isinstance(value, Integral):
        return Expr("constant", (), int(value))
    if isinstance(value, Rational):
        exact = Fraction(int(value.numerator), int(value.denominator))
        return Expr("constant", (), exact.numerator if exact.denominator == 1 else exact)
    if isinstance(value, Real):
        return Expr("constant", (), float(value))
    raise ArgumentError(f"{value!r} is not a real number or an expression")


def wrap(value: object) -> Expr:
    """``value`` itself where it is an Expr, else the constant it stands for."""
    return value if isinstance(value, Expr) else constant(value)


def symbol(name: str) -> Expr:
    """The Expr of the variable called ``name``."""
    return Expr("symbol", (), name)


def named(name: str) -> Expr:
    """The Expr of an exact constant such as pi, by its name in ``NAMED_CONSTANTS``."""
    return Expr("named", (), name)


def _not_below(x: Expr, low: Expr) -> Expr:
    # The edge belongs to the inside, where the derivative is 1 (``clamp``).
    return Expr("select", (x < low, low, x))


def _not_above(x: Expr, high: Expr) -> Expr:
    return Expr("select", (high < x, high, x))


MINUS_ONE = constant(-1)
HALF = constant(Fraction(1, 2))

# fmt: off
NUMPY: dict[str, str | Callable[..., Any]] = {
    **{name: name for name in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "exp2", "expm1", "log", "log2",
        "log10", "log1p", "cbrt", "floor", "ceil", "trunc", "rint", "sign", "hypot", "fmod",
        "copysign", "logaddexp",
    )},
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "clip": lambda x, low, high: _not_above(_not_below(x, low), high),
    "absolute": "abs", "fabs": "abs", "maximum": "max", "minimum": "min", "remainder": "mod",
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "floor_divide": operator.floordiv,
    "power": operator.pow, "float_power": operator.pow,
    "negative": operator.neg, "positive": operator.pos,
    "sqrt": lambda x: x**HALF, "square": lambda x: x**2, "reciprocal": lambda x: 1 / x,
    "conjugate": operator.pos,
    "deg2rad": lambda x: x * (named("pi") / 180), "radians": lambda x: x * (named("pi") / 180),
    "rad2deg": lambda x: x * (180 / named("pi")), "degrees": lambda x: x * (180 / named("pi")),
    "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge,
    "equal": "eq", "not_equal": "ne",  # == and != of Exprs are structural
    "logical_xor": lambda a, b: (a | b) & ~(a & b),
    "logical_and": operator.and_, "logical_or": operator.or_, "logical_not": operator.invert,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "invert": operator.invert,
}
# fmt: on
"""NumPy's functions by name: the row that each is, or how it is written."""


def variables(names: str, count: int | None = None) -> Any:
    """Make traced variables: one per word of ``names``, or ``count`` numbered ones.

    Returns:
        An Expr for one word, a tuple of Exprs for several words, and with ``count`` a tuple
        of ``count`` Exprs called ``name0, name1, ...``.

    Raises:
        ArgumentError: no name is given, or ``count`` is no count or comes with several names.

    Example:
        >>> variables("x", 2)
        (x0, x1)
        >>> a, b = variables("a b")
    """
    words = names.replace(",", " ").split() if isinstance(names, str) else []
    if not words:
        raise ArgumentError(f'variables({names!r}) names nothing; write variables("x y")')
    if count is not None:
        if len(words) != 1 or not isinstance(count, int) or count < 0:
            raise ArgumentError(f"variables({names!r}, {count}): give one name and a count >= 0")
        return tuple(symbol(f"{words[0]}{i}") for i in range(count))
    made = tuple(symbol(word) for word in words)
    return made[0] if len(made) == 1 else made


def postorder(roots: tuple[Expr, ...]) -> list[Expr]:
    """Every distinct object below ``roots`` once, arguments before what uses them."""
    order: list[Expr] = []
    seen: set[int] = set()
    stack: list[Expr | None] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # the arguments of what lies below are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif id(node) not in seen:
            seen.add(id(node))
            if node.args:
                stack += (node, None)
                stack += node.args[::-1]
            else:
                order.append(node)
    return order


def _leaf_key(node: Expr) -> tuple[str, str, Value]:
    value = node.value
    return (node.op, type(value).__name__, value.hex() if isinstance(value, float) else value)


def _same(left: Expr, right: Expr) -> bool:
    if left is right:
        return True
    pairs = [(left, right)]
    done: set[tuple[int, int]] = set()
    while pairs:
        a, b = pairs.pop()
        if a is b or (id(a), id(b)) in done:
            continue
        if a._hash != b._hash or _leaf_key(a) != _leaf_key(b) or len(a.args) != len(b.args):
            return False
        done.add((id(a), id(b)))
        pairs.extend(zip(a.args, b.args, strict=True))
    return True


def _flatten(root: Expr) -> list[tuple[str, tuple[int, ...], Value]]:
    order = postorder((root,))
    position = {id(node): index for index, node in enumerate(order)}
    return [(n.op, tuple(position[id(a)] for a in n.args), n.value) for n in order]


def _rebuild(rows: list[tuple[str, tuple[int, ...], Value]]) -> Expr:
    made: list[Expr] = []
    for op, args, value in rows:
        made.append(Expr(op, tuple(made[i] for i in args), value))
    return made[-1]


def _shown(value: Value) -> str:
    """A leaf's value as text; Python refuses to print very long integers in decimal."""
    if isinstance(value, Fraction):
        return f"{_shown(value.numerator)}/{_shown(value.denominator)}"
    long = type(value) is int and value.bit_length() > 10_000
    return hex(value) if long else str(value)  # type: ignore[arg-type]


INFIX = {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "and": "&", "or": "|"}
"""Conditions that formulas write between their arguments."""

LONGEST_SHOWN = 2000


def infix(root: Expr) -> str:
    """``root`` as formula text; parts beyond LONGEST_SHOWN characters become ``...``."""
    texts: dict[int, str] = {}
    for node in postorder((root,)):
        parts = [texts[id(a)] for a in node.args]
        if node.op in ("constant", "named", "symbol", "boolean"):
            text = _shown(node.value)
            if not isinstance(node.value, str) and (text.startswith("-") or "/" in text):
                text = f"({text})"
        elif node.op == "add":
            text = "(" + " + ".join(parts) + ")"
        elif node.op == "multiply":
            text = "*".join(parts)
        elif node.op == "power":
            base = f"({parts[0]})" if node.args[0].op in ("multiply", "power") else parts[0]
            exponent = f"({parts[1]})" if node.args[1].op in ("multiply", "power") else parts[1]
            text = f"{base}**{exponent}"
        elif node.op in INFIX:
            text = f"({parts[0]} {INFIX[node.op]} {parts[1]})"
        elif node.op == "not":
            text = f"~{parts[0]}"
        else:
            bare = [
                part[1:-1] if a.op == "add" else part
                for a, part in zip(node.args, parts, strict=True)
            ]
            text = f"{node.op}({', '.join(bare)})"
        texts[id(node)] = text if len(text) <= LONGEST_SHOWN else "..."
    text = texts[id(root)]
    return text[1:-1] if root.op == "add" and text.startswith("(") else text
