from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

import symgrad.pictures.graph as graph
from symgrad import compile
from symgrad.errors import LimitError
from symgrad.pictures.graph import _boxes, _layers, _place, graph_picture


def program(formula, derivatives="value", inputs="x y"):
    return compile(formula, inputs, derivatives, jit="never").program


def labels(formula, **options):
    return [node.label for node in _boxes(program(formula, **options))]


def test_constants_stand_in_what_uses_them():
    found = labels("2*x")
    assert found[0] == "x"
    assert "2" in found[1]
    assert "×" in found[1]
    assert found[-1] == "value"
    assert labels("x*0 + 5", inputs="x") == ["value = 5"]


def test_nodes_of_a_layer_are_in_order_and_apart():
    nodes = _boxes(program("x**2*sin(y)*exp(x) + log(y)/x", ["value", "gradient", "hessian"]))
    count = len(nodes)
    layers = _layers(nodes)
    _place(nodes, layers)
    assert all(nodes[i].layer == nodes[j].layer + 1 for i in range(count) for j in nodes[i].above)
    assert len(nodes) > count  # lines have places in the layers that they pass
    for layer in layers:
        for a, b in pairwise([nodes[i] for i in layer]):
            assert b.x - b.width / 2 >= a.x + a.width / 2 + graph.GAP - 1e-9
    assert min(node.x - node.width / 2 for node in nodes) == pytest.approx(14)


def test_a_picture_has_a_box_for_each_instruction():
    made = program("x**2*sin(y)", ["value", "gradient"])
    root = ElementTree.fromstring(str(graph_picture(made, "spring & mass")))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "spring & mass"
    assert texts[1:] == [node.label for node in _boxes(made)]
    assert {"x", "y", "sin", "cos", "value", "gradient[0]", "gradient[1]"} <= set(texts)


def test_a_large_program_is_refused(monkeypatch):
    monkeypatch.setattr(graph, "MOST_NODES", 5)
    with pytest.raises(LimitError, match="symgrad show --stage program"):
        graph_picture(program("x**2*sin(y)", "gradient"))
