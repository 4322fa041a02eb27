"""Godoy, *Deep Learning with PyTorch Step-by-Step*, chapter 3: odds, thresholds and the curves of all thresholds.

Rows S13 and S16. The numbers are those of the moons recipe trained as in row S15.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import auc, confusion_matrix, precision_recall_curve, precision_score, recall_score, roc_curve
from torch import Tensor

from stepwell import Binary, Training, evaluate
from stepwell.data import whole
from stepwell.metrics import Accuracy, Confusion, Metric, Ranking
from stepwell.metrics import ranking as curves
from stepwell.metrics.confusion import precision, rates, recall
from stepwell.training.evaluation import Evaluation

pytestmark = pytest.mark.xdist_group("step-by-step")  # the training is that of test_step_by_step.py
row = partial(pytest.mark.book, "step-by-step-1")
tight = partial(pytest.approx, abs=1e-15)


def state(metric: Metric, predicted: Tensor, targets: Tensor) -> Tensor:
    """A metric's state after one batch."""
    made = metric.zero(torch.device("cpu"))
    metric.update(made, predicted, targets)
    return made


@pytest.fixture(scope="module")
def training(trained: Callable[..., Training]) -> Training:
    return trained("moons", order="torch")


@pytest.fixture(scope="module")
def logits(training: Training) -> Tensor:
    """Of the twenty validation rows, eleven of them positive."""
    with torch.no_grad():
        return training.model(whole(training.experiment.data.val).inputs)


@pytest.fixture(scope="module")
def truth(training: Training) -> Tensor:
    return whole(training.experiment.data.val).targets


@pytest.fixture(scope="module")
def at(training: Training) -> Callable[[float], Evaluation]:
    """The evaluation of the validation rows at a threshold."""

    def evaluated(threshold: float) -> Evaluation:
        task = Binary(threshold=threshold)
        return evaluate(replace(training.experiment, task=task), "val")

    return evaluated


# --- S13 ------------------------------------------------------------------------------------------------------------------


@row("S13", recipe="Binary", kind="exact")
def test_s13_odds_log_odds_sigmoid():
    """Odds of .75 and .25 are 3 and 1/3, their logarithms ±1.0986122886681098, and a task's probabilities of these are .75, .25."""
    probabilities = torch.tensor([[0.75], [0.25]], dtype=torch.float64)
    odds = (probabilities / (1 - probabilities)).flatten()
    assert odds.tolist() == [3.0, 0.3333333333333333]
    assert odds.log().tolist() == [1.0986122886681098, -1.0986122886681098]
    log_odds = probabilities.logit()
    assert log_odds.flatten().tolist() == [1.0986122886681098, -1.0986122886681098]
    assert Binary().predict(log_odds).flatten().tolist() == tight([0.75, 0.25])


@row("S13", recipe="Binary", kind="property")
def test_s13_logits_of_opposite_sign_are_of_opposite_classes():
    """Log-odds turn the probability of one class into that of the other by their sign; 0 is even odds."""
    logits = torch.linspace(-6, 6, 25, dtype=torch.float64)
    probabilities = Binary().predict(logits)
    assert probabilities.tolist() == tight((1 - Binary().predict(-logits)).tolist())
    assert probabilities[12] == 0.5
    assert Binary().view("labels", logits).tolist() == (logits >= 0).long().tolist()


# --- S16: one threshold ---------------------------------------------------------------------------------------------------


@row("S16", recipe="Binary", kind="exact")
@pytest.mark.parametrize(
    ("threshold", "matrix"),
    [(0.3, [[6, 3], [0, 11]]), (0.5, [[7, 2], [1, 10]]), (0.7, [[9, 0], [2, 9]])],
)
def test_s16_confusion_at_thresholds(threshold, matrix, at, logits, truth):
    """The confusion at .3, .5 and .7, and the accuracy of 85 % at .5."""
    found = at(threshold)
    assert found.confusion.tolist() == matrix
    labels = logits.sigmoid() >= threshold
    assert confusion_matrix(truth.flatten(), labels.flatten()).tolist() == matrix
    assert found.metrics["accuracy"] == (matrix[0][0] + matrix[1][1]) / 20
    if threshold == 0.5:
        assert found.metrics["accuracy"] == 0.85


@row("S16", recipe="metrics.confusion.rates", kind="exact")
def test_s16_rates_precision_and_recall(at, logits, truth):
    """At .5: true and false positive rate .9091 and .2222, precision .8333, recall .9091, to all digits."""
    found = at(0.5)
    matrix = torch.as_tensor(found.confusion)
    assert rates(matrix) == (0.9090909090909091, 0.2222222222222222)
    assert float(precision(matrix)[1]) == found.metrics["precision"] == 0.8333333333333334
    assert float(recall(matrix)[1]) == found.metrics["recall"] == 0.9090909090909091
    labels, known = logits.flatten() >= 0, truth.flatten()
    assert (precision_score(known, labels), recall_score(known, labels)) == (0.8333333333333334, 0.9090909090909091)


@row("S16", recipe="Binary", kind="exact")
@pytest.mark.parametrize(
    ("threshold", "matrix", "value"),
    [
        (0.40, [[7, 2], [0, 11]], 11 / 13),
        (0.50, [[7, 2], [1, 10]], 10 / 12),
        (0.57, [[8, 1], [1, 10]], 10 / 11),
    ],
)
def test_s16_precision_may_fall_while_the_threshold_rises(threshold, matrix, value, at):
    """From .40 to .50 to .57 precision falls and rises: 11/13, 10/12, 10/11.

    The book prints 13/15, 12/14 and 12/13, which eleven positives cannot give. What it says of them holds.
    """
    found = at(threshold)
    assert found.confusion.tolist() == matrix
    assert found.metrics["precision"] == value
    assert found.ranking.positives == 11  # 13 or 12 right ones of these there cannot be


# --- S16: all thresholds --------------------------------------------------------------------------------------------------


@row("S16", recipe="metrics.Ranking", kind="exact")
def test_s16_areas(at, logits, truth):
    """The areas under the ROC and the precision-recall curve: .9797979797979798 and .9854312354312356."""
    found = at(0.5).metrics
    assert found["roc_area"] == tight(0.9797979797979798)
    assert found["pr_area"] == tight(0.9854312354312356)
    fpr, tpr, _ = roc_curve(truth.flatten(), logits.flatten())
    precisions, recalls, _ = precision_recall_curve(truth.flatten(), logits.flatten())
    assert (auc(fpr, tpr), auc(recalls, precisions)) == (tight(found["roc_area"]), tight(found["pr_area"]))


@row("S16", recipe="metrics.ranking", kind="exact")
def test_s16_curves_hold_every_thresholds_confusion(at, logits, truth):
    """The rates at .3, .5 and .7 lie on the ROC curve, their precision and recall on the other."""
    counted = state(Ranking(), logits, truth)
    roc, pr = curves.roc_curve(counted), curves.precision_recall_curve(counted)
    for threshold in (0.3, 0.5, 0.7):
        matrix = torch.as_tensor(at(threshold).confusion)
        true, false = rates(matrix)
        assert (false, true) in set(zip(roc.fpr.tolist(), roc.tpr.tolist(), strict=True))
        point = (float(precision(matrix)[1]), float(recall(matrix)[1]))
        assert point in set(zip(pr.precision.tolist(), pr.recall.tolist(), strict=True))


@row("S16", recipe="metrics.Ranking", kind="exact")
def test_s16_random_scores(truth):
    """Twenty uniform scores of NumPy's seed 39: .50505050505050505 and .570559046216941."""
    scores = torch.as_tensor(np.random.RandomState(39).uniform(size=20))
    found = Ranking().compute(state(Ranking(), scores, truth.flatten()))
    assert found["roc_area"] == tight(0.50505050505050505)
    assert found["pr_area"] == tight(0.570559046216941)


@row("S16", recipe="metrics.Ranking", kind="exact")
def test_s16_floors(truth):
    """Scores that know nothing come to .5 of the ROC area and, in precision, to the share of positives, .55."""
    found = Ranking().compute(state(Ranking(), torch.zeros(20), truth.flatten()))
    assert found["roc_area"] == 0.5
    assert found["average_precision"] == tight(0.55)
    many = torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    found = Ranking().compute(state(Ranking(), many, truth.flatten().repeat(10_000)))
    assert found["roc_area"] == pytest.approx(0.5, abs=0.005)
    assert found["pr_area"] == pytest.approx(0.55, abs=0.005)


@row("S16", recipe="metrics.Ranking", kind="exact")
def test_s16_perfect_scores(truth):
    """The labels as scores: both curves are squares of area 1."""
    counted = state(Ranking(), truth, truth)
    assert set(Ranking().compute(counted).values()) == {1.0}
    roc, pr = curves.roc_curve(counted), curves.precision_recall_curve(counted)
    assert list(zip(roc.fpr.tolist(), roc.tpr.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1)]
    assert list(zip(pr.recall.tolist(), pr.precision.tolist(), strict=True)) == [(1, 0.55), (1, 1), (0, 1)]


@row("S16", recipe="metrics.Confusion", kind="exact")
def test_s16_accuracy_trap():
    """Of 990 negatives and 10 positives, always saying no is 99 % right; recall, F1 and the areas tell."""
    truth, always_no = torch.cat((torch.zeros(990), torch.ones(10))), torch.full((1000, 1), -3.0)
    labels = Binary().view("labels", always_no)
    assert Accuracy().compute(state(Accuracy(), labels, truth.long())) == {"accuracy": 0.99}
    found = Confusion(2).compute(state(Confusion(2), labels, truth.long()))
    assert (found["recall"], found["f1"]) == (0, 0)
    assert math.isnan(found["precision"])
    areas = Ranking().compute(state(Ranking(), Binary().view("scores", always_no), truth))
    assert (areas["roc_area"], areas["average_precision"]) == (0.5, 0.01)
