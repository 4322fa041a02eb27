"""What reports show of tables, series and classes."""

from functools import cache
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from figures.entry import data_path, entry
from figures.trained import trained
from stepwell import Training, evaluate, plots
from stepwell.insight.calibration import calibration as calibrated
from stepwell.insight.calibration import top_label
from stepwell.recipes.series_report import insight as series_insight
from stepwell.recipes.tabular_baselines import baselines as table_baselines
from stepwell.recipes.tabular_insight import insight as table_insight

_HOURS = "bike-sharing/hour.csv"


def _rentals() -> Training:
    """A small network that was trained to say how many bikes are rented in an hour, of days before."""
    return trained(
        "table",
        file=data_path(_HOURS),
        target="cnt",
        drop=("casual", "registered", "instant"),
        time="dteday",
        hidden=(128, 128),
        members=1,
        epochs=20,
    )


@cache
def _explained() -> dict[str, Any]:
    return table_insight(_rentals().experiment, "test")


@entry("Stevens, capabilities C10", needs=_HOURS, slow=True)
def importance() -> Figure:
    """Which columns a network looks at: how much worse it gets when a column's values are exchanged between rows."""
    columns = _explained()["importance"]["columns"]
    increase, std = ([column[name] for column in columns] for name in ("increase", "std"))
    return plots.importance([column["column"] for column in columns], increase, std, metric="RMSE")


@entry(needs=_HOURS, slow=True)
def dependence() -> Figure:
    """How the prediction depends on a column, all others being as they are: the mean, and where eight of ten rows lie.

    Four of the five most important columns; the date is left out.
    """
    curves = {curve["column"]: curve for curve in _explained()["dependence"][:5] if curve["column"] != "dteday"}
    return plots.panels(
        {
            name: lambda ax, c=curve: plots.dependence(
                c["x"], c["y"], c["low"], c["high"], xlabel="", ylabel="rentals", ax=ax
            )
            for name, curve in curves.items()
        },
        share="y",
    )


@entry(needs=_HOURS, slow=True)
def predicted() -> Figure:
    """Predictions against what came true, for hours of days after those that trained."""
    found = evaluate(_rentals().experiment, "test")
    return plots.predictions(found.targets, found.values, name="rentals an hour")


@entry(needs=_HOURS, slow=True)
def residuals() -> Figure:
    """What is left unexplained, over the prediction and as a histogram, with the interval of eight of ten rows."""
    found = evaluate(_rentals().experiment, "test")
    left = found.values - found.targets
    low, high = np.quantile(left, [0.1, 0.9])
    return plots.panels(
        {
            "over the prediction": lambda ax: plots.residuals(found.values, left, low=low, high=high, ax=ax),
            "as a histogram": lambda ax: plots.histogram(left, xlabel="residual", low=low, high=high, ax=ax),
        },
        size=(3.6, 2.8),
    )


@entry("Raff, exercise 2.7", needs=_HOURS, slow=True)
def baselines() -> Figure:
    """A network beside simple models on the same rows. One that loses to them says so."""
    experiment = _rentals().experiment
    found = [("network", evaluate(experiment, "test").metrics["rmse"])]
    found += [(each["name"], each["metrics"]["rmse"]) for each in table_baselines(experiment, "test")]
    return plots.bars([name for name, _ in found], [rmse for _, rmse in found], xlabel="RMSE (rentals an hour)")


@entry(needs=_HOURS, slow=True)
def forecast() -> Figure:
    """A forecast of the days that were held out, from every midnight for a day, beside the same hour a week before.

    A small network, trained briefly; the last days are holidays, which it has seen once before.
    """
    training = trained(
        "series",
        file=data_path(_HOURS),
        time=("dteday", "hr"),
        target="cnt",
        drop=("casual", "registered", "instant"),
        stride=4,
        hidden=64,
        epochs=10,
    )
    found = series_insight(training.experiment, "test")["forecast"]
    lines = {name: values for name, values in found.items() if isinstance(values, list)}
    return plots.forecast(**lines, name="rentals an hour")


@entry(slow=True)
def confusion() -> Figure:
    """Which digits are taken for which: rows are true, columns predicted."""
    found = evaluate(trained("digits", epochs=5).experiment, "val")
    return plots.confusion(found.confusion, found.classes)


@entry(slow=True)
def calibration() -> Figure:
    """Are probabilities what they claim? Of the digits that a network is 90 % sure of, 90 % should be right."""
    experiment = trained("digits", epochs=5).experiment
    batch = experiment.data.val.batch(torch.arange(len(experiment.data.val)), None)
    with torch.no_grad():
        probabilities = experiment.model.eval()(batch.inputs).softmax(-1)
    found = calibrated(*top_label(probabilities, batch.targets))
    return plots.calibration(found.predicted, found.observed, found.rows, ece=found.ece)
