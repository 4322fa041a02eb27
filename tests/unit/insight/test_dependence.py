"""Partial dependence, against scikit-learn and models whose answer is known."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.inspection import partial_dependence as of_scikit_learn
from torch import nn

from stepwell import Multiclass, predict
from stepwell.core.errors import DataError
from stepwell.insight.dependence import grid_of, partial_dependence, sample_of, variants_of

X = torch.randn(60, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_it_agrees_with_scikit_learn() -> None:
    known = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(X, X[:, 0] * X[:, 1])
    due = of_scikit_learn(known, X.numpy(), [1], method="brute", kind="both", grid_resolution=8)
    grid = due["grid_values"][0]
    found = partial_dependence(
        lambda inputs: torch.as_tensor(known.predict(inputs.numpy())), variants_of(X, (1,), grid), grid, column="b"
    )
    np.testing.assert_allclose(found.y, due["average"][0])
    np.testing.assert_allclose(found.curves, due["individual"][0].T)
    np.testing.assert_allclose(found.low, np.quantile(due["individual"][0], 0.1, axis=0))
    np.testing.assert_allclose(found.high, np.quantile(due["individual"][0], 0.9, axis=0))


def test_the_grid_is_scikit_learns_where_values_are_many() -> None:
    values = X[:, 0].numpy()
    low, high = np.quantile(values, [0.05, 0.95])
    np.testing.assert_allclose(grid_of(values, 7), np.linspace(low, high, 7))
    assert grid_of([3, 1, np.nan, 1, 2]).tolist() == [1, 2, 3]
    assert len(grid_of([])) == 0
    skewed = grid_of([0.0] * 990 + [float(i) for i in range(10)], 5)  # both quantiles are 0
    assert skewed.tolist() == [0, 2, 4, 6, 8]


def test_an_interaction_is_flat_on_average_and_wide() -> None:
    x = torch.cat([X, -X])
    found = partial_dependence(lambda t: t[:, 0] * t[:, 1], variants_of(x, (0,), [-1.0, 1.0]), [-1.0, 1.0], column="a")
    assert found.y == pytest.approx([0, 0], abs=1e-12)
    assert (found.high - found.low > 1).all()


def test_categories_are_set_as_rows_of_features() -> None:
    """Three one-hot features and a code move together, to what is given for each level."""
    inputs = {"numbers": torch.zeros(4, 4), "codes": torch.ones(4, 2, dtype=torch.int64)}
    levels = [
        {"numbers": torch.eye(3)[level].new_tensor([0, *torch.eye(3)[level]]), "codes": torch.tensor([9, level])}
        for level in range(3)
    ]
    place = {"numbers": (1, 2, 3), "codes": (1,)}
    found = partial_dependence(
        lambda t: t["numbers"] @ torch.tensor([50.0, 1, 2, 3]) + 10 * t["codes"][:, 1] + 100 * t["codes"][:, 0],
        variants_of(inputs, place, levels),
        ["red", "green", "blue"],
        column="colour",
        of="prediction of price",
    )
    assert found.y.tolist() == [101, 112, 123]
    assert found.to_json() == {
        "column": "colour",
        "of": "prediction of price",
        "x": ["red", "green", "blue"],
        "y": [101, 112, 123],
        "low": [101, 112, 123],
        "high": [101, 112, 123],
    }


def test_one_of_several_outputs() -> None:
    torch.manual_seed(0)
    model, task = nn.Linear(3, 4).double(), Multiclass(classes=4)
    ask = partial(partial_dependence, partial(predict, model, task), x=[0.0, 1.0], column="a")
    each = [ask(variants_of(X, (0,), [0.0, 1.0]), output=number) for number in range(4)]
    assert sum(found.y for found in each) == pytest.approx([1, 1])
    with pytest.raises(DataError, match="predicts 4 numbers a row; there is no number 4"):
        ask(variants_of(X, (0,), [0.0]), output=4)


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(DataError, match="1 variants of the inputs for 2 values"):
        partial_dependence(lambda t: t[:, 0], variants_of(X, (0,), [0.0]), [0.0, 1.0], column="a")
    with pytest.raises(DataError, match="prediction is a dict; one tensor"):
        partial_dependence(lambda t: {"y": t}, [X], [0.0], column="a")


def test_a_sample_is_even_and_small() -> None:
    assert sample_of(torch.arange(1000.0), 500).tolist() == list(range(0, 1000, 2))
    assert len(sample_of({"numbers": torch.zeros(1001, 2)}, 500)["numbers"]) <= 500
    assert len(sample_of(X, 60)) == 60
