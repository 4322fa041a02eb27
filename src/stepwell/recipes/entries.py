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
        "table",
        "stepwell.recipes.table:table",
        "Predict a column of your own table (CSV, Parquet) from the others",
        "Deep Learning with PyTorch S4.3, C10–C18",
        "30 s",
    ),
    Entry(
        "series",
        "stepwell.recipes.series:series",
        "Forecast your own series from its past",
        "Deep Learning with PyTorch S4.4, C19",
        "60 s",
    ),
    Entry(
        "images",
        "stepwell.recipes.images:images",
        "Tell your own pictures apart: class folders, an archive, or a CSV of paths and labels",
        "Step-by-Step S30–S33, S41; Deep Learning with PyTorch S4.1",
        "60 s",
    ),
    Entry(
        "fashion",
        "stepwell.recipes.fashion:fashion",
        "Tell ten kinds of clothes apart on 60,000 pictures of 28×28 pixels",
        "Overview T-05, T-06; Inside Deep Learning S-32",
        "60 s",
    ),
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
    Entry(
        "breast-cancer",
        "stepwell.recipes.breast_cancer:breast_cancer",
        "Tell malignant tumours from benign ones by thirty measures of their cells",
        "Inside Deep Learning, exercise 2.7",
        "2 s",
    ),
    Entry(
        "feature-space",
        "stepwell.recipes.feature_space:feature_space",
        "Part two parabolas by a layer that moves them to where a line does",
        "Step-by-Step S24",
        "2 s",
    ),
    Entry(
        "thermometer",
        "stepwell.recipes.thermometer:thermometer",
        "Find what unit a thermometer shows, from eleven readings",
        "Deep Learning with PyTorch S5.1–S5.9, S6.1–S6.5",
        "6 s",
    ),
    Entry(
        "curve",
        "stepwell.recipes.curve:curve",
        "Follow a noisy wave with a line, two layers, or a network that bends",
        "Inside Deep Learning S-15–S-17, S-19",
        "8 s",
    ),
    Entry(
        "moons-softmax",
        "stepwell.recipes.moons_softmax:moons_softmax",
        "Tell two half-moons apart with one output a class, and compare batch sizes",
        "Inside Deep Learning S-20, S-21, S-24–S-28",
        "10 s",
    ),
    Entry(
        "lines",
        "stepwell.recipes.lines:lines",
        "Tell straight, rising and falling lines in pictures of 10×10 pixels apart",
        "Step-by-Step S18, S28, S29",
        "3 s",
    ),
    Entry(
        "cifar2",
        "stepwell.recipes.cifar2:cifar2",
        "Tell birds from airplanes in pictures of 32×32 pixels, by one of ten designs",
        "Deep Learning with PyTorch S7.2–S7.6, S8.2–S8.5",
        "8 min",
    ),
    Entry(
        "cyclegan",
        "stepwell.recipes.cyclegan:cyclegan",
        "Translate between two kinds of pictures without pairs: horses and deer of 32×32 pixels",
        "Deep Learning with PyTorch S2.4",
        "10 min",
    ),
    Entry(
        "captions",
        "stepwell.recipes.captions:captions",
        "Say in words what pictures show: your own, from a CSV of paths and captions, or drawn scenes",
        "Deep Learning with PyTorch S2.5",
        "60 s",
    ),
)
