"""The draws of torch's weighted sampler."""

import pytest
import torch
from torch.utils.data import WeightedRandomSampler

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import TorchWeighted


@pytest.mark.parametrize("rows", [None, 7, 50])
def test_it_draws_what_a_seeded_sampler_does(rows: int | None) -> None:
    weights, generator = torch.tensor([0.1, 2.0, 0.0, 1.0, 0.7]), torch.Generator()
    sampler = WeightedRandomSampler(weights.tolist(), rows or 5, generator=generator)
    generator.manual_seed(42)
    for epoch in range(4):
        assert TorchWeighted(weights, 42, rows)(5, Key(0)("order", epoch)).tolist() == list(sampler)


def test_weights_of_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="3 weights, but the training split has 4 rows"):
        TorchWeighted(torch.ones(3), 1)(4, Key(0)("order", 0))
