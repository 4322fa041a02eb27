"""The task's own sections: movable threshold, calibration, residuals, insight; and how large a page becomes."""

import base64
import hashlib
import html as markup
import json
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from stepwell.plots import roc
from stepwell.reports import render
from stepwell.reports.columns import steps
from stepwell.reports.regression import interval, regression
from stepwell.reports.script import MOVE_THRESHOLD
from stepwell.reports.thresholds import thresholds
from stepwell.reports.worst import gallery
from stepwell.training.evaluation import Mistake
from stepwell.training.scores import CalibrationBins, RankingCounts

POSITIVES, NEGATIVES = 200, 300
GRID = np.linspace(0, 1, 101)


def counts(**changes: object) -> RankingCounts:
    """A classifier whose probabilities are spread so that TPR = 1 - t² and FPR = (1 - t)²."""
    right, wrong = np.round(POSITIVES * (1 - GRID**2)), np.round(NEGATIVES * (1 - GRID) ** 2)
    known = {
        "thresholds": GRID,
        "true_positives": right.astype(int),
        "false_positives": wrong.astype(int),
        "positives": POSITIVES,
        "negatives": NEGATIVES,
        "threshold": 0.5,
        "curve": np.stack((wrong, right), 1)[::-1],
    }
    return RankingCounts(**{**known, **changes})


BINS = CalibrationBins(
    predicted=np.array([0.1, 0.5, 0.9]), observed=np.array([0.05, 0.45, 0.8]), rows=np.array([100, 50, 50])
)


@dataclass(frozen=True)
class Result:
    split: str = "val"
    rows: int = 500
    metrics: dict = field(default_factory=lambda: {"roc_area": 0.83, "average_precision": 0.7})
    confusion: np.ndarray | None = None
    classes: list = field(default_factory=lambda: ["no", "yes"])
    worst: list = field(default_factory=list)
    targets: np.ndarray | None = None
    values: np.ndarray | None = None
    ranking: RankingCounts | None = None
    calibration: CalibrationBins | None = None


HISTORY = [{"epoch": e, "train": {"loss": 1 / e}} for e in range(1, 9)]

# The threshold.


def test_the_page_is_whole_without_a_script() -> None:
    html = thresholds(Result(ranking=counts())).body_html
    assert re.findall(r'data-show="(\w+)">([^<]*)<', html) == [
        ("threshold", "0.50"),
        ("precision", "0.667"),
        ("recall", "0.750"),
        ("f1", "0.706"),
        ("accuracy", "0.750"),
        ("tn", "225"),
        ("fp", "75"),
        ("fn", "50"),
        ("tp", "150"),
    ]
    assert re.search(r'<input id="threshold-slider" type="range" min="0" max="100" step="1" value="50" hidden>', html)
    listed = re.findall(r'<tr><th class="num">(0\.\d\d)</th>', html)
    assert listed == sorted([*(f"0.{tenth}0" for tenth in range(1, 10)), "0.46"])
    assert html.count("<circle") == 2


def test_the_script_is_given_all_counts_and_no_name() -> None:
    html = thresholds(Result(ranking=counts(), classes=["<no>", "'yes'"])).body_html
    known = json.loads(markup.unescape(re.search(r'data-counts="([^"]*)"', html)[1]))
    assert known["t"][:3] == ["0.00", "0.01", "0.02"]
    assert known["tp"] == counts().true_positives.tolist()
    assert known["fp"] == counts().false_positives.tolist()
    assert (known["p"], known["n"]) == (POSITIVES, NEGATIVES)
    assert "&lt;no&gt;" in html
    assert "<no>" not in html


def test_the_rings_lie_on_the_curves() -> None:
    html = thresholds(Result(ranking=counts())).body_html
    for drawn, (x, y) in zip(html.split("<figure>")[1:3], ((0.25, 0.75), (0.75, 2 / 3)), strict=True):
        ring = re.search(r"<circle[^>]*>", drawn)[0]
        left, right, bottom, top = map(float, re.search(r'data-frame="([^"]*)"', ring)[1].split())
        cx, cy = (float(re.search(rf'{name}="([^"]*)"', ring)[1]) for name in ("cx", "cy"))
        assert cx == pytest.approx(left + (right - left) * x, abs=0.02)
        assert cy == pytest.approx(bottom + (top - bottom) * y, abs=0.02)
        path = re.search(r'<path d="([^"]*)"[^>]*stroke: var\(--blue\)', drawn)[1]
        points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", path), float)
        assert np.abs(points - (cx, cy)).max(1).min() < 0.6


def test_only_this_script_may_run_and_only_where_it_is_needed() -> None:
    html = render({}, [], evaluation=Result(ranking=counts()))
    [script] = re.findall("<script>(.*?)</script>", html, re.S)
    assert script == MOVE_THRESHOLD
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{allowed}'\"" in html
    assert "script-src" not in render({}, [], evaluation=Result())
    assert not re.search("https?:", html)


def test_no_two_parts_of_a_page_have_one_id() -> None:
    result = Result(ranking=counts(), calibration=BINS, confusion=np.eye(2))
    ids = re.findall(r' id="([^"]*)"', render({}, HISTORY, evaluation=result, insight=INSIGHT))
    assert len(ids) == len(set(ids)) > 10


def test_a_better_threshold_is_told() -> None:
    html = thresholds(Result(ranking=counts(threshold=0.2))).body_html
    assert "F1 is greatest at threshold 0.46: 0.710, against 0.658 at 0.20." in html
    assert "No other threshold has a notably better F1 than 0.50." in thresholds(Result(ranking=counts())).body_html


def test_of_a_rare_class_thresholds_are_listed_where_counts_change() -> None:
    grid = np.array([0, 1e-9, 0.00123456, 0.0234567, 0.5, 0.7, 0.9, 1])
    right, wrong = np.array([10, 10, 8, 5, 0, 0, 0, 0]), np.array([290, 100, 4, 1, 0, 0, 0, 0])
    rare = counts(thresholds=grid, true_positives=right, false_positives=wrong, positives=10, negatives=290)
    html = thresholds(Result(ranking=rare)).body_html
    listed = re.findall(r'<tr><th class="num">([^<]*)</th>', html.split("threshold-list")[1])
    assert listed[1:] == ["0.00", "1e-09", "0.001235", "0.02346", "0.50"]
    assert "F1 is greatest at threshold 0.001235: 0.727, against 0.000 at 0.50." in html


@pytest.mark.parametrize(
    ("positives", "negatives"), [(0, NEGATIVES), (POSITIVES, 0), (0, 0)], ids=["no positives", "no negatives", "none"]
)
def test_one_class_alone_has_scores_that_are_not_defined(positives: int, negatives: int) -> None:
    some = counts(
        positives=positives,
        negatives=negatives,
        true_positives=counts().true_positives * bool(positives),
        false_positives=counts().false_positives * bool(negatives),
        curve=counts().curve * [bool(negatives), bool(positives)],
    )
    html = thresholds(Result(ranking=some, metrics={})).body_html
    assert 'visibility="hidden"' in html
    assert "nan" not in html


def test_a_small_area_is_written_above_the_curve() -> None:
    low = roc([0, 1], [0, 1], area=0.06).axes[0].texts[-1]
    high = roc([0, 1], [0, 1], area=0.9).axes[0].texts[-1]
    assert low.get_position()[1] > 0.9
    assert high.get_position()[1] < 0.1


# Calibration.


def test_calibration_says_how_far_probabilities_are_off_and_to_which_side() -> None:
    html = render({}, [], evaluation=Result(ranking=counts(), calibration=BINS))
    assert "Probabilities are off by 0.062 on average (expected calibration error): they are too high, by 0.062" in html
    assert ">probability of yes</text>" in html
    html = render({}, [], evaluation=Result(calibration=BINS, classes=["a", "b", "c"]))
    assert "the model is too sure of itself" in html
    assert ">share that was right</text>" in html


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ([0.1, 0.5, 0.9], "0.000 on average (expected calibration error): they can be taken as they are."),
        ([0.2, 0.5, 0.7], ", to both sides."),
        ([0.2, 0.6, 0.99], "less sure than it could be."),
    ],
)
def test_calibration_in_words(observed: list[float], said: str) -> None:
    bins = CalibrationBins(predicted=BINS.predicted, observed=np.array(observed), rows=BINS.rows)
    assert said in render({}, [], evaluation=Result(calibration=bins, classes=["a", "b", "c"]))
    few = CalibrationBins(predicted=BINS.predicted, observed=BINS.observed, rows=np.array([3, 3, 4]))
    assert "With 10 rows, much of that may be chance." in render({}, [], evaluation=Result(calibration=few))


# Regression.


def test_nine_in_ten_residuals_lie_in_the_interval_and_the_sentence_turns_it_round() -> None:
    errors = np.linspace(-10, 30, 401)
    assert interval(errors) == pytest.approx((-8, 28))
    html = regression(np.zeros(401), errors)
    assert "the true value lies between the prediction minus 28 and the prediction plus 8." in html
    assert html.count("<svg") == 3
    assert ">−8</text>" in html
    inside = (errors >= -8) & (errors <= 28)
    assert inside.mean() == pytest.approx(0.9, abs=0.01)


def test_few_rows_promise_no_interval() -> None:
    assert interval(np.arange(39.0)) is None
    assert "interval" not in regression(np.zeros(39), np.arange(39.0))
    assert interval(np.append(np.full(60, np.nan), np.arange(39.0))) is None


def test_worst_rows_are_told_with_the_names_of_their_columns() -> None:
    row = Mistake(row=7, loss=2.0, input=np.array([0.25, 0.0, 1.0, 12.0]), target="3", predicted="5")
    assert "temp 0.25, wet 1, hr 12" in gallery([row], ["temp", "dry", "wet", "hr"])
    assert "0.25, 0, 1, 12" in gallery([row], ["temp"])
    many = Mistake(row=7, loss=2.0, input=np.ones(30), target="3", predicted="5")
    assert "c7 1, … and 22 more" in gallery([many], [f"c{i}" for i in range(30)])
    zero = Mistake(row=7, loss=2.0, input=np.zeros(2), target="3", predicted="5")
    assert "all zero" in gallery([zero], ["a", "b"])
    html = render({"reader": {"features": ["<a>", "b", "c", "d"]}}, [], evaluation=Result(worst=[row]))
    assert "&lt;a&gt; 0.25, c 1, d 12" in html


def test_worst_rows_are_told_as_the_file_has_them_where_that_is_known() -> None:
    row = Mistake(row=7, loss=2.0, input=np.array([0.25, 1.0]), target="3", predicted="5")
    rows = {"7": {"hr": 8, "temp": 0.123456, "town": "<Ulm>", "wind": None}}
    html = render({}, [], evaluation=Result(worst=[row, row]), insight={"rows": rows})
    assert html.count("hr 8, temp 0.123, town &lt;Ulm&gt;<") == 2
    assert "0.25, 1<" in gallery([row], rows={"8": {"hr": 8}})
    assert "temp 0.25, season=4<" in gallery([row], ["temp", "season=4"])


def test_a_regression_says_what_it_predicts() -> None:
    facts = {"reader": {"target": "cnt", "file": "../data/hour.csv"}, "task": {"watch": ["loss", "min"]}}
    values = np.arange(50.0)
    html = render(
        facts, [], evaluation=Result("test", metrics={"loss": 4.0, "rmse": 2.0}, targets=values, values=values)
    )
    assert ">true cnt</text>" in html
    assert ">predicted cnt</text>" in html
    assert 'class="sub">cnt from hour.csv</p>' in html
    assert "<dt>test RMSE</dt><dd>2<small>on 500 rows that chose nothing</small>" in html
    assert "chose nothing" not in render(facts, [], evaluation=Result("val", metrics={"rmse": 2.0}))
    assert ">predicted cnt, output 2</text>" in regression(np.ones((5, 2)), np.ones((5, 2)), "cnt")


def test_all_steps_of_a_forecast_are_one_figure_that_names_them() -> None:
    values = np.arange(12.0).reshape(4, 3)
    facts = {"reader": {"target": "cnt", "step": "1 hour", "horizon": 3}}
    html = render(facts, [], evaluation=Result("test", targets=values, values=values))
    assert html.count("<svg") == 1
    assert "All 3 steps of each window, +1 hour to +3 hours." in html
    assert steps({"reader": {"step": "15 minutes", "horizon": 2}}) == ["+15 minutes", "+30 minutes"]
    assert steps({"reader": {"step": "1 day"}}) == steps({}) == []


# Insight.


def test_a_column_that_matters_less_than_nothing_is_told() -> None:
    columns = [{"column": "hr", "increase": 0.4, "std": 0.1}, {"column": "an id", "increase": -0.01, "std": 0.02}]
    html = render({}, [], insight={"importance": {"metric": "loss", "columns": columns}})
    assert "exchanging an id made the score better. It may be noise; try" in html
    assert "--drop</span> &#x27;an id&#x27;." in html
    assert "made the score better" not in render({}, [], insight={"importance": {"columns": columns[:1]}})


def test_times_below_a_small_plot_are_not_cut() -> None:
    def drawn(x: list[str]) -> str:
        return render({}, [], insight={"dependence": [{"column": "t", "x": x, "y": [1.0, 2.0]}]})

    html = drawn(["2023-04-23 03:00:00", "2023-05-01 04:00:00"])
    assert ">2023-04-23</text>" in html
    assert "…</text>" not in html
    assert ">03:00</text>" in drawn(["2023-04-23 03:00:00", "2023-04-23T04:00:00"])
    assert ">soon</text>" in drawn(["soon", "2023-04-23 03:00"])


HOURS = [f"2012-12-01T{hour:02}:00:00" for hour in range(24)]
INSIGHT = {
    "importance": {
        "metric": "rmse",
        "columns": [{"column": f"c{i}", "increase": 100.0 / (i + 1), "std": 1.0} for i in range(80)],
    },
    "dependence": [
        {
            "column": "hr",
            "x": [0, 1, 2],
            "y": [1, 5, 3],
            "low": [0, 4, 2],
            "high": [2, 6, 4],
            "of": "prediction of cnt",
        },
        {
            "column": "town",
            "x": ["<Ulm>", "Köln"],
            "y": [1, 2],
            "low": [0, 1],
            "high": [3, 4],
            "of": "prediction of cnt",
        },
    ],
    "forecast": {
        "times": HOURS,
        "truth": list(range(24)),
        "predicted": list(range(1, 25)),
        "naive": list(range(2, 26)),
        "name": "cnt",
    },
}


def test_importance_has_bars_for_the_first_and_a_table_for_the_next() -> None:
    html = render({}, [], insight={"importance": INSIGHT["importance"]})
    assert ">RMSE gets worse by</text>" in html
    assert html.count(">c19</text>") == 1
    assert ">c20</text>" not in html
    assert '<th class="name">c20</th><td class="num">4.762</td>' in html
    assert "… and 20 more columns that matter less." in html


def test_dependences_share_their_heights() -> None:
    html = render({}, [], insight={"dependence": INSIGHT["dependence"]})
    assert 'aria-label="prediction of cnt over hr: from 1 to 3"' in html
    assert "The prediction of cnt, averaged over the rows" in html
    assert "&lt;Ulm&gt;" in html
    axes = [re.findall(r'x="([\d.]+)" y="([\d.]+)"[^>]*>(\d)</text>', part) for part in html.split("<figure>")[1:]]
    heights = [{label: y for x, y, label in part if float(x) < 25} for part in axes]
    assert set(heights[0]) & set(heights[1])


def test_very_many_names_below_a_small_plot_are_thinned() -> None:
    days = [f"2012-12-{day:02}" for day in range(1, 31)]
    html = render({}, [], insight={"dependence": [{"column": "day", "x": days, "y": [1.0] * 30}]})
    assert re.findall(r">(2012-12-\d\d)</text>", html) == days[::5]


def test_the_forecast_stands_before_importance() -> None:
    html = render({}, [], insight=INSIGHT)
    assert re.findall("<h2>(.*?)</h2>", html) == ["Forecast", "What it looks at", "What each column does"]
    assert "forecast of cnt from 2012-12-01T00:00:00 to 2012-12-01T23:00:00 beside what came true" in html
    assert "The naive forecast repeats the last season." in html


@pytest.mark.parametrize(
    "insight",
    [None, {}, {"importance": None}, {"importance": {"columns": []}}, {"dependence": []}, {"forecast": {"times": []}}],
)
def test_without_insight_there_is_no_section(insight: dict | None) -> None:
    assert "<h2>" not in render({}, [], insight=insight)


# Size.


def test_a_large_run_stays_below_three_megabytes() -> None:
    random = np.random.default_rng(0)
    epochs = 2000
    history = [
        {
            "epoch": e,
            "step": e,
            "learning_rate": [0.1, 0.01],
            "train": {"loss": float(random.random()), "accuracy": float(random.random())},
            "val": {f"metric {m}": float(random.random()) for m in range(12)} | {"loss": float(random.random())},
        }
        for e in range(1, epochs)
    ]
    timing = [{"epoch": e, "train": 1.0, "val": 0.1} for e in range(1, epochs)]
    pictures = random.random((12, 3, 600, 800))
    facts = {
        "recipe": "large",
        "model": {
            "class": "Net",
            "layers": [{"layer": f"block.{i}", "kind": "Conv2d", "parameters": i} for i in range(400)],
        },
        "data": {"warnings": [f"warning {i} " * 30 for i in range(500)]},
        "reader": {"columns": [{"column": f"c{i}", "kind": "nominal", "why": "word " * 20} for i in range(10_000)]},
        "parameters": {f"p{i}": i for i in range(200)},
    }
    classes = [f"class {i}" for i in range(25)]
    result = Result(
        classes=classes,
        confusion=random.integers(0, 1000, (25, 25)),
        worst=[
            Mistake(row=i, loss=1.0, input=picture, target="a", predicted="b", confidence=0.5)
            for i, picture in enumerate(pictures)
        ],
        calibration=BINS,
    )
    sizes = [len(render(facts, history, timing, result, insight=INSIGHT).encode())]
    values = random.normal(size=2000)
    rows = Result(targets=values, values=values + random.normal(size=2000), classes=[], ranking=None)
    sizes.append(len(render(facts, history, timing, rows, insight=INSIGHT).encode()))
    assert max(sizes) < 3_000_000, sizes
