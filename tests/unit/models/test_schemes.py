"""Initial weights."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import init

from stepwell.core.errors import ModelError
from stepwell.models.schemes import SCHEMES, initialise

TORCHS: dict[str, Callable[[torch.Tensor], object]] = {
    "zeros": init.zeros_,
    "normal": lambda w: init.normal_(w, 0, 0.1),
    "xavier-uniform": init.xavier_uniform_,
    "xavier-normal": init.xavier_normal_,
    "kaiming-uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "kaiming-normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "lecun-normal": lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
    "orthogonal": init.orthogonal_,
}


def _model() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 5))


@pytest.mark.parametrize("scheme", TORCHS)
def test_is_torchs_own_at_the_same_seed(scheme):
    ours, theirs = _model(), _model()
    names = initialise(ours, scheme, seed=13)
    torch.manual_seed(13)
    for module in (theirs[0], theirs[4]):
        TORCHS[scheme](module.weight)
    assert names == ("0.weight", "0.bias", "4.weight", "4.bias")
    for place in (0, 4):
        assert torch.equal(ours[place].weight, theirs[place].weight)
        assert ours[place].bias.abs().max() == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_depends_on_the_seed_alone_and_leaves_torchs_generator(scheme):
    first, second = nn.Linear(30, 20), nn.Linear(30, 20)
    state = torch.get_rng_state()
    initialise(first, scheme, seed=5)
    initialise(second, scheme, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.weight, second.weight)
    initialise(second, scheme, seed=6)
    assert torch.equal(first.weight, second.weight) == (scheme == "zeros")


@pytest.mark.parametrize("scheme", ["normal", "uniform", "truncated-normal"])
def test_std_is_the_deviation(scheme):
    layer = nn.Linear(300, 300)
    initialise(layer, scheme, std=0.02)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.14)  # a truncated one has less
    assert layer.weight.mean().item() == pytest.approx(0, abs=4e-4)


def test_gain_is_a_number_or_an_activation():
    layer = nn.Linear(400, 400)
    sizes = []
    for gain in (1.0, "tanh", "relu", 3):
        initialise(layer, "kaiming-normal", gain=gain)
        sizes.append(layer.weight.std().item() * math.sqrt(400))
    assert sizes == pytest.approx([1, 5 / 3, math.sqrt(2), 3], rel=0.02)


def test_biases_are_set_or_stay():
    model = nn.Linear(3, 2)
    kept = model.bias.detach().clone()
    assert initialise(model, "normal", bias=None) == ("weight",)
    assert torch.equal(model.bias, kept)
    initialise(model, "normal", bias=0.25)
    assert model.bias.tolist() == [0.25, 0.25]


def test_norms_and_embeddings_are_left_alone_and_recurrent_layers_are_not():
    model = nn.Sequential(nn.Embedding(4, 3), nn.LayerNorm(3), nn.GRU(3, 2))
    kept = [parameter.detach().clone() for parameter in (*model[0].parameters(), *model[1].parameters())]
    names = initialise(model, "orthogonal")
    assert names == ("2.weight_ih_l0", "2.weight_hh_l0", "2.bias_ih_l0", "2.bias_hh_l0")
    assert all(map(torch.equal, kept, (*model[0].parameters(), *model[1].parameters())))
    assert model[2].bias_hh_l0.abs().max() == 0


def test_a_shared_weight_is_drawn_once():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    assert initialise(nn.Sequential(first, second), "normal") == ("0.weight",)


@pytest.mark.parametrize(
    ("scheme", "settings", "message"),
    [
        ("kaiming", {}, "no scheme 'kaiming'.*Did you mean 'kaiming-"),
        ("normal", {"gain": 2.0}, "takes no gain"),
        ("xavier-normal", {"gain": "rely"}, "No gain is known for 'rely'.*Did you mean 'relu'"),
    ],
)
def test_refuses_what_it_does_not_know(scheme, settings, message):
    with pytest.raises(ModelError, match=message):
        initialise(nn.Linear(1, 1), scheme, **settings)


def test_refuses_a_model_without_layers():
    with pytest.raises(ModelError, match="no linear, convolutional or recurrent layer"):
        initialise(nn.BatchNorm1d(3), "normal")
