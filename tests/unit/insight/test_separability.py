"""Linear separability, against a linear program and a support vector machine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog
from sklearn.svm import SVC

from stepwell.core.errors import DataError
from stepwell.insight.separability import separation


def by_linear_program(points: np.ndarray, labels: np.ndarray) -> bool:
    """Is there a weight and a bias with which every row is on its side by 1?"""
    signs = np.where(labels == 1, 1.0, -1.0)[:, None]
    table = -signs * np.column_stack([points, np.ones(len(points))])
    found = linprog(np.zeros(table.shape[1]), table, -np.ones(len(points)), bounds=(None, None), method="highs")
    return found.status == 0


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(2, 14))
def test_it_is_what_a_linear_program_finds(data: st.DataObject, width: int, rows: int) -> None:
    """On small whole numbers, where rows fall together and hulls touch."""
    points = data.draw(arrays(np.float64, (rows, width), elements=st.integers(-4, 4)))
    labels = data.draw(arrays(np.int64, rows, elements=st.integers(0, 1)))
    if labels.min() == labels.max():
        return
    found = separation(points, labels)
    assert found.separable == by_linear_program(points, labels)
    heights = points @ found.weight + found.bias
    if found.separable:
        assert np.linalg.norm(found.weight) == pytest.approx(1.0)
        assert heights[labels == 1].min() == pytest.approx(found.margin, abs=1e-7)
        assert heights[labels == 0].max() == pytest.approx(-found.margin, abs=1e-7)
    else:
        assert found.margin == 0
        assert _is_a_mean(found.meeting, points[labels == 1])
        assert _is_a_mean(found.meeting, points[labels == 0])


def _is_a_mean(point: np.ndarray, rows: np.ndarray) -> bool:
    """Whether shares of rows that add up to 1 give the point, to six decimals."""
    table = np.vstack([rows.T, np.ones(len(rows))])
    slack = np.vstack([np.hstack([table, -np.ones((len(table), 1))]), np.hstack([-table, -np.ones((len(table), 1))])])
    due = np.append(point, 1.0)
    found = linprog(np.append(np.zeros(len(rows)), 1.0), slack, np.concatenate([due, -due]), method="highs")
    return found.status == 0 and found.fun < 1e-6


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_margin_is_that_of_a_support_vector_machine(scale: float, shift: float) -> None:
    generator = np.random.default_rng(3)
    labels = np.arange(400) % 2
    points = generator.normal(size=(400, 3)) + np.array([6.0, 1.0, 0.0]) * labels[:, None]
    known = SVC(kernel="linear", C=1e8).fit(points, labels)
    found = separation(points * scale + shift * scale, labels)
    assert found.separable
    assert found.margin / scale == pytest.approx(1 / np.linalg.norm(known.coef_), rel=1e-3)
    assert found.weight == pytest.approx((known.coef_ / np.linalg.norm(known.coef_))[0], abs=1e-3)


def test_many_rows_and_features() -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(3000, 40))
    weight = generator.normal(size=40)
    heights = points @ weight
    apart = np.abs(heights) > 1.0
    labels = (heights > 0).astype(int)
    assert separation(points[apart], labels[apart]).separable
    flipped = labels[apart].copy()
    flipped[np.abs(heights[apart]).argmax()] ^= 1
    assert not separation(points[apart], flipped).separable


def test_numbers_on_a_line() -> None:
    assert separation([1.0, 2.0, 3.0], [0, 0, 1]).bias == pytest.approx(-2.5)
    inner = separation([1.0, 2.0, 3.0], [0, 1, 0])
    assert not inner.separable
    assert inner.meeting == pytest.approx([2.0])
    assert not separation([1.0, 1.0], [0, 1]).separable


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 1, 2]])
def test_two_classes_are_needed(labels: list[int]) -> None:
    with pytest.raises(DataError, match="Two classes are parted: finite rows labelled 0 or 1, some of each. Given: 3"):
        separation([1.0, 2.0, 3.0], labels)
