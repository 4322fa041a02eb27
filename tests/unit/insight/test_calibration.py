"""Reliability in bins, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from stepwell.core.errors import DataError
from stepwell.insight.calibration import calibration, top_label

GENERATOR = np.random.default_rng(0)
P = GENERATOR.random(2000)
TRUE = (GENERATOR.random(2000) < P).astype(int)


@pytest.mark.parametrize(("by", "theirs"), [("width", "uniform"), ("count", "quantile")])
@pytest.mark.parametrize("bins", [1, 5, 10, 15])
@pytest.mark.parametrize("power", [1.0, 6.0])
def test_it_agrees_with_scikit_learn(by: str, theirs: str, bins: int, power: float) -> None:
    p = P**power
    found = calibration(p, TRUE, bins=bins, by=by)
    observed, predicted = calibration_curve(TRUE, p, n_bins=bins, strategy=theirs)
    np.testing.assert_allclose(found.predicted, predicted)
    np.testing.assert_allclose(found.observed, observed)
    assert found.rows.sum() == 2000
    assert found.brier == pytest.approx(brier_score_loss(TRUE, p))


def test_good_and_bad_probabilities() -> None:
    assert calibration(P, TRUE).ece < 0.04
    sure = calibration((P > 0.5).astype(float), TRUE)
    assert sure.rows.tolist() == [np.sum(P <= 0.5), np.sum(P > 0.5)]
    assert sure.ece == pytest.approx(np.mean((P > 0.5) != TRUE))
    assert sure.ece == pytest.approx(sure.brier)
    assert calibration(TRUE, TRUE).ece == calibration(TRUE, TRUE).brier == 0.0


@given(
    arrays(np.float64, 30, elements=st.floats(0, 1)),
    arrays(np.int64, 30, elements=st.integers(0, 1)),
    st.integers(1, 40),
)
def test_bins_hold_all_rows_and_add_up(p: np.ndarray, labels: np.ndarray, bins: int) -> None:
    for by in ("width", "count"):
        found = calibration(p, labels, bins=bins, by=by)
        assert found.rows.sum() == 30
        assert (found.rows > 0).all()
        assert np.dot(found.rows, found.observed) == pytest.approx(labels.sum())
        assert np.dot(found.rows, found.predicted) == pytest.approx(p.sum())
        assert abs(p.mean() - labels.mean()) - 1e-9 <= found.ece <= 1.0
        assert (np.diff(found.predicted) > 0).all()


def test_several_classes() -> None:
    confidence, right = top_label([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [0, 1])
    assert confidence.tolist() == [0.7, 0.6]
    assert right.tolist() == [1, 0]
    assert calibration(confidence, right).to_json()["rows"] == [1, 1]
    with pytest.raises(DataError, match=r"given: \(2,\) and \(2,\)"):
        top_label([0.1, 0.2], [0, 1])


@pytest.mark.parametrize(
    ("p", "labels", "settings", "message"),
    [
        ([1.5], [1], {}, "there is 1.5 among these. Are they logits"),
        ([np.nan], [1], {}, "there is nan among these"),
        ([0.5], [2], {}, "Labels are 0 or 1; there is 2"),
        ([0.5, 0.5], [1], {}, "2 probabilities and 1 labels"),
        ([], [], {}, "0 probabilities"),
        ([0.5], [1], {"bins": 0}, "given: 0 by 'width'"),
        ([0.5], [1], {"by": "counts"}, "given: 10 by 'counts'. Did you mean 'count'"),
    ],
)
def test_what_is_no_probability_is_refused(p: list, labels: list, settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        calibration(p, labels, **settings)
