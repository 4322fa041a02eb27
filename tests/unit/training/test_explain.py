"""Errors inside a model name the layer, the shapes and the user's line; errors from elsewhere pass through."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch
import toys
from torch import Tensor, nn

import stepwell as sw
from stepwell.core.errors import ModelError, TaskError
from stepwell.training.explain import explained, locate
from stepwell.training.step import StepResult

X, Y = toys.table()
DATA = sw.Splits(train=sw.ArraySource(X, Y))


def train(model: nn.Module, data: sw.Splits = DATA, **settings: object) -> str:
    with pytest.raises(ModelError) as caught:
        sw.fit(toys.experiment(model, data=data, **settings))
    return str(caught.value)


def test_a_layer_of_the_wrong_size_is_named_with_what_it_was_given() -> None:
    text = train(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(9, 3)))
    first, last = text.splitlines()
    assert first == (
        "Layer '2', Linear(in_features=9, out_features=3, bias=True), cannot take its input: (4, 8) of float32."
        " It expects 9 numbers in the last dimension, as float32."
    )
    assert last == "  torch says: mat1 and mat2 shapes cannot be multiplied (4x8 and 9x3)"


def test_nested_layers_are_named_by_their_path() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Sequential(nn.Tanh(), nn.Sequential(nn.Linear(7, 3))))
    assert train(model).startswith("Layer '1.1.0', Linear(in_features=7, out_features=3, bias=True), cannot take")


def test_another_dtype_is_told() -> None:
    data = sw.Splits(train=sw.ArraySource(X.double(), Y))
    assert "cannot take its input: (4, 3) of float64. It expects 3 numbers in the last dimension, as float32." in train(
        nn.Sequential(nn.Linear(3, 3)), data
    )


def test_a_convolution_says_its_channels() -> None:
    data = sw.Splits(train=sw.ArraySource(torch.ones(8, 5, 6, 6), torch.zeros(8, dtype=torch.int64)))
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 3))
    assert "(4, 5, 6, 6) of float32. It expects (batch, 3 channels, …), as float32." in train(model, data)


def test_batch_norm_of_a_single_row_is_told() -> None:
    """The last batch of an epoch is one row: the commonest error of training that no check of a first batch sees."""
    x, y = toys.table(9)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    text = train(model, sw.Splits(train=sw.ArraySource(x, y)))
    assert text.startswith("Layer '1', BatchNorm1d, ")
    assert "(1, 8) of float32" in text
    assert "torch says: Expected more than 1 value per channel when training" in text


CUSTOM = '''"""A user's model."""

from torch import nn


class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.block = Block()

    def forward(self, x):
        return self.block(self.first(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        halves = x.reshape(-1, 2, 3)
        return self.last(halves)


class Given(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x, mask):
        return self.layer(x)
'''


@pytest.fixture
def mine(tmp_path: Path) -> ModuleType:
    path = tmp_path / "mine.py"
    path.write_text(CUSTOM)
    spec = importlib.util.spec_from_file_location("mine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_users_line_is_told(mine: ModuleType, tmp_path: Path) -> None:
    text = train(mine.Mine())
    lines = text.splitlines()
    assert lines[0].startswith("Layer 'block', Block, cannot take its input: (4, 8) of float32.")
    assert lines[1] == f"  {tmp_path / 'mine.py'}:22: halves = x.reshape(-1, 2, 3)"
    assert lines[2] == "  torch says: shape '[-1, 2, 3]' is invalid for input of size 32"
    assert len(lines) == 3


def test_a_call_with_too_few_inputs_is_told(mine: ModuleType) -> None:
    text = train(mine.Given())
    assert text.startswith("The model, Given, cannot take its input: (4, 3) of float32.")
    assert "missing 1 required positional argument: 'mask'" in text


def test_inputs_by_name_are_told() -> None:
    data = sw.Splits(train=sw.ArraySource({"y": X}, Y))
    text = train(nn.Sequential(nn.Linear(3, 3)), data)
    assert "unexpected keyword argument 'y'" in text


def test_shape_errors_of_evaluations_and_predictions_are_told_too() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    experiment = toys.experiment(model, data=sw.Splits(train=sw.ArraySource(X, Y), test=sw.ArraySource(X[:, :2], Y)))
    with pytest.raises(ModelError, match=r"Layer '0', Linear.* cannot take its input: \(26, 2\) of float32"):
        sw.evaluate(experiment, "test")
    with pytest.raises(ModelError, match=r"Layer '0', Linear.* cannot take its input: \(5, 3\) of float64"):
        sw.predict(model, sw.Multiclass(classes=3), X[:5].double().numpy())


class Raises(sw.Hook):
    def step_end(self, training: sw.Training, result: StepResult) -> None:
        raise ValueError("from the hook")


def test_an_error_of_a_hook_passes_through() -> None:
    with pytest.raises(ValueError, match=re.escape("from the hook")):
        sw.fit(toys.experiment(), hooks=[Raises()])


def test_an_error_of_the_loss_passes_through() -> None:
    class Broken(sw.Multiclass):
        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            raise RuntimeError("from the loss")

    with pytest.raises(RuntimeError, match="from the loss"):
        sw.fit(toys.experiment(task=Broken(classes=3)))


def test_an_error_of_the_data_passes_through() -> None:
    class Broken(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 9

        def __getitem__(self, row: int) -> tuple[Tensor, int]:
            if row == 7:
                raise IndexError("row 7 is broken")
            return X[row], int(Y[row])

    data = sw.Splits(train=sw.as_source(Broken()))
    with pytest.raises(IndexError, match="row 7 is broken"):
        sw.fit(toys.experiment(data=data, order=sw.data.Sequential()))


def test_our_own_errors_pass_through() -> None:
    with pytest.raises(TaskError, match="as it was"), explained(toys.network(), lambda: X):
        raise TaskError("as it was")


def test_nothing_is_located_where_the_forward_pass_goes_through() -> None:
    model = toys.network()
    assert locate(model, X) is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert locate(model, X[:, :2]) is not None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_what_was_not_shown_to_the_model_is_not_blamed_on_it() -> None:
    with pytest.raises(RuntimeError, match="early"), explained(toys.network(), lambda: None):
        raise RuntimeError("early")
