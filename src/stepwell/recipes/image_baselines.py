"""What simpler models reach on the same pictures: always the commonest class, and a linear model on small grey copies."""

import time
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from stepwell.data.batch import Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.scores import scores_of
from stepwell.training.experiment import Experiment

Array = np.ndarray[Any, Any]
_SIDE = 16  # pixels of the small copies
_MOST_ROWS = 3000  # that the linear model is fitted to; more take long and change little
_AT_ONCE = 512


def baselines(experiment: Experiment, side: str) -> list[dict[str, Any]]:
    """Each baseline, fitted to training rows, as `{"name", "what", "metrics", "seconds"}` on a side's rows."""
    x, y = _small(experiment.data.train, _MOST_ROWS)
    tried, truth = _small(getattr(experiment.data, side), None)
    if len(np.unique(y)) < 2:
        return []
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=60, tol=1e-3))
    rows = f"{len(x):,} training pictures, shrunk to {_SIDE}×{_SIDE} pixels"
    fitted = [
        ("commonest class", "the training rows' shares of the classes, whatever the picture", DummyClassifier()),
        ("linear model", f"scikit-learn's LogisticRegression on {rows}", linear),
    ]
    return [_scored(experiment, name, what, model, (x, y), (tried, truth)) for name, what, model in fitted]


def _scored(
    experiment: Experiment, name: str, what: str, model: Any, given: tuple[Array, Array], asked: tuple[Array, Array]
) -> dict[str, Any]:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*given)
    known = model.predict_proba(asked[0])
    classes = int(getattr(experiment.task, "count", 2))
    found = np.zeros((len(known), classes))
    found[:, model.classes_.astype(int)] = known
    outputs = torch.from_numpy(np.log(np.clip(found, 1e-12, 1.0))).float()
    metrics = scores_of(experiment.task, outputs, torch.from_numpy(asked[1]))
    return {"name": name, "what": what, "metrics": metrics, "seconds": time.perf_counter() - started}


def _small(source: Source | DataLoader[Any], most: int | None) -> tuple[Array, Array]:
    """Evenly spaced rows of a source as small pictures, flat, and their classes."""
    assert isinstance(source, Source)  # as those of every reader
    count = len(source) if most is None else min(most, len(source))
    rows = torch.linspace(0, len(source) - 1, count).long()
    parts = [source.batch(index, CHECK_KEY) for index in rows.split(_AT_ONCE)]  # type: ignore[no-untyped-call]
    x = torch.cat([_shrunk(part.inputs) for part in parts])
    return x.numpy(), torch.cat([part.targets for part in parts]).numpy()


def _shrunk(pictures: Tensor) -> Tensor:
    size = (min(_SIDE, pictures.shape[2]), min(_SIDE, pictures.shape[3]))
    return F.interpolate(pictures.float(), size, mode="area").flatten(1)
