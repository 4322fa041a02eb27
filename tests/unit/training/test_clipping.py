"""Clipping in flight."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from toys import experiment, network

import stepwell as sw
from stepwell.core.errors import ModelError, TrainingError
from stepwell.training.clipping import clip_hidden, clip_parameters, clipped


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6), st.floats(0.1, 10))
def test_by_value_and_by_norm_are_torchs(numbers, limit):
    gradient = torch.tensor(numbers)
    for name, clip in (("value", nn.utils.clip_grad_value_), ("norm", nn.utils.clip_grad_norm_)):
        parameter = nn.Parameter(torch.zeros(len(numbers)))
        parameter.grad = gradient.clone()
        clip([parameter], limit)
        torch.testing.assert_close(clipped(gradient, **{name: limit}), parameter.grad)


class Looped(nn.Module):
    """A cell that multiplies its state by 3 at each of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.cell = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.start.weight, 1.0)
        nn.init.constant_(self.cell.weight, 3.0)

    def forward(self, x: Tensor) -> Tensor:
        state = self.start(x)
        for _ in range(5):
            state = self.cell(state)
        return state


def _gradient(model: nn.Module) -> float:
    model.zero_grad()
    model(torch.ones(1, 1)).sum().backward()
    return float(model.start.weight.grad)


def test_a_gradient_that_explodes_on_its_way_is_held_at_each_step():
    model = Looped()
    assert _gradient(model) == 3**5
    with clip_hidden(model, "cell", 1.0):
        assert _gradient(model) == 3  # of the last clip, through one more step
        assert model(torch.ones(1, 1)).item() == 3**5
    with clip_hidden(model, ["cell", "start"], norm=0.5):
        assert _gradient(model) == pytest.approx(0.5)
    assert _gradient(model) == 3**5


def test_hooks_go_after_an_error_too():
    model = Looped()
    with pytest.raises(ZeroDivisionError), clip_hidden(model, "*", 1.0), clip_parameters(model, 0.1):
        raise ZeroDivisionError
    assert _gradient(model) == 3**5
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(parameter._backward_hooks for parameter in model.parameters())


def test_outputs_in_a_tuple_and_without_gradients_are_taken():
    model = nn.LSTM(2, 3)
    with clip_hidden(nn.Sequential(model), "0", 1e-3):
        out, (hidden, _) = model(torch.ones(4, 1, 2))
        (1e6 * out.sum() + 1e6 * hidden.sum()).backward()
        with torch.no_grad():
            model(torch.ones(4, 1, 2))
    assert 0 < model.weight_hh_l0.grad.abs().max() < 1


def test_a_fit_within_the_context_is_clipped():
    """What lies before the clipped layer gets small gradients at every step; a limit that is never reached changes no bit."""

    def trained(limit: float) -> tuple[list[Tensor], float]:
        model, seen = network(), list[Tensor]()
        model[0].bias.register_hook(seen.append)
        with clip_hidden(model, "1", limit):
            sw.fit(experiment(model, epochs=1))
        return list(model.parameters()), max(float(gradient.abs().max()) for gradient in seen)

    plain = experiment(network(), epochs=1)
    sw.fit(plain)
    loose, free = trained(1e9)
    assert trained(1e-4)[1] <= 4 * 1e-4  # the four rows of a batch
    assert free > 1e-2
    assert all(map(torch.equal, loose, plain.model.parameters()))


def test_on_parameters_it_is_clipping_by_value_bit_by_bit():
    in_flight, after = experiment(network()), experiment(network(), clip_value=1e-3)
    with clip_parameters(in_flight.model, 1e-3):
        sw.fit(in_flight)
    sw.fit(after)
    assert all(map(torch.equal, in_flight.model.parameters(), after.model.parameters()))


def test_frozen_parameters_are_left_alone():
    model = network()
    model[0].requires_grad_(False)
    with clip_parameters(model, 1.0):
        assert model[0].weight._backward_hooks is None


def test_layers_that_are_not_there():
    message = "no layer 'cel'; it has start, cell. Did you mean 'cell'"
    with pytest.raises(ModelError, match=message), clip_hidden(Looped(), "cel", 1):
        pass


@pytest.mark.parametrize("limits", [{}, {"value": 1, "norm": 1}, {"value": 0}, {"norm": -1.0}])
def test_refuses_limits_that_are_none(limits):
    with pytest.raises(TrainingError, match="give"), clip_parameters(Looped(), **limits):
        pass


def test_layers_of_several_names_and_kinds_are_found():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    for layers in ("2", nn.Linear, ["0", "2"]):
        with clip_hidden(model, layers, 1.0):
            assert len(shared._forward_hooks) == 1
            assert not model[1]._forward_hooks
