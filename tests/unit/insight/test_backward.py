"""The graph that autograd wrote down."""

import pytest
import torch
from matplotlib.text import Text
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.backward import backward_graph
from stepwell.plots.graph import graph as plot_graph


def line(frozen: bool = False) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    b, w = torch.ones(1, requires_grad=not frozen), torch.ones(1, requires_grad=True)
    return b + w * torch.ones(4, 1), {"b": b, "w": w}


def test_a_graph_is_shown_as_a_tree() -> None:
    assert repr(backward_graph(*line())) == ("result (4, 1)\n└─ Add\n   ├─ b (1,)\n   └─ Mul\n      └─ w (1,)")


def test_what_requires_no_gradient_is_left_out() -> None:
    graph = backward_graph(*line(frozen=True))
    assert graph.leaves == ("w (1,)",)
    assert graph.operations == ("Add", "Mul")


def test_what_is_used_twice_is_one_node() -> None:
    result, names = line()
    graph = backward_graph(result.mean() + result.sum(), names)
    assert graph.operations.count("Mul") == 1
    assert repr(graph).count("Add (as above)") == 1
    assert [user for user, used in graph.edges if graph.nodes[used].label == "Mul"] == [3]


def test_a_modules_parameters_have_their_names() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    graph = backward_graph(model(torch.ones(4, 2)).sum(), model)
    assert set(graph.leaves) == {"0.weight (3, 2)", "0.bias (3,)", "2.weight (1, 3)", "2.bias (1,)"}
    assert backward_graph(model(torch.ones(4, 2))).leaves[0] == "leaf (1,)"


def test_the_text_for_graphviz() -> None:
    lines = backward_graph(*line()).to_dot().splitlines()
    assert lines[0] == "digraph {"
    assert '  0 [label="result (4, 1)", shape=box, style=filled, fillcolor=darkolivegreen1];' in lines
    assert '  2 [label="b (1,)", shape=box, style=filled, fillcolor=lightblue];' in lines
    assert "  1 -> 0;" in lines
    assert lines[-1] == "}"


def test_the_plot_of_a_graph_has_a_box_for_each_node() -> None:
    found = backward_graph(*line())
    assert found.arrows == [("1", "0"), ("2", "1"), ("3", "1"), ("4", "3")]
    assert found.kinds == {"0": "result", "1": "operation", "2": "parameter", "3": "operation", "4": "parameter"}
    drawn = {text.get_text() for text in plot_graph(found.arrows, kinds=found.kinds, texts=found.texts).findobj(Text)}
    assert {"result (4, 1)", "Add", "b (1,)", "Mul", "w (1,)"} <= drawn


def test_deep_graphs() -> None:
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.0
    graph = backward_graph(y)
    assert len(graph.nodes) == 3002
    assert repr(graph).endswith("… of 3,002 in all")


def test_a_result_without_a_graph_is_refused() -> None:
    with pytest.raises(ModelError, match="The result has no graph"):
        backward_graph(torch.ones(1))
