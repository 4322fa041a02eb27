"""What simpler models reach on the same rows of a table: a constant, a linear model, gradient boosting."""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from torch import Tensor
from torch.utils.data import DataLoader

from stepwell.core.trees import Tree
from stepwell.data.batch import Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.scores import scores_of
from stepwell.tasks import Binary, Multiclass, Regression
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment

Array = np.ndarray[Any, Any]
_MOST_VALUES = 2e7  # of the training rows, beyond which gradient boosting would take minutes
_MOST_CATEGORIES = 255  # of a column, in scikit-learn's gradient boosting


@dataclass(frozen=True)
class _Baseline:
    name: str
    what: str
    regressor: Callable[["_Table"], Any]
    classifier: Callable[["_Table"], Any]


@dataclass(frozen=True, eq=False)
class _Table:
    """Rows as scikit-learn takes them: numbers, then codes; and the targets."""

    x: Array
    y: Array
    numbers: int

    @property
    def codes(self) -> list[int]:
        """The columns that hold codes."""
        return list(range(self.numbers, self.x.shape[1]))


_LEARNT = (
    _Baseline(
        "linear model",
        "scikit-learn's Ridge, or LogisticRegression, on the same encoded columns",
        lambda table: make_pipeline(_one_hot(table), Ridge(1e-3)),
        lambda table: make_pipeline(_one_hot(table), LogisticRegression(max_iter=500)),
    ),
    _Baseline(
        "gradient boosting",
        "scikit-learn's HistGradientBoosting, with its defaults, on the same encoded columns",
        lambda table: HistGradientBoostingRegressor(categorical_features=_categories(table), random_state=0),
        lambda table: HistGradientBoostingClassifier(categorical_features=_categories(table), random_state=0),
    ),
)
_CONSTANT = _Baseline(
    "constant",
    "the training rows' mean, or their shares of the classes",
    lambda table: DummyRegressor(),
    lambda table: DummyClassifier(strategy="prior"),
)


def baselines(experiment: Experiment, side: str) -> list[dict[str, Any]]:
    """Each baseline, fitted to the training rows, as `{"name", "what", "metrics", "seconds"}` on a side's rows.

    Where the training rows hold more than 20 million numbers, only the constant is tried.
    """
    train, held_out = _table(experiment.data.train), _table(getattr(experiment.data, side))
    return [_scored(each, experiment.task, train, held_out) for each in _affordable(train)]


def _affordable(train: _Table) -> Iterator[_Baseline]:
    yield _CONSTANT
    if train.x.size <= _MOST_VALUES:
        yield from _LEARNT


def _table(source: Source | DataLoader[Any]) -> _Table:
    assert isinstance(source, Source)  # as those of every reader
    batch = source.batch(torch.arange(len(source)), CHECK_KEY)
    numbers, codes = _parts(batch.inputs)
    return _Table(np.concatenate([numbers, codes], 1), batch.targets.numpy().reshape(-1), numbers.shape[1])


def _parts(inputs: Tree) -> tuple[Array, Array]:
    if isinstance(inputs, Tensor):
        return inputs.numpy(), np.empty((len(inputs), 0), np.float32)
    return inputs["numbers"].numpy(), inputs["codes"].numpy()


def _one_hot(table: _Table) -> Any:
    from sklearn.compose import ColumnTransformer

    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("codes", encoder, table.codes)], remainder="passthrough")


def _categories(table: _Table) -> list[int] | None:
    """The columns of codes that gradient boosting can take as categories; it takes the others as numbers."""
    return [code for code in table.codes if table.x[:, code].max() < _MOST_CATEGORIES] or None


def _scored(baseline: _Baseline, task: Task, train: _Table, held_out: _Table) -> dict[str, Any]:
    begun = time.perf_counter()
    make = baseline.regressor if isinstance(task, Regression) else baseline.classifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a linear model that is nearly there is a fair baseline
        model = make(train).fit(train.x, train.y)
    outputs, targets = _outputs(task, model, held_out.x), _targets(task, held_out.y)
    metrics = scores_of(task, outputs, targets)
    seconds = round(time.perf_counter() - begun, 2)
    return {"name": baseline.name, "what": baseline.what, "metrics": metrics, "seconds": seconds}


def _outputs(task: Task, model: Any, x: Array) -> Tensor:
    """A scikit-learn model's predictions as a network's outputs: values, or logits."""
    if isinstance(task, Regression):
        return torch.as_tensor(model.predict(x), dtype=torch.float32).reshape(-1, 1)
    known = torch.as_tensor(model.predict_proba(x)).clamp(1e-12, 1 - 1e-12)
    if isinstance(task, Binary):
        return torch.logit(known[:, 1:]).float()
    assert isinstance(task, Multiclass)
    logits = torch.full((len(x), task.count), -30.0)  # a class of which no training row is
    logits[:, torch.as_tensor(model.classes_, dtype=torch.int64)] = known.log().float()
    return logits


def _targets(task: Task, y: Array) -> Tensor:
    return (
        torch.as_tensor(y) if isinstance(task, Multiclass) else torch.as_tensor(y, dtype=torch.float32).reshape(-1, 1)
    )
