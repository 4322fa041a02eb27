"""Permutation importance, against the truth of linear models and scikit-learn."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.inspection import permutation_importance as of_scikit_learn
from sklearn.linear_model import LinearRegression
from torch import Tensor, nn

from stepwell import Binary, Multiclass, Regression
from stepwell.core.errors import DataError, TaskError
from stepwell.insight.columns import put
from stepwell.insight.importance import permutation_importance
from stepwell.insight.outputs import outputs_of
from stepwell.insight.scores import Score, score_of

ROWS = 300
MSE = score_of(Regression(), "loss")


def table(seed: int = 0, width: int = 3) -> Tensor:
    return torch.randn(ROWS, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weighted(inputs: Tensor) -> Tensor:
    return inputs @ torch.tensor([[3.0], [0.5], [0.0]], dtype=torch.float64)


def one_each(width: int) -> dict[str, tuple[int, ...]]:
    return {f"x{index}": (index,) for index in range(width)}


def test_a_linear_model_needs_a_column_by_twice_its_squared_weight_times_its_variance() -> None:
    x = table()
    found = permutation_importance(weighted, x, weighted(x), one_each(3), MSE, repeats=400)
    due = 2 * torch.tensor([3.0, 0.5, 0.0]) ** 2 * x.var(0, correction=0)
    assert [c.column for c in found.columns] == ["x0", "x1", "x2"]
    assert [c.increase for c in found.columns] == pytest.approx(due.tolist(), rel=0.03)
    assert found.columns[2].repeats == (0.0,) * 400
    assert (found.metric, found.good, found.score) == ("loss", "min", 0.0)


def test_it_agrees_with_scikit_learn() -> None:
    x, noise = table(1), table(2, 1)
    y = weighted(x) + noise
    known = LinearRegression().fit(x, y)
    due = of_scikit_learn(known, x, y, scoring="neg_root_mean_squared_error", n_repeats=200, random_state=0)
    found = permutation_importance(
        lambda inputs: torch.as_tensor(known.predict(inputs)),
        x,
        y,
        one_each(3),
        score_of(Regression()),
        repeats=200,
    )
    ours = {c.column: c for c in found.columns}
    for index, (mean, std) in enumerate(zip(due.importances_mean, due.importances_std, strict=True)):
        assert ours[f"x{index}"].increase == pytest.approx(mean, abs=4 * std / np.sqrt(100))
        assert ours[f"x{index}"].std == pytest.approx(std, rel=0.25)


def test_a_column_of_several_features_is_exchanged_as_one() -> None:
    """A row's one-hot features keep their sum, so a model of the sum does not need them."""
    x = torch.eye(4, dtype=torch.float64)[torch.arange(ROWS) % 4]
    total = Score("spread", "min", lambda outputs, _: float(outputs.var()))
    found = permutation_importance(
        lambda inputs: inputs.sum(1), x, torch.zeros(ROWS), {"all": range(4), "half": (0, 1)}, total
    )
    assert {c.column: c.increase > 0 for c in found.columns} == {"half": True, "all": False}


def test_numbers_and_codes_are_exchanged_together() -> None:
    inputs = {"numbers": torch.arange(6.0).reshape(6, 1), "codes": torch.arange(6).reshape(6, 1)}
    seen = []

    def predict(given: dict[str, Tensor]) -> Tensor:
        seen.append(given)
        return given["numbers"] - given["codes"]

    place = {"numbers": (0,), "codes": (0,)}
    found = permutation_importance(predict, inputs, torch.zeros(6, 1), {"day": place}, MSE, repeats=3)
    assert found.columns[0].repeats == (0.0, 0.0, 0.0)
    moved = seen[1]["codes"].reshape(3, 6)
    assert seen[1]["codes"].dtype == torch.int64
    assert moved.sort(1).values.tolist() == [list(range(6))] * 3
    assert len({tuple(repeat) for repeat in moved.tolist()}) > 1
    assert inputs["codes"].flatten().tolist() == list(range(6))


def test_a_number_depends_on_seed_and_column_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    x = table()
    ask = partial(permutation_importance, weighted, x, weighted(x), score=MSE)
    alone, among = ask({"x1": (1,)}), ask(one_each(3))
    assert alone.columns[0] in among.columns
    assert ask({"x1": (1,)}, seed=1) != alone
    monkeypatch.setattr("stepwell.insight.importance._AT_ONCE", 7)
    assert ask(one_each(3)) == among


@pytest.mark.parametrize("name", [None, "loss", "accuracy", "roc_area"])
def test_scores_of_a_classifier_fall(name: str | None) -> None:
    x = table()
    labels = (weighted(x) > 0).double()
    score = score_of(Binary(), name)
    found = permutation_importance(weighted, x, labels, one_each(3), score)
    assert found.metric == (name or "loss")
    assert [c.column for c in found.columns] == ["x0", "x1", "x2"]
    assert found.columns[0].increase > 0.2
    assert found.to_json()["columns"][0].keys() == {"column", "increase", "std"}


def test_several_classes_and_a_model() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.9), nn.BatchNorm1d(4)).double().train()
    x = table()
    labels = outputs_of(model, x, batch_size=17).argmax(1)
    found = permutation_importance(
        partial(outputs_of, model), x, labels, one_each(3), score_of(Multiclass(classes=4), "accuracy")
    )
    assert found.score == 1.0
    assert all(c.increase > 0 for c in found.columns)
    assert model.training
    assert int(model[2].num_batches_tracked) == 0


def test_what_cannot_be_done_is_said() -> None:
    x = table()
    with pytest.raises(DataError, match="2 rows and 1 repeat at least; given: 300 rows, 0 repeats"):
        permutation_importance(weighted, x, weighted(x), {}, MSE, repeats=0)
    with pytest.raises(DataError, match="has the features 0 to 2; there is no 3"):
        permutation_importance(weighted, x, weighted(x), {"x": (3,)}, MSE)
    with pytest.raises(TaskError, match="no metric 'rsme'; it has loss, mae, rmse, r2. Did you mean 'rmse'"):
        score_of(Regression(), "rsme")
    with pytest.raises(DataError, match="no tensor 'number'; they have numbers. Did you mean 'numbers'"):
        put({"numbers": x}, {"number": (0,)}, {"numbers": x})
    with pytest.raises(DataError, match=r"say in which of them the column lies, such as \{'numbers': \[0\]\}"):
        put({"numbers": x}, (0,), {"numbers": x})
    with pytest.raises(DataError, match="a Tensor, which has no names"):
        put(x, {"numbers": (0,)}, x)
