"""Filters, hand-made kernels and feature maps."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from scipy import signal
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.filters import KERNELS, apply_kernel, feature_maps, filters_of, kernel_of, main_layers, set_kernel
from stepwell.models import DigitNet, FromPixels

PICTURES = torch.rand(2, 3, 9, 10, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("padding", "flipped"), [("same", False), ("valid", True), ("full", True)])
def test_kernels_are_scipys(name: str, padding: str, flipped: bool) -> None:
    found = apply_kernel(PICTURES, name, padding=padding, flipped=flipped)  # type: ignore[arg-type]
    by_scipy = signal.convolve2d if flipped else signal.correlate2d
    expected = by_scipy(PICTURES[1, 2].numpy(), np.array(KERNELS[name]), mode=padding)
    np.testing.assert_allclose(found[1, 2].numpy(), expected, atol=1e-6)


def test_blur_is_pillows() -> None:
    bytes_ = (torch.rand(12, 12, generator=torch.Generator().manual_seed(1)) * 255).byte()
    by_pillow = np.asarray(Image.fromarray(bytes_.numpy()).filter(ImageFilter.BoxBlur(1)), dtype=float)
    found = apply_kernel(bytes_, "blur", padding="valid") * 255
    assert np.abs(found.numpy() - by_pillow[1:-1, 1:-1]).max() <= 1


def test_kernels_of_ones_own() -> None:
    wide = [[1.0, 0.0, 0.0, 0.0, -1.0]]
    assert apply_kernel(PICTURES, wide).shape == PICTURES.shape
    torch.testing.assert_close(apply_kernel(PICTURES, wide, padding="valid"), PICTURES[..., :-4] - PICTURES[..., 4:])
    assert all(abs(float(kernel_of(name).sum()) - 1) < 1e-6 for name in ("identity", "blur", "gaussian", "sharpen"))
    assert all(float(kernel_of(name).sum()) == 0 for name in ("edge", "laplace", "sobel down", "horizontal edge"))


def test_a_kernel_in_a_layer() -> None:
    layer = nn.Conv2d(3, 2, 3, padding=1).double()
    set_kernel(layer, "sobel right", bias=0.25)
    expected = apply_kernel(PICTURES, "sobel right").sum(dim=1) + 0.25
    torch.testing.assert_close(layer(PICTURES)[:, 0], expected)
    torch.testing.assert_close(layer(PICTURES)[:, 1], expected)
    assert layer.weight.requires_grad
    set_kernel(nn.Conv2d(1, 1, 3, bias=False), "blur")


def test_filters_of_layers() -> None:
    model = FromPixels(DigitNet(4), (0.0,), (1.0,))
    assert filters_of(model).layer == "net.features.0"
    assert filters_of(model, "net.features.2").weights.shape == (8, 4, 3, 3)
    assert not filters_of(model).weights.requires_grad
    with pytest.raises(ModelError, match="'net.features.1' is a ReLU, and only nn.Conv2d has filters"):
        filters_of(model, "net.features.1")
    with pytest.raises(ModelError, match="no layer 'net.feature.0'.*Did you mean 'net.features.0'"):
        filters_of(model, "net.feature.0")
    with pytest.raises(ModelError, match=r"no nn\.Conv2d"):
        filters_of(nn.Linear(2, 2))


def test_maps_in_the_order_of_calls() -> None:
    model = DigitNet(4).train()
    found = feature_maps(model, torch.rand(2, 1, 8, 8))
    assert [(each.name, each.kind) for each in found[:2]] == [("features.0", "Conv2d"), ("features.1", "ReLU")]
    assert "Dropout" not in {each.kind for each in found}
    assert found[-1].values.shape == (2, 10)
    assert model.training
    torch.testing.assert_close(found[1].values, found[0].values.relu())


def test_what_is_refused() -> None:
    with pytest.raises(ModelError, match="no kernel 'blurr'.*Did you mean 'blur'"):
        apply_kernel(PICTURES, "blurr")
    with pytest.raises(ModelError, match="no padding 'some'"):
        apply_kernel(PICTURES, "blur", padding="some")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"kernels are \(5, 5\), the given one is \(3, 3\)"):
        set_kernel(nn.Conv2d(1, 1, 5), "blur")
    with pytest.raises(ModelError, match=r"a table \(height, width\)"):
        kernel_of([[]])


def test_the_main_layers() -> None:
    assert main_layers(DigitNet(4)) == [
        *("features.0", "features.1", "features.2", "features.3", "features.4"),
        *("head.1", "head.2", "head.4"),
    ]
    assert main_layers(nn.Sequential(*(nn.Linear(2, 2) for _ in range(30))), 4) == ["0", "10", "19", "29"]
    wrapped = FromPixels(DigitNet(4), (0.0,), (1.0,))
    assert main_layers(wrapped) == [
        f"net.{name}" for name in ("features.0", "features.2", "features.4", "head.1", "head.4")
    ]
    assert main_layers(nn.Linear(2, 2)) == [""]
