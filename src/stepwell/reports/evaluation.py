"""What a report needs to know of an evaluation. The objects themselves are made by `stepwell.training`."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[np.generic]


class Mistake(Protocol):
    """One row that was predicted badly, for a person to look at."""

    @property
    def row(self) -> int:
        """Its number in the data."""

    @property
    def loss(self) -> float:
        """How wrong the prediction is."""

    @property
    def input(self) -> AnyArray | None:
        """What the model was given, if it is an array."""

    @property
    def target(self) -> str:
        """What is true."""

    @property
    def predicted(self) -> str:
        """What the model said."""

    @property
    def confidence(self) -> float | None:
        """How sure it was, from 0 to 1."""


class RankingCounts(Protocol):
    """How many rows two classes call positive, rightly and wrongly, at each threshold."""

    @property
    def thresholds(self) -> npt.NDArray[Any]:
        """Probabilities `(t,)`, rising; a row is positive where its own is at least as large."""

    @property
    def true_positives(self) -> npt.NDArray[Any]:
        """Positives that are called so at each threshold, `(t,)`."""

    @property
    def false_positives(self) -> npt.NDArray[Any]:
        """Negatives that are called positive at each threshold, `(t,)`."""

    @property
    def positives(self) -> int:
        """Rows of class 1."""

    @property
    def negatives(self) -> int:
        """Rows of class 0."""

    @property
    def threshold(self) -> float:
        """The threshold of the task itself."""

    @property
    def curve(self) -> npt.NDArray[Any]:
        """`(points, 2)`: false and true positives at falling thresholds, from none to all."""


class CalibrationBins(Protocol):
    """Rows in bins of their probability."""

    @property
    def predicted(self) -> npt.NDArray[Any]:
        """The mean probability of each bin."""

    @property
    def observed(self) -> npt.NDArray[Any]:
        """The share of each bin's rows that was right."""

    @property
    def rows(self) -> npt.NDArray[Any]:
        """How many rows each bin has."""

    @property
    def error(self) -> float:
        """The expected calibration error."""


class Evaluation(Protocol):
    """What a model made of the rows of one split."""

    @property
    def split(self) -> str:
        """Which rows: `val`, `test`, …"""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Numbers by name."""

    @property
    def confusion(self) -> npt.NDArray[Any] | None:
        """Counts `(classes, classes)`: true class down, predicted class across."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; empty for a regression."""

    @property
    def worst(self) -> Sequence[Mistake]:
        """The rows of greatest loss, the worst first."""

    @property
    def targets(self) -> npt.NDArray[Any] | None:
        """True values of a sample of rows, `(rows,)` or `(rows, outputs)`."""

    @property
    def values(self) -> npt.NDArray[Any] | None:
        """The predictions for these rows, shaped alike."""

    @property
    def ranking(self) -> RankingCounts | None:
        """Counts by threshold; for two classes alone."""

    @property
    def calibration(self) -> CalibrationBins | None:
        """Probabilities against what came true; for classes alone."""
