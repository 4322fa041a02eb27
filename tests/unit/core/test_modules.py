"""Calling modules, and giving their modes back."""

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.modules import call_model, mode_restored


class Two(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b


A, B = torch.tensor(5.0), torch.tensor(2.0)


@pytest.mark.parametrize("inputs", [{"b": B, "a": A}, (A, B), [A, B]])
def test_inputs_go_in_by_their_kind(inputs: object) -> None:
    assert float(call_model(Two(), inputs)) == 3


def test_a_tensor_goes_in_alone() -> None:
    assert call_model(nn.Identity(), A) is A


def test_every_modules_own_mode_is_given_back_also_after_an_error() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Dropout(), nn.ReLU()))
    model[1][0].eval()
    modes = [module.training for module in model.modules()]

    def change_and_fail() -> None:
        with mode_restored(model):
            model.eval()
            raise KeyError

    with pytest.raises(KeyError):
        change_and_fail()
    assert [module.training for module in model.modules()] == modes == [True, True, True, False, True]
