"""Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, chapter 4: rows S4.3, S4.4 and capabilities C10-C13, C16-C18.

The book prints three digits of the wine's statistics. Its figures are of float32; ours are of float64, and agree.
"""

import os
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from stepwell.data.tables.codes import codes_of, levels_of
from stepwell.data.tables.column import Column
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.read import read_table
from stepwell.data.tables.rules import group_means, judge_rule
from stepwell.data.tables.target import Target

row = partial(pytest.mark.book, "dlwp-chapters-1-8")
SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")
WINE = [
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
]  # fmt: skip


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


@pytest.fixture(scope="module")
def wine() -> pl.DataFrame:
    return read_table(shared("wine/winequality-white.csv")).frame


@pytest.fixture(scope="module")
def bikes() -> pl.DataFrame:
    return read_table(shared("bike-sharing/hour-fixed.csv")).frame


def encoded(frame: pl.DataFrame, *columns: Column) -> Tensor:
    """All rows, by the statistics of all rows, as the book has it."""
    return Encoding.fit(frame, columns, np.arange(len(frame))).encode(frame).inputs


def three_digits(values) -> list[float]:
    return [float(f"{value:.3g}") for value in values]


# --- wine -----------------------------------------------------------------------------------------------------------------


@row("C16", recipe="stepwell.data.tables.read.read_table", kind="exact")
@row("S4.3", recipe="stepwell.data.tables.read.read_table", kind="exact")
def test_s4_3_the_file():
    """4,898 rows of 12 columns behind semicolons; the first line names them."""
    file = read_table(shared("wine/winequality-white.csv"))
    assert (file.frame.shape, file.delimiter, file.header) == ((4898, 12), ";", True)
    assert file.frame.columns == WINE
    given = read_table(file.path, delimiter=";", header=True, types={"quality": "number"})
    assert given.frame.schema["quality"] == pl.Float64
    assert given.frame.to_torch().float().shape == (4898, 12)


@row("S4.3", recipe="stepwell.data.tables.target.Target", kind="exact")
def test_s4_3_the_target():
    """Quality as int64 classes, taken from the inputs, and as one-hot rows; counts 20, 163, 1457, 2198, 880, 175, 5."""
    frame = read_table(shared("wine/winequality-white.csv")).frame
    target = Target.choose(frame, "quality", "multiclass")
    classes = target.encode(frame)
    assert classes.dtype == torch.int64
    assert dict(zip(target.classes, classes.bincount().tolist(), strict=True)) == {
        "3": 20, "4": 163, "5": 1457, "6": 2198, "7": 880, "8": 175, "9": 5,
    }  # fmt: skip
    scores = torch.tensor(frame["quality"].to_list())
    one_hot = torch.zeros(4898, 10).scatter_(1, scores.unsqueeze(1), 1.0)
    kept = encoded(frame, Column("quality", "nominal", "onehot", "the book"))
    assert torch.equal(one_hot[:, 3:], kept)
    assert not one_hot[:, :3].any()


@row("S4.3", recipe="stepwell.data.tables.encoding.Encoding", kind="exact")
def test_s4_3_statistics(wine):
    """The columns' means and variances, and the first normalised row: 0.172, -0.0818, …, -0.349, -1.39."""
    inputs = wine.drop("quality")
    means = [6.85, 0.278, 0.334, 6.39, 0.0458, 35.3, 138, 0.994, 3.19, 0.490, 10.5]
    variances = [0.712, 0.0102, 0.0146, 25.7, 4.77e-4, 289, 1810, 8.95e-6, 0.0228, 0.0130, 1.51]
    assert three_digits(inputs.mean().row(0)) == means
    assert three_digits(inputs.var().row(0)) == variances
    columns = choose_columns(wine, target="quality")
    assert [(column.kind, column.encoding) for column in columns] == [("continuous", "number")] * 11
    first = encoded(wine, *columns)[0].tolist()  # by the population's deviation, which differs in the fifth digit
    assert three_digits([*first[:2], *first[-2:]]) == [0.172, -0.0818, -0.349, -1.39]


@row("C17", recipe="stepwell.data.tables.rules.group_means", kind="exact")
@row("S4.3", recipe="stepwell.data.tables.rules.group_means", kind="exact")
def test_s4_3_groups(wine):
    """20 bad, 3,818 middling and 1,060 good wines, and their means."""
    assert wine.filter(pl.col("quality") <= 3).height == 20
    assert wine.filter((pl.col("quality") > 3) & (pl.col("quality") < 7)).height == 3818
    means = group_means(wine, "quality", (3, 6), ("bad", "mid", "good"))
    assert means["rows"].to_list() == [20, 3818, 1060]
    printed = {
        "fixed acidity": (7.60, 6.89, 6.73),
        "volatile acidity": (0.33, 0.28, 0.27),
        "citric acid": (0.34, 0.34, 0.33),
        "residual sugar": (6.39, 6.71, 5.26),
        "chlorides": (0.05, 0.05, 0.04),
        "free sulfur dioxide": (53.33, 35.42, 34.55),
        "total sulfur dioxide": (170.60, 141.83, 125.25),
        "density": (0.99, 0.99, 0.99),
        "pH": (3.19, 3.18, 3.22),
        "sulphates": (0.47, 0.49, 0.50),
        "alcohol": (10.34, 10.26, 11.42),
    }
    for name, values in printed.items():
        assert means[name].to_list() == pytest.approx(values, abs=0.0051), name  # 10.345 is printed as 10.34


@row("C18", recipe="stepwell.data.tables.rules.judge_rule", kind="exact")
@row("S4.3", recipe="stepwell.data.tables.rules.judge_rule", kind="exact")
def test_s4_3_rule_of_one_threshold(wine):
    """Good if total sulfur dioxide < 141.83: 2,727 said, 3,258 so, 2,018 both; precision 0.74000733406674."""
    score = judge_rule(wine, pl.col("total sulfur dioxide") < 141.83, pl.col("quality") > 5)
    assert (score.predicted, score.actual, score.matched) == (2727, 3258, 2018)
    assert score.precision == 0.74000733406674
    assert score.recall == 0.6193984039287906


@row("C18", recipe="stepwell.data.tables.rules.judge_rule", kind="property")
def test_c18_the_rule_is_worse_than_a_constant(wine):
    """What the book does not say: its accuracy, 0.602, is less than that of calling every wine good, 0.665."""
    score = judge_rule(wine, pl.col("total sulfur dioxide") < 141.83, pl.col("quality") > 5)
    assert (round(score.accuracy, 3), round(score.majority, 3)) == (0.602, 0.665)


# --- bikes ----------------------------------------------------------------------------------------------------------------


@row("C11", recipe="stepwell.data.tables.encoding.Encoding", kind="exact")
@row("S4.4", recipe="stepwell.data.tables.encoding.Encoding", kind="exact")
def test_s4_4_one_hot_weather_beside_the_columns(bikes):
    """The first row with its weather as four more columns; all days, (730, 21, 24)."""
    weather = encoded(bikes, Column("weathersit", "nominal", "onehot", "the book"))
    numbers = bikes.with_columns(pl.col("dteday").dt.day()).select(pl.all().cast(pl.Float32)).to_torch()
    table = torch.cat([numbers, weather], 1)
    first = [1, 1, 1, 0, 1, 0, 0, 6, 0, 1, 0.24, 0.2879, 0.81, 0, 3, 13, 16, 1, 0, 0, 0]
    assert table[0].tolist() == pytest.approx(first, abs=1e-6)
    days = table.view(-1, 24, 21).transpose(1, 2)
    assert days.shape == (730, 21, 24)
    codes = torch.tensor(bikes["weathersit"].to_list()).view(-1, 24)
    scattered = torch.zeros(730, 4, 24).scatter_(1, codes.unsqueeze(1) - 1, 1.0)
    assert torch.equal(days[:, 17:], scattered)


@row("S4.4", recipe="stepwell.data.tables.codes.codes_of", kind="exact")
def test_s4_4_ordered_weather_as_a_number(bikes):
    """(code - 1) / 3 in [0, 1]: the level's place over the last one's."""
    levels = levels_of(bikes["weathersit"])
    places = codes_of(bikes["weathersit"], levels)
    assert levels == ("1", "2", "3", "4")
    assert np.bincount(places).tolist() == [11471, 4581, 1465, 3]
    np.testing.assert_array_equal(places / (len(levels) - 1), (bikes["weathersit"].to_numpy() - 1) / 3)


@row("C10", recipe="stepwell.data.tables.columns.choose_columns", kind="property")
def test_c10_kinds_of_columns(bikes):
    """Continuous, nominal and time are told apart; ordinal is what a flag says, in three encodings."""
    flags = {"target": "cnt", "drop": ("instant", "casual", "registered")}
    kinds = {column.name: (column.kind, column.encoding) for column in choose_columns(bikes, **flags)}
    assert kinds["dteday"] == ("time", "calendar")
    assert {kinds[name] for name in ("temp", "atemp", "hum", "windspeed")} == {("continuous", "number")}
    assert {kinds[name] for name in ("season", "mnth", "hr", "weekday", "weathersit")} == {("nominal", "onehot")}
    assert {kinds[name] for name in ("yr", "holiday", "workingday")} == {("nominal", "number")}
    for how, due in {"number": "number", "category": "onehot", "cumulative": "cumulative"}.items():
        columns = choose_columns(bikes, **flags, ordinal=("weathersit",), ordinal_as=how)
        found = next(column for column in columns if column.name == "weathersit")
        assert (found.kind, found.encoding) == ("ordinal", due)


@row("C10", recipe="stepwell.data.tables.encoding.Encoding", kind="exact")
def test_c10_cumulative_codes():
    """Footnote 47: ones in the places 0 to i, zeros after; embeddings of them are partial sums."""
    frame = pl.DataFrame({"size": ["small", "large", "medium"]})
    column = Column("size", "ordinal", "cumulative", "the book", order=("small", "medium", "large"))
    codes = encoded(frame, column)
    assert codes.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    weight = torch.arange(6.0).view(3, 2)
    assert torch.equal(codes @ weight, weight.cumsum(0)[[0, 2, 1]])


@row("C11", recipe="stepwell.data.tables.encoding.Encoding", kind="property")
def test_c11_levels_need_not_begin_at_0(bikes):
    """Codes from 1 on are not shifted by hand: each level has its place, and an embedding's code 0 is for the unseen."""
    column = Column("weathersit", "nominal", "embedding", "a test")
    encoding = Encoding.fit(bikes, [column], np.arange(len(bikes)))
    assert encoding.levels == (5,)
    codes = encoding.encode(bikes).inputs["codes"][:, 0]
    assert codes.tolist() == bikes["weathersit"].to_list()
    assert encoding.encode(pl.DataFrame({"weathersit": [0, 9, None]})).inputs["codes"].flatten().tolist() == [0, 0, 0]


@row("C12", recipe="stepwell.data.tables.target.Target", kind="property")
def test_c12_targets_are_no_inputs(wine):
    """The target is taken from the inputs; names of classes become int64 places without one-hot codes."""
    assert "quality" not in [column.name for column in choose_columns(wine, target="quality")]
    named = pl.DataFrame({"kind": ["red", "white", "rosé", "white"]})
    target = Target.choose(named, "kind", "multiclass")
    assert target.encode(named).tolist() == [0, 2, 1, 2]
    assert [target.classes[place] for place in target.encode(named).tolist()] == named["kind"].to_list()


@row("C13", recipe="stepwell.data.tables.encoding.Encoding", kind="property")
def test_c13_scaling_is_of_training_rows_and_frozen(bikes):
    """The temperature, which the file holds as 0.02 to 1.00, has mean 0 and deviation 1 on training rows, and no others."""
    train = np.arange(0, len(bikes), 2)
    encoding = Encoding.fit(bikes, [Column("temp", "continuous", "number", "a test")], train)
    scaled = encoding.encode(bikes).inputs[:, 0].double()
    assert (bikes["temp"].min(), bikes["temp"].max()) == (0.02, 1.0)
    assert scaled[train].mean().item() == pytest.approx(0, abs=1e-6)
    assert scaled[train].std(correction=0).item() == pytest.approx(1, abs=1e-6)
    assert Encoding.from_json(encoding.to_json()).encode(bikes[:5]).inputs[:, 0].tolist() == scaled[:5].tolist()
