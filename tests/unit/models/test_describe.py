import torch
from torch import Tensor, nn

from stepwell.models.describe import Layer, layers


def test_leaves_in_the_order_of_their_calls() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    assert layers(model, torch.zeros(5, 3)) == [
        Layer("0", "Linear", ((5, 4),), 16),
        Layer("1", "ReLU", ((5, 4),), 0),
        Layer("2", "Linear", ((5, 2),), 8),
    ]


def test_a_module_used_twice_counts_once() -> None:
    shared = nn.Linear(3, 3)
    found = layers(nn.Sequential(shared, nn.ReLU(), shared), torch.zeros(2, 3))
    assert [(layer.name, layer.parameters) for layer in found] == [("0", 12), ("1", 0), ("0", 0)]


def test_outputs_that_are_tuples_have_several_shapes() -> None:
    [layer] = layers(nn.LSTM(3, 4, batch_first=True), torch.zeros(2, 5, 3))
    assert layer == Layer("", "LSTM", ((2, 5, 4), (1, 2, 4), (1, 2, 4)), 144)


class _Scaled(nn.Module):
    """A container with a parameter of its own, and a part that it uses without calling it."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.called, self.read = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor, shift: float = 0.0) -> Tensor:
        return self.called(x * self.scale) @ self.read.weight + shift


def test_parameters_outside_of_calls_belong_to_the_module_around_them() -> None:
    model = _Scaled()
    found = layers(model, {"x": torch.zeros(2, 3), "shift": 1.0})
    assert [(layer.name, layer.kind, layer.parameters) for layer in found] == [
        ("", "_Scaled", 15),
        ("called", "Linear", 12),
    ]
    assert sum(layer.parameters for layer in found) == sum(p.numel() for p in model.parameters())


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout()).train()
    model[1].eval()
    mean = model[0].running_mean.clone()
    layers(model, (torch.ones(4, 3),))
    assert model.training
    assert not model[1].training
    assert torch.equal(model[0].running_mean, mean)
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks
