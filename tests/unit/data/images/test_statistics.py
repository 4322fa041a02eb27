"""The mean of what each picture's statistics are."""

import numpy as np
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data import channel_statistics, scaled
from stepwell.data.images.statistics import image_statistics

PICTURES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (300, 3, 5, 4), dtype=np.uint8))


@pytest.mark.parametrize("pictures", [PICTURES, scaled(PICTURES), scaled(PICTURES).double()])
def test_they_are_torchs_of_each_picture(pictures: torch.Tensor) -> None:
    got, values = image_statistics(pictures), scaled(PICTURES).double().flatten(2)
    assert got.count == 300
    torch.testing.assert_close(got.means, values.mean(2).sum(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(got.stds, values.std(2).sum(0), rtol=1e-6, atol=0)


def test_sums_of_batches_add_up() -> None:
    whole = image_statistics(PICTURES)
    parts = [image_statistics(part) for part in PICTURES.split(77)]
    total = sum(parts[1:], parts[0])
    assert total.count == 300
    torch.testing.assert_close((total.mean, total.std), (whole.mean, whole.std), rtol=1e-12, atol=0)


def test_against_the_data_sets_the_mean_is_the_same_and_the_deviation_less() -> None:
    shifted = (PICTURES // 2 + torch.arange(300).view(-1, 1, 1, 1) % 120).to(torch.uint8)
    mean, std = channel_statistics(scaled(shifted))
    got = image_statistics(shifted)
    torch.testing.assert_close(got.mean, mean, rtol=1e-6, atol=0)
    assert (got.std < 0.9 * std).all()


def test_what_is_no_batch_of_pictures_is_refused() -> None:
    for pictures in (PICTURES[0], PICTURES[:0], PICTURES[:, :, :1, :1]):
        with pytest.raises(DataError, match=r"pictures \(n, channels, height, width\) of 2 or more pixels"):
            image_statistics(pictures)
