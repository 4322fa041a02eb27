import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_moons
from sklearn.metrics import auc, average_precision_score, roc_auc_score
from sklearn.metrics import precision_recall_curve as their_precision_recall_curve
from sklearn.metrics import roc_curve as their_roc_curve
from sklearn.model_selection import train_test_split

from stepwell.core.errors import TaskError
from stepwell.metrics import Ranking, precision_recall_curve, roc_area_error, roc_curve
from stepwell.metrics.ranking import BINS

CPU = torch.device("cpu")
LARGEST = torch.finfo(torch.float32).max


def state_of(scores: object, truth: object) -> torch.Tensor:
    state = Ranking().zero(CPU)
    Ranking().update(state, torch.as_tensor(scores), torch.as_tensor(truth))
    return state


@st.composite
def of_both_classes(draw: st.DrawFn, score: st.SearchStrategy[float]) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and truths among which are a positive and a negative."""
    truth = [False, True, *draw(st.lists(st.booleans(), max_size=38))]
    return np.array([draw(score) for _ in truth]), np.array(truth)


short_floats = st.one_of(st.floats(width=16, allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1.0]))


@settings(max_examples=40, deadline=None)
@given(of_both_classes(short_floats))
def test_half_precision_scores_are_ranked_exactly(rows: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = rows
    state = state_of(scores, truth)
    numbers = Ranking().compute(state)
    precision, recall, _ = their_precision_recall_curve(truth, scores)
    assert numbers["roc_area"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-14)
    assert numbers["pr_area"] == pytest.approx(auc(recall, precision), abs=1e-14)
    assert numbers["average_precision"] == pytest.approx(average_precision_score(truth, scores), abs=1e-14)
    roc, curve = roc_curve(state), precision_recall_curve(state)
    for mine, other in zip(roc[:2], their_roc_curve(truth, scores, drop_intermediate=False), strict=False):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(curve.precision, precision)
    np.testing.assert_array_equal(curve.recall, recall)


@settings(max_examples=40, deadline=None)
@given(of_both_classes(st.one_of(st.integers(0, 60).map(lambda k: 1 + k / 2**14), st.floats(-2, 2, width=32))))
def test_binning_moves_the_area_by_no_more_than_it_says(rows: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = rows
    state = state_of(scores, truth)
    assert abs(Ranking().compute(state)["roc_area"] - roc_auc_score(truth, scores)) <= roc_area_error(state) + 1e-14


def test_the_bound_is_reached() -> None:
    """A positive just above a negative, in one bin: half a pair of one is lost."""
    state = state_of([1.0, 1 + 2**-12], [0, 1])
    assert (Ranking().compute(state)["roc_area"], roc_area_error(state)) == (0.5, 0.5)
    apart = state_of([1.0, 1 + 2**-11], [0, 1])
    assert (Ranking().compute(apart)["roc_area"], roc_area_error(apart)) == (1.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(of_both_classes(st.floats(width=32, allow_nan=False)))
def test_a_threshold_parts_the_rows_as_its_point_says(rows: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = rows
    roc, curve = roc_curve(state_of(scores, truth)), precision_recall_curve(state_of(scores, truth))
    for fpr, tpr, threshold in zip(*(column[1:] for column in roc), strict=True):
        assert np.mean(scores[truth] >= threshold) == pytest.approx(tpr, abs=1e-14)
        assert np.mean(scores[~truth] >= threshold) == pytest.approx(fpr, abs=1e-14)
    assert np.all(np.diff(curve.thresholds) > 0)
    assert [len(column) - len(curve.thresholds) for column in curve] == [1, 1, 0]
    np.testing.assert_array_equal(curve.thresholds[::-1], roc.thresholds[1:])
    assert roc.thresholds[0] == math.inf


def test_bins_are_in_the_order_of_the_scores() -> None:
    smallest = 2.0**-149
    rising = [-math.inf, -LARGEST, -2.0, -1.0, -smallest, 0.0, 2.0**-137, 1.0, 1.5, 2.0, LARGEST, math.inf]
    bins = [state_of([score], [0]).nonzero()[0, 1].item() for score in rising]
    assert bins == sorted(set(bins))
    assert bins[0] > 0
    assert bins[-1] < BINS - 1


def test_zero_has_no_sign() -> None:
    assert Ranking().compute(state_of([0.0, -0.0], [0, 1]))["roc_area"] == 0.5


def test_infinities_are_scores() -> None:
    numbers = Ranking().compute(state_of([-math.inf, -LARGEST, LARGEST, math.inf], [0, 0, 1, 1]))
    assert numbers == {"roc_area": 1.0, "pr_area": 1.0, "average_precision": 1.0}
    worst = roc_curve(state_of([-math.inf, math.inf], [1, 0]))
    assert worst.thresholds.tolist() == [math.inf, math.inf, -math.inf]
    assert (worst.fpr.tolist(), worst.tpr.tolist()) == ([0, 1, 1], [0, 0, 1])


# 0x7F800001 signals and has only a last bit set; the others are what processors make, and the largest patterns.
NANS = [0x7FC00000, -0x400000, 0x7F800001, -0x7FFFFF, 0x7FFFFFFF, -1]


@pytest.mark.parametrize("pattern", NANS)
@pytest.mark.parametrize("target", [0, 1])
def test_nan_scores_are_told(pattern: int, target: int) -> None:
    score = torch.tensor([0, pattern], dtype=torch.int32).view(torch.float32)
    state = state_of(score, [1, target])
    for read in (Ranking().compute, roc_curve, precision_recall_curve, roc_area_error):
        with pytest.raises(TaskError, match="1 rows cannot be ranked: their scores are NaN"):
            read(state)


@pytest.mark.parametrize("target", [2.0, 0.5, -1.0, math.nan, math.inf])
def test_targets_other_than_0_and_1_are_told(target: float) -> None:
    with pytest.raises(TaskError, match="or their targets neither 0 nor 1"):
        Ranking().compute(state_of([0.3, 0.4, 0.5], [0.0, 1.0, target]))


def test_one_class_only() -> None:
    positives, negatives = state_of([0.1, 0.2], [1, 1]), state_of([0.1, 0.2], [0, 0])
    numbers = Ranking().compute(positives)
    assert math.isnan(numbers.pop("roc_area"))
    assert numbers == {"pr_area": 1.0, "average_precision": 1.0}
    assert all(math.isnan(number) for number in Ranking().compute(negatives).values())
    assert np.isnan(roc_curve(positives).fpr).all()
    assert roc_curve(positives).tpr.tolist() == [0, 0.5, 1]
    assert np.isnan(roc_curve(negatives).tpr).all()
    assert np.isnan(precision_recall_curve(negatives).recall).all()
    assert math.isnan(roc_area_error(positives))


def test_no_rows_have_curves_without_points() -> None:
    nothing = Ranking().zero(CPU)
    assert roc_curve(nothing).thresholds.tolist() == [math.inf]
    assert np.isnan(roc_curve(nothing).fpr).all()
    assert precision_recall_curve(nothing).precision.tolist() == [1]


def test_perfect_and_constant_scores() -> None:
    truth = torch.arange(10) >= 4
    assert Ranking().compute(state_of(truth.float(), truth))["roc_area"] == 1.0
    constant = Ranking().compute(state_of(torch.full((10,), 0.7), truth))
    assert (constant["roc_area"], constant["average_precision"]) == (0.5, 0.6)


def test_areas_of_the_book() -> None:
    """Row S16. Its matrices leave one order of the 20 scores: ten positives, two negatives, a positive, the rest."""
    truth = [1] * 10 + [0, 0, 1] + [0] * 7
    numbers = Ranking().compute(state_of(np.linspace(0.99, 0.05, 20), truth))
    assert (numbers["roc_area"], numbers["pr_area"]) == (0.9797979797979798, 0.9854312354312356)


def test_random_scores_of_the_book() -> None:
    """Row S16: numpy seed 39, uniform scores for the 20 validation rows of the moons."""
    data = make_moons(n_samples=100, noise=0.3, random_state=0)
    truth = train_test_split(*data, test_size=0.2, random_state=13)[3]
    numbers = Ranking().compute(state_of(np.random.RandomState(39).uniform(size=truth.shape), truth))
    assert (numbers["roc_area"], numbers["pr_area"]) == (0.50505050505050505, 0.570559046216941)


def test_many_rows_in_one_bin_do_not_overflow() -> None:
    state = Ranking().zero(CPU)
    state[:, BINS // 2] = 2**40
    state[1, BINS // 2 + 1] = 2**40
    assert Ranking().compute(state)["roc_area"] == 0.75
