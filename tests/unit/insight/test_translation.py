"""Pictures that are moved."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.translation import shifted, translation_probe

PICTURES = torch.rand(2, 1, 5, 6, generator=torch.Generator().manual_seed(0))
shifts = st.integers(-8, 8)


@given(shifts, shifts)
def test_wrapped_shifts_are_numpys(down: int, right: int) -> None:
    expected = np.roll(PICTURES.numpy(), (down, right), axis=(2, 3))
    np.testing.assert_array_equal(shifted(PICTURES, down, right), expected)


@given(shifts, shifts)
def test_zeros_come_in(down: int, right: int) -> None:
    wide = torch.nn.functional.pad(PICTURES, (9, 9, 9, 9))
    expected = wide[:, :, 9 - down : 14 - down, 9 - right : 15 - right]
    assert torch.equal(shifted(PICTURES, down, right, wrap=False), expected)


def test_probe_of_several_models() -> None:
    torch.manual_seed(0)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(30, 3))
    blind = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 3)).train()
    probe = translation_probe({"flat": flat, "blind": blind}, PICTURES, [0, 2], reach=2)
    assert probe.offsets == (-2, -1, 0, 1, 2)
    assert probe.probabilities["flat"].shape == (2, 5, 5)
    expected = flat(torch.roll(PICTURES, (1, -2), (2, 3))).softmax(1)[[0, 1], [0, 2]]
    torch.testing.assert_close(probe.at("flat", 1, -2), expected.detach())
    assert probe.spread("blind") < 1e-6 < probe.spread("flat")
    assert blind.training


def test_the_first_models_own_answers() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(30, 3))
    probe = translation_probe(model, (PICTURES * 255).byte(), reach=0)
    assert probe.classes.tolist() == model((PICTURES * 255).byte() / 255).argmax(1).tolist()
    assert probe.probabilities["model"].shape == (2, 1, 1)
    with pytest.raises(ModelError, match="0 models"):
        translation_probe({}, PICTURES)
