"""Spaces between layers."""

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.insight.features import after, grid_lines, push, transformed
from stepwell.models import mlp

X = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return mlp(
        (2, 3, 1), activation=nn.Sigmoid, dropout=0.5, names=("hidden", "activation", "dropout", "output")
    ).train()


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def test_before_and_after_a_layer() -> None:
    model = network()
    seen = transformed(model, "activation", X)
    torch.testing.assert_close(seen.before, model.hidden(X).detach())
    torch.testing.assert_close(seen.after, seen.before.sigmoid())
    assert not seen.after.requires_grad
    assert model.training
    assert model.dropout.training
    assert hooks(model) == 0


def test_in_place_activations_do_not_reach_back() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True))
    seen = transformed(model, "1", X)
    torch.testing.assert_close(seen.after, seen.before.relu())


class Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("broken")


def test_the_hook_goes_also_when_the_model_fails() -> None:
    model = nn.Sequential(nn.Linear(2, 2), Broken())
    with pytest.raises(ValueError, match="broken"):
        transformed(model, "0", X)
    assert hooks(model) == 0


def test_nested_layers_and_unused_ones() -> None:
    model = nn.Sequential(network(), nn.Tanh())
    assert transformed(model, "0.hidden", X).after.shape == (9, 3)
    with pytest.raises(ModelError, match="no layer '0.hiden'.*Did you mean '0.hidden'"):
        transformed(model, "0.hiden", X)
    model.spare = nn.Identity()
    model.forward = lambda x: x  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="does not use its layer '0.hidden'"):
        transformed(model, "0.hidden", X)


def test_layers_of_other_than_tensors_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x

    with pytest.raises(ModelError, match="'0' does not turn a tensor into a tensor"):
        transformed(nn.Sequential(Two()), "0", X)


def test_a_grid_covers_the_points() -> None:
    lines = grid_lines(X, lines=5, steps=7)
    assert lines.shape == (10, 7, 2)
    assert (lines[:5, :, 0] == lines[:5, :1, 0]).all()  # upright
    assert (lines[5:, :, 1] == lines[5:, :1, 1]).all()  # level
    for feature in (0, 1):
        assert lines[..., feature].min() == X[:, feature].min()
        assert lines[..., feature].max() == pytest.approx(X[:, feature].max().item())
    wider = grid_lines(X, margin=0.5)
    assert wider[..., 0].min() < X[:, 0].min()
    with pytest.raises(DataError, match=r"rows of 2 features; these have the shape \(9, 3\)"):
        grid_lines(torch.zeros(9, 3))


def test_a_linear_layer_keeps_lines_straight_and_an_activation_does_not() -> None:
    seen = push(network(), "activation", grid_lines(X, steps=5))
    bend = seen.before[:, 2] - (seen.before[:, 0] + seen.before[:, 4]) / 2
    assert bend.abs().max() < 1e-5
    assert (seen.after[:, 2] - (seen.after[:, 0] + seen.after[:, 4]) / 2).abs().max() > 1e-3


def test_the_part_behind_a_layer_goes_on_from_there() -> None:
    model = network().eval()
    seen = transformed(model, "activation", X)
    torch.testing.assert_close(after(model, "activation")(seen.after), model(X))
    torch.testing.assert_close(after(model, "hidden")(seen.before), model(X))
    assert len(after(model, "output")) == 0
    with pytest.raises(ModelError, match="no layer 'activated'"):
        after(model, "activated")
