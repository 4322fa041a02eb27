"""Receptive fields: calculated and measured ones agree."""

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.insight.receptive import Box, effective_field, receptive_fields, seen_by
from stepwell.models import FromPixels

CHAINS = {
    "one convolution": nn.Sequential(nn.Conv2d(2, 3, 3)),
    "pooled": nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(3, 2, 3)),
    "strided and dilated": nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.Tanh(), nn.Conv2d(4, 2, 3, dilation=2)),
    "same": nn.Sequential(nn.Conv2d(2, 2, 5, padding="same"), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding="same")),
    "rectangular": nn.Sequential(nn.Conv2d(2, 2, (3, 1), padding=(1, 0)), nn.AvgPool2d((1, 2))),
    "left over": nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1)),
    "rounded up": nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(2, 2, 3, padding=1)),
    "nested": nn.Sequential(nn.Sequential(nn.Conv2d(2, 2, 3), nn.Dropout(0.5)), nn.Sequential(nn.Conv2d(2, 2, 3))),
}


@pytest.mark.parametrize("name", CHAINS)
def test_both_agree_everywhere(name: str) -> None:
    model = CHAINS[name].train()
    with torch.no_grad():
        height, width = model.eval()(torch.zeros(1, 2, 15, 17)).shape[2:]
    model.train()
    for at in ((0, 0), (height // 2, width // 2), (height - 1, width - 1), (0, width - 1)):
        assert effective_field(model, (2, 15, 17), at=at).box == seen_by(model, (15, 17), at)
    assert all(module.training for module in model.modules())


def test_sizes_strides_and_starts() -> None:
    fields = receptive_fields(CHAINS["strided and dilated"])
    assert [(field.name, field.size, field.stride, field.start) for field in fields] == [
        ("0", (3, 3), (2, 2), (0, 0)),
        ("1", (3, 3), (2, 2), (0, 0)),
        ("2", (11, 11), (2, 2), (0, 0)),
    ]
    assert receptive_fields(CHAINS["rectangular"])[-1].size == (3, 2)
    assert receptive_fields(CHAINS["same"])[-1].start == (-3, -3)


def test_inside_the_window_is_the_fields_place() -> None:
    model = CHAINS["pooled"]
    field = receptive_fields(model)[-1]
    box = seen_by(model, (40, 40), (5, 7))
    assert box.size == field.size
    assert (box.top, box.left) == tuple(
        field.start[side] + field.stride[side] * unit for side, unit in ((0, 5), (1, 7))
    )


def test_a_chain_ends_where_the_picture_does() -> None:
    fields = receptive_fields(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)))
    assert [field.name for field in fields] == ["0"]


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.wide, self.narrow = nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(x) + self.narrow(x)


def test_any_model_can_be_measured() -> None:
    model = FromPixels(Residual(), (0.5,), (0.5,))
    found = effective_field(model, (1, 11, 11))
    assert found.at == (5, 5)
    assert found.box == Box(3, 3, 8, 8)
    assert found.strength.max() == 1
    assert effective_field(model, (1, 11, 11), "net.narrow", (0, 3)).box == Box(0, 3, 1, 4)
    assert (found.strength == effective_field(model, (1, 11, 11)).strength).all()
    assert all(each.grad is None for each in model.parameters())


def test_a_unit_that_sees_nothing() -> None:
    model = nn.Conv2d(1, 1, 3)
    nn.init.zeros_(model.weight)
    assert effective_field(model, (1, 5, 5)).box == Box(0, 0, 0, 0)


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ModelError, match="The model is a Residual; fields are calculated for chains"):
        receptive_fields(Residual())
    with pytest.raises(ModelError, match="no unit 9: the last layer has 9"):
        seen_by(CHAINS["nested"], (13, 20), (9, 0))
    with pytest.raises(ModelError, match="does not fit on a side of 2"):
        seen_by(CHAINS["one convolution"], (2, 9), (0, 0))
    with pytest.raises(ModelError, match=r"gives \(64, 8\), no maps"):
        effective_field(nn.Sequential(nn.Flatten(), nn.Linear(9, 8)), (1, 3, 3))
    with pytest.raises(ModelError, match=r"no unit \(3, 0\): the maps are 3 × 3"):
        effective_field(CHAINS["one convolution"], (2, 5, 5), at=(3, 0))


def test_a_layer_that_is_used_twice_counts_twice() -> None:
    pool = nn.MaxPool2d(2)
    model = nn.Sequential(nn.Conv2d(1, 1, 3), pool, nn.Conv2d(1, 1, 3), pool)
    last = receptive_fields(model)[-1]
    assert (last.name, last.size, last.stride) == ("3", (10, 10), (4, 4))
    assert seen_by(model, (30, 30), (2, 3)) == Box(8, 12, 18, 22)
