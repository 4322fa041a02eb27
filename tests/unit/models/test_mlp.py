import pytest
import torch
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.models import ACTIVATIONS, Line, mlp


def kinds(model):
    return [type(layer).__name__ for layer in model]


def test_layers_between_and_none_after_the_last():
    assert kinds(mlp((2, 3, 3, 1))) == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert kinds(mlp((2, 3, 1), activation=nn.Tanh, dropout=0.1)) == ["Linear", "Tanh", "Dropout", "Linear"]
    assert kinds(mlp((2, 3, 1), activation=None)) == ["Linear", "Linear"]
    assert kinds(mlp((2, 3, 1), activation=None, dropout=0.1)) == ["Linear", "Dropout", "Linear"]
    assert kinds(mlp((2, 1))) == ["Linear"]


def test_wrong_sizes_and_names():
    with pytest.raises(ModelError, match="an input and an output size"):
        mlp((3,))
    with pytest.raises(ModelError, match="3 layers, but 2 names"):
        mlp((1, 2, 1), names=("a", "b"))


def test_line_in_double_keeps_every_digit():
    line = Line(b=0.1, w=0.2, dtype=torch.float64)
    assert (line.b.item(), line.w.item()) == (0.1, 0.2)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_keep_shapes(name):
    assert ACTIVATIONS[name]()(torch.randn(3, 4)).shape == (3, 4)
