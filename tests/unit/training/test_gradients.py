import pytest
import torch
from torch import nn

from stepwell.data import Batch
from stepwell.models import mlp
from stepwell.tasks import Multiclass, Regression
from stepwell.training.gradients import gradients, numerical_gradients


def batch_of(inputs, targets):
    return Batch(inputs, targets, torch.arange(len(targets)))


@pytest.mark.parametrize(
    ("model", "task", "targets"),
    [
        (mlp((3, 4, 2), activation=nn.Tanh), Regression(), torch.randn(6, 2, dtype=torch.float64)),
        (mlp((3, 4, 5), activation=nn.Tanh), Multiclass(classes=5), torch.tensor([0, 1, 2, 3, 4, 0])),
        (mlp((3, 4, 2), activation=nn.Tanh, dropout=0.5), Regression(), torch.zeros(6, 2, dtype=torch.float64)),
    ],
)
def test_autograd_and_trying_agree(model, task, targets):
    model = model.double()
    batch = batch_of(torch.linspace(-1, 1, 18, dtype=torch.float64).reshape(6, 3), targets)
    before = [p.detach().clone() for p in model.parameters()]
    state = torch.get_rng_state()
    found, tried = gradients(model, task, batch), numerical_gradients(model, task, batch, step=1e-6)
    assert list(found) == list(tried) == [name for name, _ in model.named_parameters()]
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, tried[name], atol=1e-8, rtol=1e-6)
    assert all(map(torch.equal, before, model.parameters()))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())


def test_frozen_and_unused_parameters():
    model = mlp((1, 1))
    model[0].bias.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    found = gradients(model, Regression(), batch_of(torch.ones(3, 1), torch.zeros(3, 1)))
    assert set(found) == {"unused", "0.weight"}
    assert found["unused"].tolist() == [0, 0]


def test_works_where_gradients_are_off():
    with torch.no_grad():
        found = gradients(mlp((1, 1)), Regression(), batch_of(torch.ones(3, 1), torch.zeros(3, 1)))
    assert set(found) == {"0.weight", "0.bias"}


def test_parameters_are_given_back_when_a_pass_fails():
    model = mlp((1, 1))
    before = model[0].weight.detach().clone()
    with pytest.raises(RuntimeError):
        numerical_gradients(model, Regression(), batch_of(torch.ones(3, 2), torch.zeros(3, 1)))
    assert torch.equal(model[0].weight, before)
