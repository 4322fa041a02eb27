import pytest
import torch
from torch.utils.data import DataLoader

from stepwell.core.keys import Key
from stepwell.data import ArraySource, Loader, TorchShuffled


@pytest.mark.parametrize("others", [0, 1, 2])
def test_order_of_a_script_of_plain_torch(others):
    numbers = torch.arange(10)
    train, rest = DataLoader(numbers, batch_size=4, shuffle=True), DataLoader(numbers, batch_size=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        theirs = []
        for _ in range(4):
            theirs.append(torch.cat(list(train)).tolist())
            for _ in range(others):
                list(rest)
    ours = TorchShuffled(7, other_loaders=others)
    assert [ours(10, Key(0)("order", epoch)).tolist() for epoch in range(4)] == theirs


def test_draws_nothing_from_the_global_generator_and_any_epoch_at_once():
    before = torch.get_rng_state()
    loader = Loader(source=ArraySource(torch.arange(10)), batch_size=3, order=TorchShuffled(1), seed=5)
    tail = [batch.index for batch in loader.epoch(100, start=2)]
    whole = torch.cat([batch.index for batch in loader.epoch(100)])
    assert torch.equal(torch.cat(tail), whole[6:])
    assert torch.equal(torch.get_rng_state(), before)
