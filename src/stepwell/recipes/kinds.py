"""Kinds of raw data, and for each: who reads it, what model is made for it, what it is compared with and explained by.

One row here is all that a new kind of data needs beyond its recipe.
"""

from dataclasses import dataclass
from typing import Any

from stepwell.core.errors import RunError
from stepwell.core.lazy import named


@dataclass(frozen=True)
class Kind:
    """Names (`module:name`) of what belongs to a kind of data; they are imported when they are needed.

    `recipe` is the recipe that trains on it, `reader` its `Reader`. `model_of(reader, parameters)` gives the model and the
    task of a run of that recipe, with all of its parameters.
    `baselines(experiment, side)` gives the scores of simpler models on the same rows, `insight(experiment, side)` what the
    model made of each column; both plain data, for the report.
    """

    recipe: str
    reader: str
    model_of: str
    baselines: str
    insight: str


KINDS = {
    "table": Kind(
        recipe="table",
        reader="stepwell.data.tables.reader:TableReader",
        model_of="stepwell.recipes.tabular:model_of",
        baselines="stepwell.recipes.tabular_baselines:baselines",
        insight="stepwell.recipes.tabular_insight:insight",
    ),
    "series": Kind(
        recipe="series",
        reader="stepwell.data.series.reader:SeriesReader",
        model_of="stepwell.recipes.series:model_of",
        baselines="stepwell.recipes.series_report:baselines",
        insight="stepwell.recipes.series_report:insight",
    ),
}


def part(kind: str, name: str) -> Any:
    """The part `name` of a kind of data. Raises `RunError` for a kind that this version does not know."""
    if kind not in KINDS:
        raise RunError(
            f"This version of Stepwell reads {', '.join(KINDS)}; the run's data is a {kind}. Update Stepwell."
        )
    target = getattr(KINDS[kind], name)
    return named(target) if ":" in target else target
