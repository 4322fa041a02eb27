"""Neighbours on a map of vectors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch import nn

from stepwell.core.errors import StepwellError
from stepwell.insight.neighbours import analogy, nearest

NAMES = ("north", "east", "far north", "south")
MAP = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.1, 5.0], [0.0, -1.0]])


def test_angle_and_distance_differ() -> None:
    assert [one.name for one in nearest(MAP, NAMES, "north")] == ["far north", "east", "south"]
    assert [one.name for one in nearest(MAP, NAMES, "north", by="distance")] == ["east", "south", "far north"]
    assert nearest(MAP, NAMES, "north", 1)[0].distance == pytest.approx(1 - 5 / (5**2 + 0.1**2) ** 0.5)


def test_a_point_leaves_nobody_out() -> None:
    found = nearest(MAP, NAMES, torch.tensor([0.9, 0.2]), 2, by="distance")
    assert [one.name for one in found] == ["east", "north"]
    assert found[0].distance == pytest.approx(0.05**0.5, rel=1e-6)


@given(st.integers(0, 2**31), st.sampled_from(["angle", "distance"]))
def test_they_are_those_of_sklearn(seed: int, by: str) -> None:
    table = torch.randn(12, 3, generator=torch.Generator().manual_seed(seed))
    names = [str(row) for row in range(12)]
    metric = {"angle": "cosine", "distance": "euclidean"}[by]
    distances, rows = NearestNeighbors(n_neighbors=4, metric=metric).fit(table).kneighbors(table[:1])
    found = nearest(table, names, table[0], 4, by=by)  # type: ignore[arg-type]
    assert [one.name for one in found] == [str(row) for row in rows[0]]
    assert [one.distance for one in found] == pytest.approx(distances[0].tolist(), abs=1e-6)


def test_analogies_leave_out_what_they_are_made_of() -> None:
    table = torch.tensor([[1.0, 0.0], [1.0, 1.0], [3.0, 0.0], [3.0, 1.1], [9.0, 9.0]])
    names = ["man", "woman", "king", "queen", "fish"]
    found = analogy(table, names, plus=["king", "woman"], minus=["man"], by="distance")
    assert found[0].name == "queen"
    assert len(found) == 1


def test_weights_of_an_embedding_are_vectors() -> None:
    layer = nn.Embedding(4, 3)
    assert len(nearest(layer.weight, NAMES, "north")) == 3


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(StepwellError, match=r"no vector of the name 'nort'\. Did you mean 'north'\?"):
        nearest(MAP, NAMES, "nort")
    with pytest.raises(StepwellError, match=r"3 names are given for a tensor of shape \(4, 2\)"):
        nearest(MAP, NAMES[:3], "north")
