import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from stepwell.core.errors import TaskError
from stepwell.metrics import Confusion, confusion

CPU = torch.device("cpu")


def state_of(metric: Confusion, predicted: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    state = metric.zero(CPU)
    metric.update(state, predicted, truth)
    return state


@st.composite
def labelled(draw: st.DrawFn) -> tuple[int, torch.Tensor, torch.Tensor]:
    """Few rows for the classes, so that some are never predicted and some never there."""
    classes = draw(st.integers(2, 6))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1, max_size=25))
    return classes, *torch.tensor(pairs).T


@settings(max_examples=100, deadline=None)
@given(labelled(), st.sampled_from([0.5, 1.0, 2.0]))
def test_equals_scikit_learn(rows: tuple[int, torch.Tensor, torch.Tensor], beta: float) -> None:
    classes, predicted, truth = rows
    metric, names = Confusion(classes), list(range(classes))
    matrix = metric.matrix(state_of(metric, predicted, truth))
    np.testing.assert_array_equal(matrix, confusion_matrix(truth, predicted, labels=names))
    ours = confusion.precision(matrix), confusion.recall(matrix), confusion.f_beta(matrix, beta)
    theirs = precision_recall_fscore_support(truth, predicted, labels=names, beta=beta, zero_division=np.nan)
    for mine, other in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(mine, other, rtol=1e-14)
    assert confusion.accuracy(matrix) == accuracy_score(truth, predicted)


@settings(max_examples=100, deadline=None)
@given(labelled())
def test_numbers_are_the_positive_class_or_macro_means(rows: tuple[int, torch.Tensor, torch.Tensor]) -> None:
    classes, predicted, truth = rows
    numbers = Confusion(classes).compute(state_of(Confusion(classes), predicted, truth))
    average = (
        {"average": "macro", "zero_division": 0} if classes > 2 else {"average": "binary", "zero_division": np.nan}
    )
    theirs = precision_recall_fscore_support(truth, predicted, **average)[:3]
    assert list(numbers) == ["precision", "recall", "f1"]
    np.testing.assert_allclose(list(numbers.values()), theirs, rtol=1e-14)


def test_a_class_that_is_never_predicted_costs_all_three_macro_means() -> None:
    truth, predicted = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 1, 0, 1])
    numbers = Confusion(4).compute(state_of(Confusion(4), predicted, truth))  # the fourth is nowhere, and left out
    theirs = precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)[:3]
    np.testing.assert_allclose(list(numbers.values()), theirs, rtol=1e-14)
    assert numbers["precision"] == pytest.approx(4 / 9)
    assert all(math.isnan(each) for each in Confusion(3).compute(Confusion(3).zero(CPU)).values())


def test_of_two_classes_the_numbers_are_of_the_second() -> None:
    assert confusion.class_of("precision", ["cat", "ship"]) == "ship"
    assert confusion.class_of("f1", [0, 1]) == "class 1"
    assert confusion.class_of("recall", ["a", "b", "c"]) == confusion.class_of("accuracy", ["a", "b"]) == ""


# Book row S16: the matrices at thresholds .5, .3 and .7.
@pytest.mark.parametrize(
    ("matrix", "accuracy", "rates"),
    [
        ([[7, 2], [1, 10]], 0.85, (0.9090909090909091, 0.2222222222222222)),
        ([[6, 3], [0, 11]], 0.85, (1.0, 1 / 3)),
        ([[9, 0], [2, 9]], 0.9, (9 / 11, 0.0)),
    ],
)
def test_rates_of_the_book(matrix: list[list[int]], accuracy: float, rates: tuple[float, float]) -> None:
    assert confusion.rates(torch.tensor(matrix)) == rates
    assert confusion.accuracy(torch.tensor(matrix)) == accuracy


def test_precision_and_recall_of_the_book() -> None:
    matrix = torch.tensor([[7, 2], [1, 10]])
    assert confusion.precision(matrix)[1] == 0.8333333333333334
    assert confusion.recall(matrix)[1] == 0.9090909090909091


def test_the_accuracy_trap() -> None:
    """Book row S16: always negative is right 99 times in a hundred, and finds nothing."""
    always_negative = torch.tensor([[990, 0], [10, 0]])
    assert confusion.accuracy(always_negative) == 0.99
    assert confusion.recall(always_negative)[1] == 0
    assert math.isnan(confusion.precision(always_negative)[1])
    assert confusion.f_beta(always_negative, 1)[1] == 0


def test_undefined_rates_are_nan() -> None:
    nothing = torch.zeros(2, 2, dtype=torch.int64)
    numbers = [confusion.accuracy(nothing), *confusion.rates(nothing), *confusion.f_beta(nothing, 1).tolist()]
    assert all(math.isnan(each) for each in numbers)
    only_negatives = confusion.rates(torch.tensor([[3, 1], [0, 0]]))
    assert math.isnan(only_negatives[0])
    assert only_negatives[1] == 0.25


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.bfloat16])
def test_labels_of_any_type(dtype: torch.dtype) -> None:
    predicted, truth = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])
    state = state_of(Confusion(2), predicted.to(dtype), truth.to(dtype))
    assert Confusion(2).matrix(state).tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize("label", [-100, -1, 3, 255, 10**12])
def test_labels_outside_the_classes_are_never_put_in_another_cell(label: int) -> None:
    state = state_of(Confusion(3), torch.tensor([0, 2]), torch.tensor([0, label]))
    with pytest.raises(TaskError, match=r"1 targets and 0 predictions .* from 0 to 2, the classes of Confusion\(3\)"):
        Confusion(3).compute(state)
    swapped = state_of(Confusion(3), torch.tensor([0, label]), torch.tensor([0, 2]))
    with pytest.raises(TaskError, match="0 targets and 1 predictions"):
        Confusion(3).matrix(swapped)


@pytest.mark.parametrize("label", [0.5, math.nan, math.inf, -math.inf, -1.0, 1e30])
def test_float_targets_that_are_no_class_are_refused(label: float) -> None:
    state = state_of(Confusion(2), torch.tensor([0, 1]), torch.tensor([0.0, label]))
    with pytest.raises(TaskError, match="1 targets and 0 predictions"):
        Confusion(2).compute(state)


def test_wrong_use_is_told() -> None:
    with pytest.raises(TaskError, match="two classes or more, not 1"):
        Confusion(1)
    with pytest.raises(TaskError, match="recall against precision.*not -1"):
        confusion.f_beta(torch.eye(2), -1)
    with pytest.raises(TaskError, match=r"two classes; the matrix is \(3, 3\)"):
        confusion.rates(torch.eye(3))
    with pytest.raises(TaskError, match=r"row = true, column = predicted; not \(2, 3\)"):
        confusion.recall(torch.zeros(2, 3))
