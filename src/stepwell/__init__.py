"""Stepwell trains, explains and ships PyTorch models, and shows every step of the descent.

The public names are found on first use, so that the command line answers before torch is loaded.
"""

from typing import TYPE_CHECKING

from stepwell.core.lazy import names_of

if TYPE_CHECKING:
    from stepwell import data, metrics, models, plots, tasks
    from stepwell.core.errors import StepwellError, StepwellWarning
    from stepwell.core.tensors.inspect import inspect
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

_NAMES = {
    "stepwell.data": (),
    "stepwell.metrics": (),
    "stepwell.models": (),
    "stepwell.plots": (),
    "stepwell.tasks": (),
    "stepwell.core.errors": ("StepwellError", "StepwellWarning"),
    "stepwell.core.tensors.inspect": ("inspect",),
    "stepwell.data.arrays": ("ArraySource", "as_source"),
    "stepwell.data.batch": ("Batch", "Source"),
    "stepwell.data.loader": ("Loader",),
    "stepwell.data.splits": (
        "Splits",
        "split_by_time",
        "split_fixed",
        "split_grouped",
        "split_random",
        "split_stratified",
    ),
    "stepwell.runs": ("Run", "create_run", "open_run"),
    "stepwell.tasks.binary": ("Binary",),
    "stepwell.tasks.multiclass": ("Multiclass",),
    "stepwell.tasks.regression": ("Regression",),
    "stepwell.training": ("Experiment", "Training", "evaluate", "fit", "predict"),
    "stepwell.training.hooks": ("Checkpoints", "EarlyStopping", "History", "Hook", "Progress", "TensorBoard"),
}

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
    "inspect",
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


__getattr__ = names_of(__name__, _NAMES)


def __dir__() -> list[str]:
    return __all__
