"""Jitter against Pillow's enhancements, noise against the normal distribution."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import stats

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment import AddNoise, Jitter
from stepwell.data.augment.colour import LUMA

KEY = Key(4)("colour")


class Fixed(Key):
    """A key whose draws are all one number."""

    def uniform(self, rows: torch.Tensor, shape: tuple[int, ...] = ()) -> torch.Tensor:
        """`self.seed` thousandths, for every draw."""
        return torch.full((len(rows), *shape), self.seed / 1000)


ENHANCED = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color}
COLOURED = np.random.default_rng(1).integers(0, 256, (20, 24, 3), dtype=np.uint8)
BATCH = torch.from_numpy(COLOURED).permute(2, 0, 1)[None]
ONE = torch.zeros(1, dtype=torch.int64)


@pytest.mark.parametrize("what", ENHANCED)
@pytest.mark.parametrize("drawn", [0, 250, 500, 1000])
def test_as_pillow_enhances(what: str, drawn: int) -> None:
    made = Jitter(**{what: 0.6})(BATCH, ONE, Fixed(drawn))
    theirs = ENHANCED[what](Image.fromarray(COLOURED)).enhance(0.4 + 1.2 * drawn / 1000)
    assert np.abs(255 * made[0].permute(1, 2, 0).numpy() - np.asarray(theirs, dtype=np.float64)).max() < 2


def test_grey_pictures_as_pillow_enhances_them() -> None:
    grey = COLOURED[..., 0]
    made = Jitter(contrast=0.5, saturation=0.9, hue=0.5)(torch.from_numpy(grey)[None, None], ONE, Fixed(1000))
    theirs = ImageEnhance.Contrast(Image.fromarray(grey)).enhance(1.5)
    assert np.abs(255 * made[0, 0].numpy() - np.asarray(theirs, dtype=np.float64)).max() < 2


def test_a_turn_of_hue_keeps_greys_and_brightness_and_comes_back() -> None:
    grey = torch.full((1, 3, 2, 2), 0.4)
    assert torch.allclose(Jitter(hue=0.3)(grey, ONE, Fixed(900)), grey, atol=1e-6)
    soft = 0.4 + 0.1 * torch.rand(1, 3, 8, 8)  # so that nothing is cut at 0 or 1
    turned = Jitter(hue=0.5)(soft, ONE, Fixed(800))
    luma = torch.tensor(LUMA).view(3, 1, 1)
    assert torch.allclose((turned * luma).sum(1), (soft * luma).sum(1), atol=1e-5)
    assert (turned - soft).abs().max() > 0.05
    assert torch.allclose(Jitter(hue=0.5)(turned, ONE, Fixed(200)), soft, atol=1e-5)
    assert torch.allclose(Jitter(hue=0.5)(soft, ONE, Fixed(1000)), Jitter(hue=0.5)(soft, ONE, Fixed(0)), atol=1e-5)


def test_red_turns_by_a_third_into_green() -> None:
    red = torch.tensor([0.6, 0.4, 0.4]).view(1, 3, 1, 1)
    turned = [Jitter(hue=0.5)(red, ONE, Fixed(round(1000 * (0.5 + sign / 3)))).flatten().argmax() for sign in (1, -1)]
    assert sorted(int(colour) for colour in turned) == [1, 2]


def test_the_middle_of_every_range_changes_nothing() -> None:
    images = torch.rand(3, 3, 5, 5)
    made = Jitter(0.5, 0.5, 0.5, 0.5)(images, torch.arange(3), Fixed(500))
    assert torch.allclose(made, images, atol=1e-6)


def test_factors_do_not_go_below_zero_and_values_stay_from_0_to_1() -> None:
    made = Jitter(5.0, 5.0, 5.0, 0.5)(torch.rand(200, 3, 4, 4), torch.arange(200), KEY)
    assert made.min() == 0
    assert made.max() == 1
    assert Jitter(5.0)(torch.rand(1, 3, 4, 4), ONE, Fixed(0)).max() == 0


def test_volumes_of_one_channel() -> None:
    volume = 0.5 * torch.rand(2, 1, 3, 4, 5)
    assert torch.allclose(Jitter(0.5)(volume, torch.arange(2), Fixed(1000)), 1.5 * volume)


def test_wrong_settings() -> None:
    with pytest.raises(DataError, match="takes images of 1 or 3 channels; these have 4"):
        Jitter(0.1)(torch.rand(1, 4, 2, 2), ONE, KEY)
    with pytest.raises(DataError, match=r"A jitter's hue is 0.6; it must be 0 to 0.5"):
        Jitter(hue=0.6)
    with pytest.raises(DataError, match=r"The std of noise is -1; it must be 0 or more"):
        AddNoise(-1)


def test_noise_is_normal_and_of_the_given_size() -> None:
    drawn = AddNoise(0.2)(torch.zeros(64, 3, 60, 61), torch.arange(64), KEY).double()
    assert drawn.std().item() == pytest.approx(0.2, rel=0.01)
    assert drawn.mean().item() == pytest.approx(0, abs=0.001)
    sample = drawn.flatten()[::50].numpy() / 0.2
    assert stats.kstest(sample, "norm").pvalue > 0.001
    assert np.abs(sample).max() < 4.4


def test_noise_differs_between_pixels_channels_and_rows() -> None:
    drawn = AddNoise(1.0)(torch.zeros(40, 3, 60, 60), torch.arange(40), KEY).double().flatten(1)
    of_rows = np.corrcoef(drawn.numpy())
    assert np.abs(of_rows - np.eye(40)).max() < 0.06
    halves = drawn[:, :8192], drawn[:, 8192:10800]  # drawn in two slabs
    assert abs(np.corrcoef(halves[0][:, :2608].flatten(), halves[1].flatten())[0, 1]) < 0.02
    neighbours = np.corrcoef(drawn[:, :-1].flatten(), drawn[:, 1:].flatten())[0, 1]
    assert abs(neighbours) < 0.01


def test_an_odd_number_of_pixels_and_no_rows() -> None:
    assert AddNoise()(torch.zeros(2, 1, 3, 3), torch.arange(2), KEY).shape == (2, 1, 3, 3)
    assert AddNoise()(torch.zeros(0, 1, 3, 3), torch.arange(0), KEY).shape == (0, 1, 3, 3)


@pytest.mark.parametrize("make", [AddNoise, Jitter, lambda value: Jitter(contrast=value)])
def test_settings_are_finite(make) -> None:
    with pytest.raises(DataError, match=r"is inf; it must be 0 or more, and finite"):
        make(float("inf"))
