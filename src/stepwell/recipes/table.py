"""The table of recipes: what `stepwell list` shows. It imports no torch, so that looking is quick."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A recipe's name, the function `module:function`, a line about it, the book rows it holds and its typical time."""

    name: str
    target: str
    summary: str
    rows: str = ""
    time: str = ""


ENTRIES = (
    Entry("digits", "stepwell.recipes.digits:digits", "Read 1,797 real handwritten digits of 8×8 pixels", "", "8 s"),
    Entry(
        "line",
        "stepwell.recipes.line:line",
        "Fit a straight line to 100 noisy points",
        "Step-by-Step S01–S12",
        "1 s",
    ),
    Entry(
        "moons",
        "stepwell.recipes.moons:moons",
        "Tell two interleaved half-moons apart, by a line",
        "Step-by-Step S15",
        "1 s",
    ),
)
