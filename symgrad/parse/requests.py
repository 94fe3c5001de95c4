"""What a user asks for, ``["value", "gradient", 3]`` or chosen partials -> Requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from difflib import get_close_matches
from numbers import Integral

from symgrad.errors import DerivativeError, DuplicateNameError
from symgrad.ir.system import Request

ORDERS = {"value": 0, "gradient": 1, "jacobian": 1, "hessian": 2}
PRODUCTS = ("vjp", "jvp", "hvp")
NORMAL = {"rss": 0, "jtr": 1, "jtj": 2}
"""Sums for normal equations, and how many factors of each are the Jacobian: r.r, J^T r, J^T J."""

KNOWN = (*ORDERS, *PRODUCTS)

MAX_ORDER = 60
"""NumPy arrays have at most 64 axes, and the outputs and the batch take some."""


def parse_requests(
    derivatives: object,
    shape: tuple[int, ...],
    wrt: Sequence[str],
    name_of: Callable[[object], str] = str,
) -> tuple[Request, ...]:
    """The Requests that ``derivatives`` names.

    Args:
        derivatives: None (gradient for one expression, else jacobian), a name, an order, a
            sequence of these, or a dict of chosen partials: name -> sequence of variables.
        shape: S, the shape of the outputs.
        wrt: the variables of differentiation.
        name_of: the name of a variable that is given as a symbol.

    Raises:
        DerivativeError: an unknown name, an impossible order, a variable that is not in wrt, or
            "gradient" of more than one expression.
        DuplicateNameError: the same result is asked for twice.

    Example:
        >>> parse_requests(["value", 3], (), ("x",))[1]
        Request(name='order3', kind='tensor', order=3, indices=())
    """
    if derivatives is None:
        derivatives = "gradient" if shape == () else "jacobian"
    if isinstance(derivatives, Mapping):
        requests = [_partial(n, given, wrt, name_of) for n, given in derivatives.items()]
    else:
        requests = [_named(item, shape) for item in _items(derivatives)]
    if not requests:
        raise DerivativeError('derivatives is empty; ask for "value" at least')
    names = [request.name for request in requests]
    for name in names:
        if names.count(name) > 1:
            raise DuplicateNameError(f"the result {name!r} is asked for twice; name it once")
    return tuple(requests)


def parse_normal(derivatives: object) -> tuple[Request, ...]:
    """The Requests of a least-squares problem whose residuals are the outputs.

    Args:
        derivatives: some of "rss" (the sum of squares), "jtr" and "jtj"; None for all of them.

    Raises:
        DerivativeError: something else is asked for.
        DuplicateNameError: the same result is asked for twice.

    Example:
        >>> [request.name for request in parse_normal(None)]
        ['jtj', 'jtr', 'rss']
    """
    wanted = ["jtj", "jtr", "rss"] if derivatives is None else derivatives
    names: list[object] = [wanted] if isinstance(wanted, Mapping) else _items(wanted)
    for name in names:
        if not isinstance(name, str) or name not in NORMAL:
            raise DerivativeError(
                f'derivative {name!r} is unknown; with reduce="normal" choose from '
                f"{', '.join(NORMAL)}, or leave derivatives out for all of them"
            )
        if names.count(name) > 1:
            raise DuplicateNameError(f"the result {name!r} is asked for twice; name it once")
    if not names:
        raise DerivativeError('derivatives is empty; ask for "jtj" and "jtr", or leave it out')
    return tuple([Request(str(name), "normal", NORMAL[str(name)]) for name in names])


def _items(derivatives: object) -> list[object]:
    """What is asked for, one item each."""
    if isinstance(derivatives, bool):
        raise DerivativeError(_unknown(derivatives))
    if isinstance(derivatives, str | Integral):
        return [derivatives]
    if isinstance(derivatives, Iterable) and not isinstance(derivatives, bytes | Set):
        return list(derivatives)
    raise DerivativeError(_unknown(derivatives))


def _named(item: object, shape: tuple[int, ...]) -> Request:
    if isinstance(item, Integral):
        item = int(item)
        if not 0 <= item <= MAX_ORDER:
            raise DerivativeError(f"order {item} is not between 0 and {MAX_ORDER}")
        return Request(f"order{item}", "tensor", item)
    if item in PRODUCTS:
        return Request(str(item), str(item))  # type: ignore[arg-type]
    if not isinstance(item, str) or item not in ORDERS:
        raise DerivativeError(_unknown(item))
    if item == "gradient" and shape != ():
        raise DerivativeError(
            f'"gradient" needs one expression, but the outputs have shape {shape}; ask for '
            '"jacobian", or pass the expression itself instead of a sequence of one'
        )
    return Request(item, "tensor", ORDERS[item])


def _unknown(item: object) -> str:
    near = get_close_matches(str(item), KNOWN, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"derivative {item!r} is unknown; choose from {', '.join(KNOWN)}, an order such as 3, a "
        f'list of these, or a dict of partials such as {{"u_xx": ("x", "x")}}{hint}'
    )


def _partial(
    name: object, given: object, wrt: Sequence[str], name_of: Callable[[object], str]
) -> Request:
    if not isinstance(name, str) or not name.isidentifier():
        raise DerivativeError(f"a chosen partial needs an identifier as its name, not {name!r}")
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = (given,)
    if len(given) > MAX_ORDER:
        raise DerivativeError(f"partial {name!r} has order {len(given)}; {MAX_ORDER} is the limit")
    indices = []
    for variable in given:
        label = name_of(variable)
        if label not in wrt:
            raise DerivativeError(
                f"partial {name!r} differentiates by {label!r}, which is not in wrt "
                f"({', '.join(wrt)}); add it to wrt"
            )
        indices.append(list(wrt).index(label))
    return Request(name, "partial", len(indices), tuple(indices))
