"""Devices, precision, and torch's generators, which are given back."""

import pytest
import torch
from torch import nn

from stepwell.core.devices import autocast, device_of, generators_restored, lay_out, seed_torch, seeded
from stepwell.core.errors import ModelError, StepwellError

CPU = torch.device("cpu")


def test_the_device_is_that_of_parameters_and_buffers() -> None:
    assert device_of(nn.Linear(1, 1)) == CPU
    assert device_of(nn.ReLU()) == CPU


def test_a_model_without_data_is_refused() -> None:
    with pytest.raises(ModelError, match=r"device 'meta'.*model\.to_empty\(device='cpu'\)"):
        device_of(nn.Linear(1, 1, device="meta"))


def test_a_model_on_several_devices_is_refused() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1, device="meta"))
    with pytest.raises(ModelError, match=r"several devices \(cpu, meta\).*model\.to\('cpu'\)"):
        device_of(model)


def test_a_buffer_elsewhere_is_seen() -> None:
    model = nn.Linear(1, 1)
    model.register_buffer("far", torch.ones(1, device="meta"))
    with pytest.raises(ModelError, match="several devices"):
        device_of(model)


def test_fp32_computes_in_float32_and_bf16_in_bfloat16() -> None:
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    with autocast("fp32", CPU):
        assert layer(x).dtype == torch.float32
    with autocast("bf16", CPU):
        assert layer(x).dtype == torch.bfloat16


def test_the_nearest_precision_is_suggested() -> None:
    with pytest.raises(StepwellError, match=r"Unknown precision 'bf61'; known: fp32, bf16\. Did you mean 'bf16'\?"):
        autocast("bf61", CPU)


PICTURES = pytest.mark.parametrize(
    ("layer", "inputs", "format_"),
    [
        (nn.Conv2d(1, 4, 3), (2, 1, 5, 5), torch.channels_last),
        (nn.Conv2d(3, 4, 3), (2, 3, 5, 5), torch.channels_last),
        (nn.Conv3d(1, 4, 3), (2, 1, 5, 5, 5), torch.channels_last_3d),
    ],
    ids=["one channel", "three channels", "a volume"],
)


@PICTURES
def test_a_layer_that_is_laid_out_computes_in_that_format(
    layer: nn.Module, inputs: tuple[int, ...], format_: torch.memory_format
) -> None:
    x = torch.rand(inputs)
    expected, held = layer(x), layer.weight
    lay_out(layer, "channels-last")
    outputs = layer(x)
    assert outputs.is_contiguous(memory_format=format_)
    assert not outputs.is_contiguous()
    assert layer.weight is held
    torch.testing.assert_close(outputs, expected)


def test_weights_that_lie_right_are_left_where_they_are() -> None:
    layer = nn.Conv2d(1, 4, 3)
    lay_out(layer, "channels-last")
    place = layer.weight.data_ptr()
    lay_out(layer, "channels-last")
    assert layer.weight.data_ptr() == place


@pytest.mark.parametrize("number", [0, 1, 2**63, 2**64 - 1])
def test_a_seed_decides_what_torch_draws(number: int) -> None:
    with generators_restored(CPU):
        seed_torch(number, CPU)
        first = torch.rand(3)
        torch.rand(5)
        seed_torch(number, CPU)
        assert torch.equal(torch.rand(3), first)
        seed_torch((number + 1) % 2**64, CPU)
        assert not torch.equal(torch.rand(3), first)


def test_generators_are_given_back_also_after_an_error() -> None:
    before = torch.get_rng_state()

    def seed_and_fail() -> None:
        with generators_restored(CPU):
            torch.manual_seed(3)
            raise KeyError

    with pytest.raises(KeyError):
        seed_and_fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_made_under_a_seed_is_that_of_torchs_seed_and_leaves_no_trace() -> None:
    before = torch.get_rng_state()
    with seeded(42):
        made = nn.Linear(3, 3)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(42)
        expected = nn.Linear(3, 3)
    assert torch.equal(made.weight, expected.weight)
