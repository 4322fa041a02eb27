"""A process alone is a world in which sums cost nothing. Several processes are tested in tests/e2e."""

import pytest
import torch
import toys

from stepwell.training.world import SOLO, World, join_world


def test_a_process_alone() -> None:
    tensor = torch.arange(3)
    assert SOLO.gather(tensor).tolist() == [[0, 1, 2]]
    assert SOLO.agree(7) == 7
    assert SOLO.leads
    assert SOLO.shard.size == 1
    model = toys.network()
    before = toys.weights(model)
    SOLO.share(model)
    assert toys.weights(model) == before


def test_without_torchrun_the_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_world() is SOLO
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert join_world() is SOLO


def test_the_first_process_leads() -> None:
    assert [World(rank, 3).leads for rank in range(3)] == [True, False, False]
    assert World(2, 3).shard.rank == 2
