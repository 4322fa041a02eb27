"""The arithmetic of convolutions, and convolutions written out, against torch's."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.convolution import conv_output_size, layer_costs, transposed_output_size
from stepwell.insight.reference import convolve_1d, convolve_2d, pad_2d, pool_2d

small = st.integers(1, 4)


@given(size=st.integers(1, 20), kernel=small, stride=small, padding=st.integers(0, 3), dilation=small)
def test_sizes_are_torchs(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    picture, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    if dilation * (kernel - 1) + 1 > size + 2 * padding:
        with pytest.raises(ModelError, match="does not fit on a side"):
            conv_output_size(size, kernel, stride, padding, dilation)
        return
    made = F.conv1d(picture, weight, stride=stride, padding=padding, dilation=dilation).shape[2]
    assert conv_output_size(size, kernel, stride, padding, dilation) == made


@given(size=st.integers(4, 20), kernel=small, stride=small, half=st.booleans())
def test_sizes_of_pooling_rounded_up(size: int, kernel: int, stride: int, half: bool) -> None:
    padding = kernel // 2 if half else 0
    made = F.max_pool1d(torch.zeros(1, 1, size), kernel, stride, padding, ceil_mode=True).shape[2]
    assert conv_output_size(size, kernel, stride, padding, ceil=True) == made


@given(size=st.integers(2, 9), kernel=st.integers(2, 5), stride=small, dilation=small, data=st.data())
def test_transposed_sizes_are_torchs(size: int, kernel: int, stride: int, dilation: int, data: st.DataObject) -> None:
    extra = data.draw(st.integers(0, max(stride, dilation) - 1))
    settings = {"stride": stride, "padding": 1, "output_padding": extra, "dilation": dilation}
    made = F.conv_transpose1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), **settings).shape[2]
    assert transposed_output_size(size, kernel, stride, 1, extra, dilation) == made


@pytest.mark.parametrize(
    "call",
    [
        lambda: conv_output_size(0, 3),
        lambda: conv_output_size(3, 3, 0),
        lambda: conv_output_size(3, 3, padding=-1),
        lambda: transposed_output_size(3, 2, 2, output_padding=2),
        lambda: transposed_output_size(1, 2, padding=4),
    ],
)
def test_sizes_that_cannot_be(call: object) -> None:
    with pytest.raises(ModelError):
        call()  # type: ignore[operator]


def test_costs_of_layers() -> None:
    shared = nn.ReLU()
    model = nn.Sequential(
        nn.Conv2d(4, 6, (3, 1), groups=2), shared, nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, groups=2), shared, nn.Flatten()
    ).train()
    costs = layer_costs(model, torch.zeros(2, 4, 8, 8))
    assert [(cost.name, cost.kind, cost.shape) for cost in costs] == [
        ("0", "Conv2d", (6, 6, 8)),
        ("1", "ReLU", (6, 6, 8)),
        ("2", "ConvTranspose2d", (4, 12, 16)),
        ("1", "ReLU", (4, 12, 16)),
        ("4", "Flatten", (768,)),
    ]
    assert [cost.parameters for cost in costs] == [6 * 2 * 3 + 6, 0, 6 * 2 * 9 + 4, 0, 0]
    assert [cost.multiply_adds for cost in costs] == [6 * 6 * 8 * 2 * 3, 0, 6 * 6 * 8 * 2 * 9, 0, 0]
    assert model.training


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=12), st.lists(st.integers(-3, 3), min_size=1, max_size=3))
def test_one_dimension_is_torchs(values: list[int], kernel: list[int]) -> None:
    by_torch = F.conv1d(torch.tensor([[values]]).double(), torch.tensor([[kernel]]).double())
    assert convolve_1d(values, kernel) == by_torch[0, 0].tolist()


@given(
    st.integers(1, 3), st.integers(3, 8), st.integers(3, 8), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99)
)
def test_two_dimensions_are_torchs(channels: int, height: int, width: int, kernel: int, stride: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    picture, weights = generator.normal(size=(channels, height, width)), generator.normal(size=(channels, kernel, 2))
    by_torch = F.conv2d(torch.tensor(picture)[None], torch.tensor(weights)[None], torch.tensor([0.5]).double(), stride)
    np.testing.assert_allclose(convolve_2d(picture, weights, stride=stride, bias=0.5), by_torch[0, 0], atol=1e-12)


@pytest.mark.parametrize("mode", ["constant", "replicate", "reflect", "circular"])
def test_padding_is_torchs(mode: str) -> None:
    picture = torch.arange(20.0).double().reshape(1, 1, 4, 5)
    value = 7.0 if mode == "constant" else None
    by_torch = F.pad(picture, (2, 2, 2, 2), mode=mode, value=value)
    found = pad_2d(picture[0, 0].numpy(), 2, mode=mode, value=7.0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, by_torch[0, 0])


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (2, 3)])
def test_pooling_is_torchs(size: int, stride: int | None) -> None:
    picture = np.random.default_rng(0).normal(size=(7, 8))
    values = torch.tensor(picture)[None]
    np.testing.assert_array_equal(pool_2d(picture, size, stride=stride), F.max_pool2d(values, size, stride)[0])
    np.testing.assert_allclose(pool_2d(picture, size, stride=stride, how="mean"), F.avg_pool2d(values, size, stride)[0])


def test_what_does_not_fit() -> None:
    with pytest.raises(ModelError, match="no place on a side of 2"):
        convolve_1d([1, 2], [1, 2, 3])
    with pytest.raises(ModelError, match="filter of 2 channels does not fit a picture of 1"):
        convolve_2d(np.ones((4, 4)), np.ones((2, 3, 3)))
    with pytest.raises(ModelError, match="no pooling 'median'"):
        pool_2d(np.ones((4, 4)), 2, how="median")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no padding 'reflective'.*Did you mean 'reflect'"):
        pad_2d(np.ones((4, 4)), 1, mode="reflective")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="got shape"):
        convolve_2d(np.ones(4), np.ones((2, 2)))
