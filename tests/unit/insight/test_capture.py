"""Watching a model's layers."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.core.layers import choose, layer_of
from stepwell.insight.capture import capture

X = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """One activation twice, in place; a recurrent layer, whose output is a tuple; and a layer that is never used."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.Linear(3, 4)
        self.b = nn.Linear(4, 2)
        self.relu = nn.ReLU(inplace=True)
        self.lstm = nn.LSTM(2, 6, batch_first=True)
        self.spare = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(self.relu(self.b(self.relu(self.a(x))))[:, None])[0]


def hooks(model: nn.Module) -> int:
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    on_modules = sum(len(getattr(module, name)) for module in model.modules() for name in names)
    return on_modules + sum(len(each._backward_hooks or ()) for each in model.parameters())


def test_outputs_by_name_and_pass() -> None:
    model = Net()
    with capture(model) as seen, torch.no_grad():
        model(X), model(X[:2])
    assert list(seen) == ["a", "relu", "b", "relu#2", "lstm"]
    assert [len(each) for each in seen["relu#2"]] == [5, 2]
    assert seen.joined("a").shape == (7, 4)
    torch.testing.assert_close(seen["b"][1], model.b(seen["relu"][1]).detach())
    assert isinstance(seen.last("lstm"), tuple)
    assert seen.unreached == ("spare",)
    assert len(seen) == 5
    assert "spare" not in seen
    assert dict(seen.items())["a"] is seen["a"]


def test_copies_are_safe_from_work_in_place() -> None:
    model = Net()
    with capture(model, "a") as seen:
        model(X)
    torch.testing.assert_close(seen.last("a"), model.a(X).detach())
    assert (seen.last("a") < 0).any()
    assert not seen.last("a").requires_grad


def test_live_outputs_keep_their_graph_and_change_no_result() -> None:
    model = Net()
    with capture(model, ["a", "b"], detached=False) as seen:
        outputs = model(X)
    torch.testing.assert_close(outputs, model(X))
    torch.testing.assert_close(seen.last("a"), model.a(X))
    (gradient,) = torch.autograd.grad(outputs.sum(), seen.last("a"))
    assert gradient.shape == (5, 4)


def test_gradients_of_parameters_are_those_that_are_kept() -> None:
    model = Net()
    with capture(model, ["a", "relu"], "gradients") as seen:
        for _ in range(3):
            model.zero_grad()
            model(X).sum().backward()
    assert set(seen) == {"a.weight", "a.bias"}
    assert len(seen["a.weight"]) == 3
    torch.testing.assert_close(seen.last("a.weight"), model.a.weight.grad)


def test_gradients_of_outputs() -> None:
    model = Net()
    with capture(model, "relu", "output_gradients") as seen:
        model(X).sum().backward()
    plain = model.b(model.a(X).relu()).relu().detach().requires_grad_()
    model.lstm(plain[:, None])[0].sum().backward()
    assert set(seen) == {"relu", "relu#2"}
    torch.testing.assert_close(seen.last("relu#2"), plain.grad)


def test_parameters_before_each_update_and_not_while_validating() -> None:
    model = nn.Sequential(nn.Linear(3, 1))
    optimizer, before = torch.optim.SGD(model.parameters(), lr=0.1), []
    with capture(model, "0", "parameters") as seen:
        for _ in range(3):
            before.append(model[0].weight.detach().clone())
            optimizer.zero_grad()
            model(X).sum().backward()
            optimizer.step()
            with torch.no_grad():
                model(X)
    assert all(map(torch.equal, seen["0.weight"], before))
    assert len(seen["0.weight"]) == 3


@pytest.mark.parametrize("of", ["outputs", "gradients", "parameters", "output_gradients"])
def test_nothing_is_left_behind(of: Any) -> None:
    model = Net()
    with pytest.raises(RuntimeError), capture(model, "*", of):  # noqa: PT012 - the hooks are counted inside
        assert hooks(model) > 0
        model(torch.zeros(5, 4))
    assert hooks(model) == 0
    with capture(model, "*", of):
        model(X).sum().backward()
    assert hooks(model) == 0


def test_captures_do_not_disturb_each_other() -> None:
    model = Net()
    with capture(model, "a") as outer, capture(model, "a") as inner:
        model(X)
    assert torch.equal(outer.last("a"), inner.last("a"))
    assert len(outer["a"]) == len(inner["a"]) == 1


def test_names_patterns_and_kinds() -> None:
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Conv2d(2, 2, 3), nn.Flatten())
    assert list(choose(model)) == ["0.0", "0.1", "1", "2"]
    assert list(choose(model, "0*")) == ["0.0", "0.1"]
    assert list(choose(model, "0.*")) == ["0.0", "0.1"]
    assert list(choose(model, nn.Conv2d)) == ["0.0", "1"]
    assert list(choose(model, ["2", nn.ReLU])) == ["0.1", "2"]
    assert list(choose(model, "")) == [""]
    assert layer_of(model, "0.1") is model[0][1]


def test_shared_layers_have_every_name() -> None:
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, shared)
    assert list(choose(model)) == ["0", "1"]
    with capture(model, "*", "gradients") as seen:
        model(X).sum().backward()
    assert set(seen) == {"0.weight", "0.bias"}


def test_what_is_not_there() -> None:
    model = Net()
    with pytest.raises(ModelError, match=r"no layer 'lst'; it has a, b, relu, lstm, spare\. Did you mean 'lstm'"):
        choose(model, "lst")
    with pytest.raises(ModelError, match="no layer of the kind Conv2d; it has Linear, ReLU, LSTM"):
        choose(model, nn.Conv2d)
    with (
        pytest.raises(ModelError, match="no capture of 'output'.*Did you mean 'outputs'"),
        capture(model, "*", "output"),
    ):  # type: ignore[arg-type]
        pass
    with capture(model) as seen:
        model(X)
    with pytest.raises(ModelError, match="Nothing was captured of 'spare': the model did not come by it"):
        seen["spare"]
    with pytest.raises(ModelError, match="Nothing was captured of 'rel'.*Did you mean 'relu'"):
        seen["rel"]
    with pytest.raises(ModelError, match="'lstm' gave cannot be joined"):
        seen.joined("lstm")


@pytest.mark.parametrize("of", ["outputs", "gradients", "parameters", "output_gradients"])
def test_closing_leaves_no_hook_on_the_model_where_it_was_copied_meanwhile(of: Any) -> None:
    model = Net()
    with capture(model, "*", of):
        twin = copy.deepcopy(model)
        twin(X)
        model(X).sum().backward()
    assert hooks(model) == 0
