from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.models import TableNet
from stepwell.models.tabular import MemberLinear, PiecewiseLinear

rising = (
    st.lists(st.floats(-3, 3, width=32), min_size=2, max_size=6, unique=True)
    .map(sorted)
    .filter(lambda edges: min(b - a for a, b in pairwise(edges)) > 1e-2)
)


@given(st.lists(rising, min_size=1, max_size=3), st.integers(0, 100))
def test_a_bin_fills_as_its_number_rises(edges: list[list[float]], seed: int) -> None:
    """The embedding of x is the sum over bins of (its filled share, 0..1) times the bin's slope, plus a line and a bias."""
    with seeded(seed):
        layer, x = PiecewiseLinear(edges, 2), torch.randn(5, len(edges)) * 2
    found = layer(x).detach().unflatten(1, (len(edges), 2))
    for number, each in enumerate(edges):
        known = np.float32(each)
        filled = np.clip((x[:, number, None].numpy() - known[:-1]) / np.diff(known), 0, 1)
        slopes, line = layer.slopes[number, : len(each) - 1].detach().numpy(), layer.line[number].detach().numpy()
        due = filled @ slopes + x[:, number, None].numpy() * line + layer.bias[number].detach().numpy()
        np.testing.assert_allclose(found[:, number], due, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("edges", [[[0.0]], [[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0]]])
def test_edges_that_are_no_bins_are_refused(edges: list[list[float]]) -> None:
    with pytest.raises(ModelError, match=f"edges of feature {len(edges) - 1} must be two or more rising"):
        PiecewiseLinear(edges)


def test_each_member_is_a_linear_layer_of_its_own() -> None:
    with seeded(0):
        layer, x = MemberLinear(4, 3, 2, signs=True), torch.randn(6, 4)
        layer.after.data.normal_()
    found = layer(x)
    for row in range(6):
        member = row % 2
        weight = layer.after[member, :, None] * layer.weight * layer.before[member]
        torch.testing.assert_close(found[row], weight @ x[row] + layer.bias[member])


def test_in_training_a_row_meets_one_member_and_in_evaluation_all() -> None:
    with seeded(1):
        net, x = TableNet(3, edges={1: [-1.0, 0.0, 1.0]}, hidden=(8,), members=3, dropout=0.0), torch.randn(6, 3)
    each = torch.stack([net.train()(x.roll(shift, 0)).roll(-shift, 0) for shift in range(3)])
    torch.testing.assert_close(net.eval()(x), each.mean(0))
    assert not torch.allclose(each[0], each[1])


def test_members_that_are_alike_change_nothing() -> None:
    with seeded(2):
        net = TableNet(2, members=2, hidden=(4,), dropout=0.0)
        net.layers[0].before.data.fill_(1.0)
        x = torch.randn(5, 2)
    torch.testing.assert_close(net.train()(x), net.eval()(x))


def test_outputs_are_in_the_targets_units() -> None:
    with seeded(3):
        plain, x = TableNet(2, hidden=(4,)).eval(), torch.randn(5, 2)
    scaled = TableNet(2, hidden=(4,), mean=100.0, std=7.0).eval()
    scaled.load_state_dict({**plain.state_dict(), "mean": torch.tensor(100.0), "std": torch.tensor(7.0)})
    torch.testing.assert_close(scaled(x), 100 + 7 * plain(x))


def test_codes_choose_the_rows_of_embeddings() -> None:
    with seeded(4):
        net = TableNet(1, levels=(3, 50), hidden=(4,)).eval()
    numbers, codes = torch.zeros(2, 1), torch.tensor([[1, 4], [2, 49]])
    due = torch.cat([numbers, net.categories[0].weight[codes[:, 0]], net.categories[1].weight[codes[:, 1]]], 1)
    assert torch.equal(net.taken_in(numbers, codes), due)


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(ModelError, match="needs a column to take in"):
        TableNet(0)
