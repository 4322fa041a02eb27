"""What a learning-rate range test found, as its user sees it: a table, a suggestion, a plot, and how to train with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell.cli.console import facts, say, show, suggest_next, table
from stepwell.cli.runs import relative
from stepwell.recipes.recipe import Recipe
from stepwell.recipes.values import plain
from stepwell.runs.files import temporary_beside, writing
from stepwell.training.experiment import Experiment
from stepwell.training.range_test import RangeTest

_LINES, _BAR = 14, 30
_NAMES = ("learning_rate", "lr", "rate", "step_size")
"""What recipes call their learning rate."""


@dataclass(frozen=True)
class Found:
    """A test, of what it was, and the words and parameters that named it."""

    typed: str
    recipe: Recipe
    parameters: Mapping[str, Any]
    experiment: Experiment
    test: RangeTest


def tell(found: Found, out: Path) -> None:
    """Print what a test found, and write its plot."""
    _draw(found.test, out)
    say(_described(found), style="dim")
    say()
    _table(found.test)
    say()
    suggestion = found.test.suggestion
    facts(
        [
            ("suggested", "none" if suggestion is None else f"{suggestion:g}"),
            ("because", found.test.why),
            *_scheduled(found),
            ("plot", relative(out)),
        ]
    )
    if suggestion is not None:
        _tell_next(found, suggestion)


def _described(found: Found) -> str:
    experiment, test = found.experiment, found.test
    kind, made = type(experiment.made_optimizer).__name__, len(test.rates)
    span = f"from {test.rates[0]:.2g} to {test.rates[-1]:.2g}"
    return f"{made} steps of {found.recipe.name}, {kind}, batches of {experiment.batch_size}, at rates {span}"


def _table(test: RangeTest) -> None:
    """Some of the steps, evenly spread, and that of the suggestion, with a bar as long as the smoothed loss is high."""
    places = set(np.linspace(0, len(test.rates) - 1, _LINES).round().astype(int).tolist())
    chosen = None if test.suggestion is None else int(np.abs(np.log(test.rates / test.suggestion)).argmin())
    if chosen is not None:
        places = {place for place in places if abs(place - chosen) > 1} | {chosen}
    rows = [
        (
            f"{test.rates[place]:.2g}",
            f"{test.losses[place]:.4g}",
            f"{test.smoothed[place]:.4g}",
            _bar(test, place) + ("  ◀ suggested" if place == chosen else ""),
        )
        for place in sorted(places)
    ]
    show(table(("rate", "loss", "smoothed", ""), rows, right=("rate", "loss", "smoothed")))


def _bar(test: RangeTest, place: int) -> str:
    """As long as the loss is above the least of all, on a scale that ends a little above the first."""
    value = float(test.smoothed[place])
    known = test.smoothed[np.isfinite(test.smoothed)]
    if not np.isfinite(value):
        return "not finite"
    low, high = float(known.min()), float(known[: max(1, len(known) // 5)].max())
    share = (value - low) / (high - low) if high > low else 1.0
    return "▇" * max(1, round(_BAR * min(share, 1.2))) + ("…" if share > 1.2 else "")


def _scheduled(found: Found) -> list[tuple[str, object]]:
    scheduler = found.experiment.scheduler
    if scheduler is None:
        return []
    return [
        ("schedule", f"{type(scheduler).__name__} rested; take the suggestion for the highest rate that it comes to")
    ]


def _draw(test: RangeTest, out: Path) -> None:
    from stepwell.plots import range_test

    figure = range_test(test.rates, test.losses, test.smoothed, suggestion=test.suggestion, diverged=test.diverged)
    beside = temporary_beside(out)
    with writing(out):
        try:
            figure.savefig(beside, format=out.suffix[1:].lower(), dpi=144)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)


def _tell_next(found: Found, suggestion: float) -> None:
    from stepwell.reports.command import train

    parameters = found.recipe.parameters
    name = next((name for name in _NAMES if name in parameters), None)
    if name is None:
        say(f"\n{found.recipe.name} has no parameter for it: give its optimizer lr={suggestion:g}.")
        return
    typed = {
        "recipe": found.typed,
        "parameters": found.parameters,
        "arguments": found.recipe.arguments,
        "defaults": {each: plain(value) for each, value in found.recipe.defaults.items()},
    }
    suggest_next([(train(typed, {name: suggestion}), "train with it")])
