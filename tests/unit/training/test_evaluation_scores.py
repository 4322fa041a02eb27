"""Counts by threshold and bins of calibration, against the same numbers computed from all rows at once."""

import numpy as np
import pytest
import sklearn.metrics
import torch
import toys
from torch import nn

import stepwell as sw
from stepwell.insight.calibration import calibration, top_label
from stepwell.training.evaluation import Evaluation

ROWS = 900
X = torch.randn(ROWS, 3, generator=torch.Generator().manual_seed(3))
NOISE = torch.randn(ROWS, generator=torch.Generator().manual_seed(4))
TRUTH = (X[:, 0] + NOISE > 0.5).float()[:, None]


def experiment(model: nn.Module, task: sw.tasks.Task, targets: torch.Tensor, batch_size: int = 37) -> sw.Experiment:
    data = sw.Splits(train=sw.ArraySource(X, targets))
    return toys.experiment(model, data=data, task=task, batch_size=batch_size)


def binary(**settings: object) -> tuple[Evaluation, np.ndarray]:
    """An evaluation of a fixed linear model, and the probabilities that it gives."""
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.4, 0.2, -0.1]]))
        model.bias.fill_(-0.6)
    task = sw.Binary(classes=("no", "yes"), **settings)
    found = sw.evaluate(experiment(model, task, TRUTH), "train")
    return found, model(X).sigmoid().detach().numpy()[:, 0]


def test_counts_at_every_threshold_are_those_of_all_rows() -> None:
    found, probabilities = binary()
    counts, truth = found.ranking, TRUTH[:, 0].numpy() == 1
    assert (counts.positives, counts.negatives) == (truth.sum(), (~truth).sum())
    assert 95 <= len(counts.thresholds) <= 102
    assert (np.diff(counts.thresholds) > 0).all()
    assert (counts.thresholds[0], counts.thresholds[-1]) == (0, 1)
    for at, threshold in enumerate(np.float32(counts.thresholds)):
        said = probabilities >= threshold
        assert counts.true_positives[at] == (said & truth).sum()
        assert counts.false_positives[at] == (said & ~truth).sum()
    assert (counts.true_positives[0], counts.false_positives[0]) == (counts.positives, counts.negatives)


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.333])
def test_at_the_tasks_own_threshold_they_are_its_confusion_matrix(threshold: float) -> None:
    found, _ = binary(threshold=threshold)
    counts = found.ranking
    at = int(np.abs(counts.thresholds - counts.threshold).argmin())
    assert counts.thresholds[at] == pytest.approx(threshold, abs=1e-6)
    right, wrong = counts.true_positives[at], counts.false_positives[at]
    matrix = [[counts.negatives - wrong, wrong], [counts.positives - right, right]]
    assert found.confusion.tolist() == matrix


def test_the_curve_is_that_of_scikit_learn_and_has_the_area() -> None:
    found, probabilities = binary()
    fpr, tpr, _ = sklearn.metrics.roc_curve(TRUTH[:, 0], probabilities, drop_intermediate=False)
    wrong, right = found.ranking.curve.T
    assert found.ranking.curve[0].tolist() == [0, 0]
    assert found.ranking.curve[-1].tolist() == [found.ranking.negatives, found.ranking.positives]
    assert 300 <= len(wrong) <= 400
    ours = np.stack((wrong / found.ranking.negatives, right / found.ranking.positives), 1)
    apart = np.abs(ours[:, None] - np.stack((fpr, tpr), 1)).max(2).min(1)
    assert apart.max() < 0.005
    area = np.trapezoid(right, wrong) / found.ranking.negatives / found.ranking.positives
    assert area == pytest.approx(found.metrics["roc_area"], abs=2e-3)


@pytest.mark.parametrize("batch_size", [1, 37, 900])
def test_calibration_of_two_classes_is_that_of_all_rows(batch_size: int) -> None:
    model = nn.Linear(3, 1)
    found = sw.evaluate(experiment(model, sw.Binary(), TRUTH, batch_size), "train").calibration
    expected = calibration(model(X).sigmoid().detach().numpy()[:, 0], TRUTH[:, 0].numpy())
    assert found.rows.tolist() == expected.rows.tolist()
    np.testing.assert_allclose(found.predicted, expected.predicted, rtol=1e-6)
    np.testing.assert_allclose(found.observed, expected.observed, rtol=1e-12)
    assert found.error == pytest.approx(expected.ece, rel=1e-5)


def test_calibration_of_several_classes_is_that_of_the_most_probable() -> None:
    model, labels = toys.network(), (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
    found = sw.evaluate(experiment(model, sw.Multiclass(classes=3), labels), "train")
    expected = calibration(*top_label(model.eval()(X).softmax(1).detach().numpy(), labels.numpy()))
    assert found.ranking is None
    assert found.calibration.rows.tolist() == expected.rows.tolist()
    assert found.calibration.error == pytest.approx(expected.ece, rel=1e-4)


def test_regressions_have_neither() -> None:
    found = sw.evaluate(experiment(nn.Linear(3, 1), sw.Regression(), TRUTH), "train")
    assert found.ranking is None
    assert found.calibration is None


def test_the_worst_rows_of_several_tensors_show_all_their_numbers() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, numbers: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
            return self.scale * (numbers.sum(1, keepdim=True) + codes)

    inputs = {"numbers": X[:, :2], "codes": torch.arange(ROWS)[:, None]}
    data = sw.Splits(train=sw.ArraySource(inputs, TRUTH))
    worst = sw.evaluate(toys.experiment(Two(), data=data, task=sw.Regression()), "train", worst=1).worst[0]
    assert worst.input.tolist() == [*X[worst.row, :2].tolist(), worst.row]


def test_rows_of_one_class_alone_are_counted() -> None:
    found = sw.evaluate(experiment(nn.Linear(3, 1), sw.Binary(), torch.ones(ROWS, 1)), "train").ranking
    assert (found.positives, found.negatives) == (ROWS, 0)
    assert found.false_positives.sum() == 0
    assert np.isfinite(found.curve).all()


def test_probabilities_and_targets_in_one_dimension_are_taken_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    found = sw.evaluate(experiment(model, sw.Binary(outputs="probabilities"), TRUTH[:, 0]), "train")
    said = model(X).detach().numpy() >= 0.5
    at = found.ranking.thresholds.tolist().index(0.5)
    assert found.ranking.true_positives[at] == (said & (TRUTH[:, 0].numpy() == 1)).sum()


@pytest.mark.parametrize("batch_size", [1, 37, 900])
def test_thresholds_lie_where_a_rare_class_is(batch_size: int) -> None:
    rare = (X[:, 0] > 2).float()[:, None]
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.5, 0.1, 0.0]]))
        model.bias.fill_(-6)
    assert 5 < rare.sum() < 40
    counts = sw.evaluate(experiment(model, sw.Binary(), rare, batch_size), "train").ranking
    probabilities = model(X).sigmoid().detach().numpy()[:, 0]
    assert probabilities.max() < 0.05
    for at, threshold in enumerate(np.float32(counts.thresholds)):
        assert counts.true_positives[at] == ((probabilities >= threshold) & (rare[:, 0].numpy() == 1)).sum()
        assert counts.false_positives[at] == ((probabilities >= threshold) & (rare[:, 0].numpy() == 0)).sum()
    assert len(np.unique(counts.true_positives)) >= int(rare.sum())
    assert len(np.unique(counts.true_positives + counts.false_positives)) > 60


@pytest.mark.parametrize("probability", [0.0, 1.0, 1e-30])
def test_probabilities_at_the_ends_are_counted(probability: float) -> None:
    class Constant(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs) * 0 + probability

    model = Constant(3, 1)
    found = sw.evaluate(experiment(model, sw.Binary(outputs="probabilities"), TRUTH), "train").ranking
    reached = found.thresholds <= np.float32(probability)
    expected = np.where(reached, int(TRUTH.sum()), 0)
    assert found.true_positives.tolist() == expected.tolist()
