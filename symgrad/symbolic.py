"""PyTorch's autograd on symbols: grad, backward, jacobian, hessian, vjp, jvp of expressions.

The expressions are read into one Graph, swept forward or in reverse, and given back as what they
were: SymPy objects over the very Symbols that came in, or traced Exprs. SymPy differentiates
nothing, so kinks follow the function table, and a large expression takes no longer than its number
of distinct parts. Parts of a result that stood in the input are the input's own objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import sympy
from sympy.tensor.array.ndim_array import NDimArray

from symgrad.api import differentiate_expr
from symgrad.differentiate import forward, reverse
from symgrad.differentiate.tensors import derive
from symgrad.errors import ArgumentError, DerivativeError, DuplicateNameError, ShapeError
from symgrad.functions.user import table_with
from symgrad.interop.sympy_objects import known_objects, to_sympy
from symgrad.ir.convert import to_exprs
from symgrad.ir.expression import Expr, postorder, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.traverse import dependent, reachable
from symgrad.parse.binders import dependent as holding
from symgrad.parse.occurrences import occurring
from symgrad.parse.outputs import Reading
from symgrad.parse.sympy_expressions import is_cse, native
from symgrad.parse.variables import MAX_DEPTH, Variables, elements, identify


def grad(
    outputs: object,
    inputs: object,
    grad_outputs: object = None,
    allow_unused: bool = False,
    *,
    functions: object = (),
) -> tuple[Any, ...]:
    """The cotangent-weighted sum of gradients, as ``torch.autograd.grad`` has it, on symbols.

    For outputs y_k with cotangents c_k the result for an input x is sum_k c_k * dy_k/dx, over every
    entry of every output. Results are expressions: they can be differentiated again and used
    twice. Cotangents may be expressions and are held constant.

    Args:
        outputs: an expression (SymPy, traced Expr or text in the inputs), a Matrix, an Array, or a
            list or tuple of these, each an output of its own; lists inside it are arrays. What
            ``sympy.cse`` returns stands for what it was given.
        inputs: likewise, of variables: Symbols, MatrixSymbols, functions such as q(t), traced
            variables or names.
        grad_outputs: one cotangent for each output, of its shape; None is 1 for an output of one
            entry.
        allow_unused: give None for an input that no output uses, in place of an error.
        functions: the user's own functions (``symgrad.function``) that the outputs use.

    Returns:
        One result for each input, in its shape and kind of container.

    Raises:
        ArgumentError: an input is no variable, or a cotangent that is needed is left out.
        ShapeError: a cotangent has another shape than its output.
        DerivativeError: no output uses an input.

    Example:
        >>> x, z = sympy.symbols("x z")
        >>> grad([x**2 + z**3, x * z], [x, z])
        (2*x + z, x + 3*z**2)
    """
    call = _Expressions(outputs, inputs, grad_outputs, "grad_outputs", functions=functions)
    used = [any(name in call.used for name in block.names) for block in call.inputs]
    for block, occurs in zip(call.inputs, used, strict=True):
        if not occurs and not allow_unused:
            shown = ", ".join(str(call.objects[name]) for name in block.names[:4])
            raise DerivativeError(
                f"no output uses {block.place}, {shown}; leave it out of the inputs, or pass "
                "allow_unused=True to get None for it"
            )
    made = call.give(call.inputs, call.pullback())
    return tuple(value if occurs else None for value, occurs in zip(made, used, strict=True))


def backward(
    outputs: object,
    into: MutableMapping[Any, Any],
    inputs: object = None,
    grad_outputs: object = None,
    *,
    functions: object = (),
) -> MutableMapping[Any, Any]:
    """Add gradients into a dict, as ``torch.autograd.backward`` adds them into ``.grad``.

    Args:
        outputs: as for ``grad``.
        into: variable -> gradient. A variable that it lacks is entered, one that the outputs do
            not use is left alone.
        inputs: the variables to do this for, those in a Matrix or a list each by itself; by
            default all that the outputs use.
        grad_outputs: as for ``grad``.
        functions: as for ``grad``.

    Returns:
        ``into`` itself.

    Raises:
        ArgumentError: ``into`` is no dict, an input is no variable, or a cotangent is left out.
        ShapeError: a cotangent has another shape than its output.

    Example:
        >>> x = sympy.Symbol("x")
        >>> backward(x**3, backward(x**3, {}))
        {x: 6*x**2}
    """
    if not isinstance(into, MutableMapping):
        raise ArgumentError(
            f"into is of type {type(into).__name__}; give the dict that gradients are added into, "
            "as in backward(outputs, {})"
        )
    call = _Expressions(outputs, inputs, grad_outputs, "grad_outputs", functions=functions)
    cotangents = {name: node for name, node in call.pullback().items() if name in call.used}
    gradients = call.present(list(cotangents.values()))
    for name, gradient in zip(cotangents, gradients, strict=True):
        variable = call.objects[name] if call.symbolic else symbol(name)
        into[variable] = into[variable] + gradient if variable in into else gradient
    return into


def vjp(outputs: object, inputs: object, cotangents: object, *, functions: object = ()) -> Any:
    """The product of cotangents and the Jacobian: sum_k c_k * dy_k/dx for each input x.

    As ``grad``, but an input that no output uses gives zeros, and a single input, not in a list,
    gives its result without a tuple.

    Example:
        >>> x, z = sympy.symbols("x z")
        >>> vjp([x**2, x * z], [x, z], [1, x])
        (x*z + 2*x, x**2)
    """
    call = _Expressions(outputs, inputs, cotangents, "cotangents", functions=functions)
    made = call.give(call.inputs, call.pullback())
    return made[0] if call.single else tuple(made)


def jvp(outputs: object, inputs: object, tangents: object, *, functions: object = ()) -> Any:
    """The product of the Jacobian and tangents: sum_j dy/dx_j * t_j for each output y.

    Args:
        outputs: as for ``grad``.
        inputs: as for ``grad``.
        tangents: one for each input, of its shape; held constant.
        functions: as for ``grad``.

    Returns:
        One result for each output, in its shape and kind of container: a tuple, or without one
        where ``outputs`` is a single output and not in a list.

    Raises:
        ArgumentError: an input is no variable, or a tangent is left out.
        ShapeError: a tangent has another shape than its input.

    Example:
        >>> x, z = sympy.symbols("x z")
        >>> jvp([x**2, x * z], [x, z], [1, 0])
        (2*x, z)
    """
    call = _Expressions(outputs, inputs, tangents, "tangents", functions=functions)
    made = call.give(call.outputs, call.pushforward())
    return made[0] if call.alone else tuple(made)


def jacobian(outputs: object, inputs: object, *, functions: object = ()) -> Any:
    """All first partial derivatives d outputs / d inputs, of shape S + I.

    S is the shape of the outputs, () for one expression, and I that of the inputs; lists are
    arrays here, and a Matrix of one row or column is a vector. The derivative of one expression
    has the inputs' container, that by one variable the outputs'. Otherwise two axes make a Matrix
    and more an Array; traced Exprs come in nested lists.

    Example:
        >>> x, z = sympy.symbols("x z")
        >>> jacobian([x**2, x * z], [x, z])
        Matrix([
        [2*x, 0],
        [  z, x]])
    """
    call = _Expressions(outputs, inputs, whole=True, functions=functions)
    return call.arrange(call.derivative(1), call.outputs[0], call.inputs[0])


def hessian(output: object, inputs: object, *, functions: object = ()) -> Any:
    """All second partial derivatives of one expression, of shape I + I (see ``jacobian``).

    Raises:
        ArgumentError: ``output`` is more than one expression.

    Example:
        >>> x, z = sympy.symbols("x z")
        >>> hessian(x**2 * z, [x, z])
        Matrix([
        [2*z, 2*x],
        [2*x,   0]])
    """
    call = _Expressions(output, inputs, whole=True, functions=functions)
    if len(call.outputs[0].nodes) != 1:
        raise ArgumentError(
            f"the Hessian is that of one expression, and output has shape {call.outputs[0].shape}; "
            "take it entry by entry, or jacobian(jacobian(outputs, inputs), inputs)"
        )
    return call.arrange(call.derivative(2), call.inputs[0], call.inputs[0])


@dataclass(eq=False, slots=True)
class _Block:
    """One output, input, cotangent or tangent.

    Attributes:
        place: what messages call it.
        entries: its expressions, row-major.
        shape: its shape, () for a single expression.
        axes: its shape, or a vector's where it is a Matrix of one row or column.
        like: makes a container of its kind of other entries.
        names: an input's variables, entry by entry.
        nodes: the entries in the Graph, but for an input.
    """

    place: str
    entries: list[Any]
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    like: Callable[[Sequence[Any]], Any]
    names: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()


def _block(value: Any, place: str) -> _Block:
    value = native(value)
    level: list[Any] = [value]
    lengths: list[int] = []
    kinds: list[Callable[..., Any]] = []
    while True:
        rows = [elements(item, place) for item in level]
        sizes = {-1 if row is None else len(row) for row in rows}
        if len(sizes) > 1:
            raise ArgumentError(f"{place} has rows of different lengths; make it rectangular")
        if sizes == {-1}:
            break
        if sizes == {0} or len(lengths) == MAX_DEPTH:
            raise ArgumentError(f"{place} is empty, or nested more than {MAX_DEPTH} levels deep")
        lengths.extend(sizes)
        kinds.append(tuple if isinstance(level[0], tuple) else list)
        level = [native(item) for row in rows for item in row or ()]
    entries = [item[()] if isinstance(item, NDimArray) else item for item in level]
    shape = axes = tuple(lengths)
    kind: Any = type(value)
    like: Callable[[Sequence[Any]], Any] = partial(_nest, shape, kinds)
    if isinstance(value, sympy.MatrixBase | sympy.MatrixExpr):
        axes = tuple(n for n in shape if n > 1) or (1,) if 1 in shape else shape
        explicit = isinstance(value, sympy.MatrixBase)
        like = partial(kind if explicit else sympy.ImmutableMatrix, *shape)
    elif isinstance(value, NDimArray) and shape:
        like = partial(kind, shape=shape)
    return _Block(place, entries, shape, axes, like)


def _nest(shape: Sequence[int], kinds: Sequence[Callable[..., Any]], entries: Sequence[Any]) -> Any:
    """Entries in nested lists; ``kinds`` of list by the axis, outermost first."""
    level = list(entries)
    for length, kind in zip(reversed(shape), reversed(kinds), strict=True):
        level = [kind(level[i : i + length]) for i in range(0, len(level), length)]
    return level[0]


def _blocks(value: Any, title: str, whole: bool) -> tuple[list[_Block], bool]:
    """The blocks of an argument, and whether it is a single one and no sequence of them."""
    if title == "inputs" and isinstance(value, str):
        words = value.replace(",", " ").split()
        value = words if len(words) > 1 else value
    if whole or not isinstance(value, list | tuple | sympy.Tuple):
        return [_block(value, title)], True
    if not value:
        raise ArgumentError(f"{title} is empty; give at least one")
    return [_block(item, f"{title}[{i}]") for i, item in enumerate(value)], False


def _matched(given: Any, blocks: Sequence[_Block], alone: bool, title: str) -> list[_Block]:
    """A cotangent or tangent for each block, of its shape; None is 1 for one output entry."""
    items = [given] if alone else [None] * len(blocks) if given is None else elements(given, title)
    if items is None or len(items) != len(blocks):
        raise ShapeError(
            f"{title} must be a list of {len(blocks)}, one for each of "
            f"{blocks[0].place.partition('[')[0]}, in its shape"
        )
    found = []
    for index, (item, block) in enumerate(zip(items, blocks, strict=True)):
        place = title if alone else f"{title}[{index}]"
        if item is None:
            if title == "tangents" or prod(block.shape) != 1:
                raise ArgumentError(
                    f"{place} is left out, which only an output of one entry allows; give it the "
                    f"shape of {block.place}, {block.shape}, full of ones for a plain sum"
                )
            item = block.like([1])
        one = _block(item, place)
        if one.shape != block.shape and alone and isinstance(item, list | tuple) and len(item) == 1:
            one = _block(item[0], place)  # a list of one for the one output, as PyTorch takes it
        if one.shape != block.shape:
            raise ShapeError(
                f"{place} has shape {one.shape}; give it the shape of {block.place}, {block.shape}"
            )
        found.append(one)
    return found


class _Expressions:
    """All expressions of one call in one Graph, and the way back to what the user gave.

    ``objects`` has the SymPy object of each variable's name, ``used`` the names that occur in the
    outputs; ``symbolic`` tells whether results are SymPy's, or else Exprs.
    """

    def __init__(
        self,
        outputs: object,
        inputs: object,
        weights: object = None,
        title: str = "",
        whole: bool = False,
        functions: object = (),
    ) -> None:
        self.rows = table_with(functions)
        replaced: dict[Any, Any] = {}
        if isinstance(outputs, tuple) and is_cse(outputs):
            replaced, outputs = dict(outputs[0]), outputs[1]
        self.outputs, self.alone = _blocks(outputs, "outputs", whole)
        self.inputs: list[_Block] = []
        if inputs is not None:
            self.inputs, self.single = _blocks(inputs, "inputs", whole)
        self.weights: list[_Block] = []
        if title == "tangents":
            self.weights = _matched(weights, self.inputs, self.single, title)
        elif title:
            self.weights = _matched(weights, self.outputs, self.alone, title)
        self.objects: dict[str, Any] = {}
        self.graph = Graph(self.rows)
        differentiate = partial(differentiate_expr, table=self.rows)
        reading = Reading(self._declare(replaced), self.rows, differentiate)
        for target, value in replaced.items():
            reading.replacement(target, value)
        parts = postorder(tuple(self._read(reading, self.outputs)))
        self.used = {str(part.value): None for part in parts if part.op == "symbol"}
        self._read(reading, self.weights)
        self.known: dict[int, Any] = {}
        if reading.converter is not None:
            objects = {id(value): value for value in reading.converter.kept}
            read = [(objects[key], made) for key, made in reading.converter.memo.items()]
            if replaced:  # a result is over the variables alone
                holds = holding([value for value, _ in read], list(replaced))
                read = [(value, made) for value, made in read if not holds[id(value)]]
            self.known = known_objects(self.graph, read)
        chosen = dict.fromkeys(name for block in self.inputs for name in block.names)
        self.wrt = tuple(self.used if inputs is None else chosen)

    def _read(self, reading: Reading, blocks: Iterable[_Block]) -> list[Expr]:
        exprs = []
        for block in blocks:
            made = [reading.expr(entry, block.place) for entry in block.entries]
            block.nodes = tuple(self.graph.add_all(made))
            exprs.extend(made)
        return exprs

    def _declare(self, replaced: Mapping[Any, Any]) -> Variables:
        """Every variable of the call; the inputs' names are entered in their blocks.

        What stands for an expression in ``replaced`` is no variable.
        """
        chosen = [(entry, block.place) for block in self.inputs for entry in block.entries]
        for entry, place in chosen:
            try:
                identify(entry, place)
            except ArgumentError as error:
                raise ArgumentError(
                    f"{error}. To differentiate by an expression, write a variable u in its place "
                    "in the outputs, differentiate by u, and put the expression back"
                ) from None
        given = [entry for entry, _ in chosen]
        others = [entry for block in (*self.outputs, *self.weights) for entry in block.entries]
        self.symbolic = any(isinstance(entry, sympy.Basic) for entry in (*given, *others))
        objects = {entry for entry in given if isinstance(entry, sympy.Basic)}
        atoms = occurring((*replaced.values(), *others), objects, replaced, self.rows)
        exprs = postorder(tuple(entry for entry in others if isinstance(entry, Expr)))
        symbols = [part for part in exprs if part.op == "symbol"]
        variables: dict[Any, Any] = {}
        for entry in (*given, *atoms, *symbols):
            key = identify(entry, "a variable")[1]
            before = variables.setdefault(key, entry)
            if isinstance(entry, sympy.Basic) and before != entry:
                if isinstance(before, sympy.Basic):
                    raise DuplicateNameError(
                        f"two Symbols are called {key!r} and differ in what they assume; use one "
                        "of them throughout, or rename the other"
                    )
                variables[key] = entry
        declared = Variables()
        (names,) = declared.declare([(entry, "a variable") for entry in variables.values()])
        for name, entry in zip(names, variables.values(), strict=True):
            self.objects[name] = entry if isinstance(entry, sympy.Basic) else sympy.Symbol(name)
        for block in self.inputs:
            block.names = tuple(declared.find(entry, block.place) for entry in block.entries)
        return declared

    def pullback(self) -> dict[str, int]:
        """The cotangent of each input's name, for the weights of the outputs."""
        graph, seeds = self.graph, self._seeds(n for block in self.outputs for n in block.nodes)
        wrt = {name: graph.symbol(name) for name in self.wrt}
        active = dependent(graph, reachable(graph, seeds), wrt.values())
        found = reverse.sweep(graph, active, seeds, list(wrt.values()), {})
        return {name: found.get(node, graph.constant(0)) for name, node in wrt.items()}

    def pushforward(self) -> dict[int, int]:
        """The tangent of each output's node, for the weights of the inputs."""
        graph = self.graph
        seeds = self._seeds(graph.symbol(name) for block in self.inputs for name in block.names)
        targets = [node for block in self.outputs for node in block.nodes]
        active = dependent(graph, reachable(graph, targets), seeds)
        found = forward.sweep(graph, active, seeds, {})
        return {node: found.get(node, graph.constant(0)) for node in targets}

    def _seeds(self, nodes: Iterable[int]) -> dict[int, int]:
        """The weight of each node; a node that stands twice has the sum of its weights."""
        terms: dict[int, list[tuple[int, int]]] = {}
        weights = [weight for block in self.weights for weight in block.nodes]
        for node, weight in zip(nodes, weights, strict=True):
            terms.setdefault(node, []).append((weight, 1))
        return {node: self.graph.sum(found) for node, found in terms.items()}

    def derivative(self, order: int) -> list[Any]:
        """All partial derivatives of that order of the output by the entries of the input."""
        ((output,), (block,)) = self.outputs, self.inputs
        count, n = len(output.nodes), len(self.wrt)
        value = Tensor("value", (count,), output.nodes)
        system = System(self.graph, self.wrt, (), self.wrt, value, ("",) * count)
        derived = derive(system, [Request("derivative", "tensor", order)])
        assert derived is not None, "sweeps apply to every graph"
        (tensor,) = derived
        position = {name: index for index, name in enumerate(self.wrt)}
        offsets = [0]
        for _ in range(order):
            offsets = [n * at + position[name] for at in offsets for name in block.names]
        return self.present(
            [tensor.nodes[k * n**order + at] for k in range(count) for at in offsets]
        )

    def arrange(self, entries: Sequence[Any], left: _Block, right: _Block) -> Any:
        """Entries for each pair of an entry of ``left`` and one of ``right``."""
        if not left.shape or not right.shape:
            return (left if left.shape else right).like(entries)
        axes = left.axes + right.axes
        if not self.symbolic:
            return _nest(axes, [list] * len(axes), entries)
        if len(axes) == 2:
            return sympy.Matrix(*axes, list(entries))
        return sympy.ImmutableDenseNDimArray(list(entries), axes)

    def give(self, blocks: Sequence[_Block], found: Mapping[Any, int]) -> list[Any]:
        """What was found for each block's names or nodes, in a container like the block's."""
        nodes = [found[key] for block in blocks for key in block.names or block.nodes]
        made = iter(self.present(nodes))
        return [block.like([next(made) for _ in block.entries]) for block in blocks]

    def present(self, nodes: Sequence[int]) -> list[Any]:
        """Nodes as what the user gave: SymPy objects or Exprs."""
        if self.symbolic:
            return to_sympy(self.graph, nodes, self.objects, self.known)
        return to_exprs(self.graph, nodes)
