import pytest
import torch
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.graph import record
from stepwell.models import mlp


def test_operations_as_text():
    graph = record(lambda a, b: torch.tanh(a * b + 1))
    assert str(graph) == "inputs: a, b\nmul = mul(a, b)\nadd = add(mul, 1)\ntanh = tanh(add)"


def test_a_model_is_recorded_layer_by_layer():
    model = mlp((2, 3, 1), activation=nn.Tanh)
    graph, x = record(model), torch.randn(4, 2)
    assert [operation.does for operation in graph.operations] == ["0", "1", "2"]
    assert torch.equal(graph(x), model(x))
    values = graph.values(x)
    assert torch.equal(values["_2"], model(x))
    assert values["_1"].shape == (4, 3)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_looks_at_values_is_refused_by_name():
    with pytest.raises(ModelError, match=r"^Branching cannot be recorded: .*placeholder"):
        record(Branching())
    with pytest.raises(ModelError, match=r"^total cannot be recorded"):
        record(total)


def total(x):
    return sum(value for value in x)
