"""Kinds of raw data, and for each: who reads it, what a model is compared with and explained by.

One row here is all that a new kind of data needs beyond its recipe.
"""

from dataclasses import dataclass
from typing import Any

from stepwell.core.errors import RunError
from stepwell.core.lazy import named


@dataclass(frozen=True)
class Kind:
    """Names (`module:name`) of what belongs to a kind of data; they are imported when they are needed.

    `reader` is its `Reader`. `baselines(experiment, side)` gives the scores of simpler models on the same rows,
    `insight(experiment, side)` what the model looks at; both plain data, for the report.
    """

    reader: str
    baselines: str
    insight: str


KINDS = {
    "table": Kind(
        reader="stepwell.data.tables.reader:TableReader",
        baselines="stepwell.recipes.tabular_baselines:baselines",
        insight="stepwell.recipes.tabular_insight:insight",
    ),
    "images": Kind(
        reader="stepwell.data.images.reader:ImageReader",
        baselines="stepwell.recipes.image_baselines:baselines",
        insight="stepwell.recipes.image_insight:insight",
    ),
    "series": Kind(
        reader="stepwell.data.series.reader:SeriesReader",
        baselines="stepwell.recipes.series_report:baselines",
        insight="stepwell.recipes.series_report:insight",
    ),
    "captions": Kind(
        reader="stepwell.data.images.caption_reader:CaptionReader",
        baselines="stepwell.recipes.captions_report:baselines",
        insight="stepwell.recipes.captions_report:insight",
    ),
}


def part(kind: str, name: str) -> Any:
    """The part `name` of a kind of data. Raises `RunError` for a kind that this version does not know."""
    if kind not in KINDS:
        raise RunError(
            f"This version of Stepwell reads {', '.join(KINDS)}; the run's data is of the kind {kind!r}. Update Stepwell."
        )
    return named(getattr(KINDS[kind], name))
