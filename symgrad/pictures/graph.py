"""A Program as a layered graph: inputs above, every operation below what it needs, results last.

Layers are longest paths; crossings are reduced by sweeps that put every node at the mean position
of its neighbours, and lines that pass a layer take a place in it like a node (K. Sugiyama, S.
Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981) 109).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symgrad.errors import LimitError
from symgrad.ir.program import Program
from symgrad.pictures.svg import CHARACTER, PALE, Svg, box

MOST_NODES = 600
SWEEPS = 12

SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "/", "neg": "−", "sqrt": "√", "pow": "**"}
SIGNS |= {"lt": "<", "le": "≤", "eq": "=", "ne": "≠", "select": "where"}
COLORS = {"load": "#dbeafe", "store": "#dcfce7", "": "#f3f4f6", "function": "#fef3c7"}
HEIGHT, PITCH, GAP = 22.0, 54.0, 12.0
LONGEST_LABEL = 24


@dataclass(slots=True)
class Node:
    """A box of the picture, or a place that a line takes in a layer.

    Attributes:
        label: what stands in it; "" for a line.
        color: of the box.
        above: the nodes it is joined to in the layer above.
        layer: counted from 0 at the top.
        x: of its middle.
    """

    label: str
    color: str = ""
    above: list[int] = field(default_factory=list)
    layer: int = 0
    x: float = 0.0

    @property
    def width(self) -> float:
        """Of the box in pixels."""
        return 14 + CHARACTER * len(self.label) if self.label else 4.0


def graph_picture(program: Program, title: str = "") -> Svg:
    """The instructions of a Program as a graph; constants stand inside what uses them.

    Raises:
        LimitError: there are more than MOST_NODES of them.
    """
    nodes = _boxes(program)
    if len(nodes) > MOST_NODES:
        raise LimitError(
            f"the program has {len(nodes)} instructions, and a picture of more than {MOST_NODES} "
            "shows nothing; ask for fewer derivatives, or take symgrad show --stage program"
        )
    layers = _layers(nodes)
    _place(nodes, layers)
    widest = max((node.x + node.width / 2 for node in nodes), default=0.0)
    picture = Svg(max(widest + 14, 28 + CHARACTER * len(title)), 40 + PITCH * len(layers))
    picture.text(14, 20, title)

    def y(layer: int) -> float:
        return 40 + PITCH * layer

    for node in nodes:
        for source in node.above:
            start, end = y(node.layer - 1) + (HEIGHT if nodes[source].label else 0), y(node.layer)
            middle = (start + end) / 2
            path = f"M{nodes[source].x:.1f} {start:.1f}C{nodes[source].x:.1f} {middle:.1f} "
            path += f"{node.x:.1f} {middle:.1f} {node.x:.1f} {end:.1f}"
            picture.add("path", d=path, fill="none", stroke="#9ca3af")
    for node in nodes:
        if node.label:
            left, top = node.x - node.width / 2, y(node.layer)
            frame = box(left, top, node.width, HEIGHT)
            picture.add("rect", **frame, rx=4, fill=node.color, stroke=PALE, stroke_width=0.5)
            picture.text(node.x, top + 15, node.label, text_anchor="middle")
    return picture


def _boxes(program: Program) -> list[Node]:
    """A node for each instruction that is no constant; ``above`` are still its arguments."""
    nodes: list[Node] = []
    number: dict[int, int] = {}
    constants: dict[int, str] = {}
    for index, (op, args, data) in enumerate(program.code):
        if op in ("constant", "boolean"):
            constants[index] = f"{data:.6g}" if op == "constant" else str(bool(data))
            continue
        color, sign = COLORS[""], SIGNS.get(op, op)
        if op == "load":
            sign, color = program.groups[data[0]].columns[data[1]], COLORS["load"]
        elif op == "store":
            result, place = program.results[data[0]], data[1]
            sign, color = result.name + (f"[{place}]" if result.size > 1 else ""), COLORS["store"]
            only = [constants[a] for a in args if a in constants]
            sign += f" = {only[0]}" if only else ""
        else:
            color = COLORS["" if op in SIGNS else "function"]
            if any(argument in constants for argument in args):
                shown = [constants.get(argument, "·") for argument in args]
                joined = len(args) == 2 and op in SIGNS and op != "select"
                sign = f" {sign} ".join(shown) if joined else f"{sign}({', '.join(shown)})"
        if len(sign) > LONGEST_LABEL:
            sign = f"{sign[: LONGEST_LABEL - 3]}..."
        number[index] = len(nodes)
        above = list(dict.fromkeys(number[a] for a in args if a in number))
        nodes.append(Node(sign, color, above))
    return nodes


def _layers(nodes: list[Node]) -> list[list[int]]:
    """Give every node its layer, and lines a node in every layer that they pass."""
    for node in nodes:
        node.layer = 1 + max((nodes[source].layer for source in node.above), default=-1)
    lines: dict[tuple[int, int], int] = {}
    for node in nodes[:]:
        for k, source in enumerate(node.above):
            last = source
            for layer in range(nodes[source].layer + 1, node.layer):
                if (source, layer) not in lines:
                    lines[source, layer] = len(nodes)
                    nodes.append(Node("", "", [last], layer))
                last = lines[source, layer]
            node.above[k] = last
    layers: list[list[int]] = [[] for _ in range(1 + max((n.layer for n in nodes), default=-1))]
    for index, node in enumerate(nodes):
        layers[node.layer].append(index)
    return layers


def _place(nodes: list[Node], layers: list[list[int]]) -> None:
    """Order every layer and give its nodes their abscissas."""
    below: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        for source in node.above:
            below.setdefault(source, []).append(index)
    for layer in layers:
        for place, index in enumerate(layer):
            nodes[index].x = 60.0 * place
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else layers[::-1]:
            wanted = {
                i: _mean(nodes, nodes[i].above if down else below.get(i, []), nodes[i].x)
                for i in layer
            }
            layer.sort(key=wanted.__getitem__)
            _spaced(nodes, layer, wanted)
    least = min((node.x - node.width / 2 for node in nodes), default=0.0)
    for node in nodes:
        node.x += 14 - least


def _mean(nodes: Sequence[Node], neighbours: Sequence[int], default: float) -> float:
    if not neighbours:
        return default
    return sum(nodes[i].x for i in neighbours) / len(neighbours)


def _spaced(nodes: Sequence[Node], layer: Sequence[int], wanted: Mapping[int, float]) -> None:
    """Put a layer's nodes near where they are wanted, in order and apart."""
    edge, shift = float("-inf"), 0.0
    for index in layer:
        node = nodes[index]
        node.x = max(wanted[index], edge + node.width / 2)
        edge = node.x + node.width / 2 + GAP
        shift += node.x - wanted[index]
    for index in layer:
        nodes[index].x -= shift / len(layer)
