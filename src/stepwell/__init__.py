"""Stepwell trains, explains and ships PyTorch models, and shows every step of the descent.

The public names are found on first use, so that the command line answers before torch is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell import data, metrics, models, plots, tasks
    from stepwell.core.errors import StepwellError, StepwellWarning
    from stepwell.data import (
        ArraySource,
        Batch,
        Loader,
        Source,
        Splits,
        as_source,
        split_by_time,
        split_fixed,
        split_grouped,
        split_random,
        split_stratified,
    )
    from stepwell.runs import Run, create_run, open_run
    from stepwell.tasks import Binary, Multiclass, Regression
    from stepwell.training import Experiment, Training, evaluate, fit, predict
    from stepwell.training.hooks import Checkpoints, EarlyStopping, History, Hook, Progress, TensorBoard

_ROOMS = ("data", "metrics", "models", "plots", "tasks")
_NAMES = {
    "stepwell.core.errors": ("StepwellError", "StepwellWarning"),
    "stepwell.data": (
        "ArraySource",
        "Batch",
        "Loader",
        "Source",
        "Splits",
        "as_source",
        "split_by_time",
        "split_fixed",
        "split_grouped",
        "split_random",
        "split_stratified",
    ),
    "stepwell.runs": ("Run", "create_run", "open_run"),
    "stepwell.tasks": ("Binary", "Multiclass", "Regression"),
    "stepwell.training": ("Experiment", "Training", "evaluate", "fit", "predict"),
    "stepwell.training.hooks": ("Checkpoints", "EarlyStopping", "History", "Hook", "Progress", "TensorBoard"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "ArraySource",
    "Batch",
    "Binary",
    "Checkpoints",
    "EarlyStopping",
    "Experiment",
    "History",
    "Hook",
    "Loader",
    "Multiclass",
    "Progress",
    "Regression",
    "Run",
    "Source",
    "Splits",
    "StepwellError",
    "StepwellWarning",
    "TensorBoard",
    "Training",
    "as_source",
    "create_run",
    "data",
    "evaluate",
    "fit",
    "metrics",
    "models",
    "open_run",
    "plots",
    "predict",
    "split_by_time",
    "split_fixed",
    "split_grouped",
    "split_random",
    "split_stratified",
    "tasks",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"stepwell.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'stepwell' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
