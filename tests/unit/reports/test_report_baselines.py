"""The network beside simple models: what is said, warned of, drawn and advised."""

import re
from dataclasses import dataclass, field

import pytest

from stepwell.reports import render
from stepwell.reports.advice import advice
from stepwell.reports.baselines import Comparison, comparison, standing, verdict


@dataclass(frozen=True)
class Result:
    metrics: dict
    split: str = "test"
    rows: int = 100
    confusion: object = None
    classes: list = field(default_factory=list)
    worst: list = field(default_factory=list)
    targets: object = None
    values: object = None
    ranking: object = None
    calibration: object = None


REGRESSION = {"recipe": "table", "task": {"watch": ["loss", "min"]}, "parameters": {"hidden": [64, 32]}}
BINARY = {"recipe": "table", "task": {"watch": ["accuracy", "max"]}}


def models(metric: str, boosting: float, linear: float) -> list[dict]:
    return [
        {"name": "linear model", "what": "Ridge", "metrics": {metric: linear, "loss": 1.0}, "seconds": 0.02},
        {"name": "gradient boosting", "what": "its defaults", "metrics": {metric: boosting}, "seconds": 1.5},
    ]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (
            9.69,
            "<p>The network&#x27;s RMSE is 3.1 % below that of the best simple model, gradient boosting: 9.69 against 10.</p>",
        ),
        (9.95, "is 0.5 % below that of the best simple model"),
        (10.0, "<p>The network and the best simple model, gradient boosting, are about equal: RMSE 10 against 10."),
        (10.15, "are about equal: RMSE 10.15 against 10. Between equals, choose the simpler one.</p>"),
        (
            10.8,
            "<b>Warning</b> The best simple model, gradient boosting, is better here by 8.0 %: its RMSE is 10, the"
            " network&#x27;s 10.8. For this data, prefer it; or try what usually helps a network",
        ),
        (30, "better here by 200 %"),
    ],
)
def test_an_error_is_compared_in_percent_of_the_best(network: float, said: str) -> None:
    found = standing(REGRESSION, Result({"loss": 3.0, "rmse": network, "mae": 2}), models("rmse", 10.0, 40.0))
    assert found is not None
    assert said in verdict(found)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (0.88, "accuracy is 3.0 points above that of the best simple model, gradient boosting: 0.88 against 0.85."),
        (0.84, "are about equal"),
        (0.80, "is better here by 5.0 points: its accuracy is 0.85"),
    ],
)
def test_a_share_is_compared_in_points(network: float, said: str) -> None:
    found = standing(BINARY, Result({"loss": 0.3, "accuracy": network}), models("accuracy", 0.85, 0.7))
    assert found is not None
    assert said in verdict(found)


def test_the_watched_metric_is_compared_and_for_a_loss_one_that_people_read() -> None:
    ours = Result({"loss": 1.0, "rmse": 2.0, "f1": 0.5})
    theirs = [{"name": "a", "metrics": {"loss": 1.0, "rmse": 3.0, "f1": 0.4}}]
    assert standing(REGRESSION, ours, theirs).metric == "rmse"
    assert standing({"task": {"watch": "f1"}}, ours, theirs).metric == "f1"
    assert standing(REGRESSION, ours, [{"name": "a", "metrics": {"loss": 2.0}}]).metric == "loss"
    assert standing(REGRESSION, ours, [{"name": "a", "metrics": {"mae": 2.0}}]) is None
    assert standing(REGRESSION, ours, [{"name": "a", "metrics": {"rmse": None}}]) is None
    assert standing(REGRESSION, ours, [{}]) is None
    assert standing(REGRESSION, ours, []) is None
    assert standing(REGRESSION, None, theirs) is None


RARE = [
    {"name": "constant", "metrics": {"accuracy": 0.97, "roc_area": 0.5, "loss": 0.14}},
    {"name": "linear model", "metrics": {"accuracy": 0.95, "roc_area": 0.9, "loss": 0.2}},
]


@pytest.mark.parametrize("watch", ["accuracy", "loss"])
def test_two_classes_are_compared_by_roc_area_where_both_have_it(watch: str) -> None:
    facts = {"task": {"watch": watch}}
    found = standing(facts, Result({"loss": 0.1, "accuracy": 0.98, "roc_area": 0.06}), RARE)
    assert (found.metric, found.name) == ("roc_area", "linear model")
    assert standing(facts, Result({"loss": 0.1, "accuracy": 0.98, "roc_area": float("nan")}), RARE).metric == "accuracy"
    html = render(facts, [], evaluation=Result({"accuracy": 0.98, "roc_area": 0.06}), baselines=RARE)
    assert 'aria-label="ROC area: the network 0.06; constant 0.5; linear model 0.9"' in html
    assert "<dt>test ROC area</dt><dd>0.06" in html


def test_a_network_that_ranks_worse_than_guessing_is_warned_of() -> None:
    html = render(BINARY, [], evaluation=Result({"accuracy": 0.98, "roc_area": 0.06}))
    assert "ROC area on the 100 held-out rows is 0.06, below the 0.5 of guessing" in html
    for metrics, split in (({"roc_area": 0.5}, "test"), ({"roc_area": 0.06}, "train"), ({"accuracy": 0.1}, "test")):
        assert "guessing" not in render(BINARY, [], evaluation=Result(metrics, split=split))


def test_measures_that_disagree_name_both_winners() -> None:
    html = render(BINARY, [], evaluation=Result({"accuracy": 0.98, "roc_area": 0.6}), baselines=RARE)
    assert "by ROC area linear model is best (0.9), by accuracy the network (0.98)." in html
    html = render(BINARY, [], evaluation=Result({"accuracy": 0.98, "roc_area": 0.95}), baselines=RARE)
    assert "disagree" not in html


def test_a_baseline_without_error_can_be_met() -> None:
    assert comparison("rmse", {"rmse": 0.0}, [{"name": "a", "metrics": {"rmse": 0.0}}]).gain == 0
    assert comparison("rmse", {"rmse": 1.0}, [{"name": "a", "metrics": {"rmse": 0.0}}]).gain == -1


def test_the_page_has_them_right_below_the_head() -> None:
    html = render(REGRESSION, [], evaluation=Result({"rmse": 9.0, "mae": 5.0}), baselines=models("rmse", 10.0, 40.0))
    assert re.findall("<h2>(.*?)</h2>", html)[0] == "Against simple models"
    assert 'aria-label="RMSE: the network 9; linear model 40; gradient boosting 10"' in html
    heights = [html.index(f">{name}</text>") for name in ("the network", "linear model", "gradient boosting")]
    assert heights == sorted(heights)
    assert ">RMSE (small is good)</text>" in html
    assert '<th class="name">model</th><th class="num">RMSE</th><th class="num">fitted in</th>' in html
    assert "<small>its defaults</small>" in html
    assert '<td class="num">1.5 s</td>' in html


def test_without_baselines_nothing_is_said() -> None:
    assert "simple models" not in render(REGRESSION, [], evaluation=Result({"rmse": 9.0}))


def test_hostile_baselines_are_text() -> None:
    bad = "<script>alert(1)</script>"
    html = render(
        {}, [], evaluation=Result({"rmse": 9.0}), baselines=[{"name": bad, "what": bad, "metrics": {"rmse": 1}}]
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3


def test_a_network_that_loses_is_to_be_tried_wider_unless_it_overfits() -> None:
    lost = standing(REGRESSION, Result({"rmse": 12.0}), models("rmse", 10.0, 40.0))
    flat = [{"epoch": e, "train": {"loss": 1 + 0.5**e}, "val": {"loss": 1 + 0.5**e}} for e in range(1, 12)]
    assert "--hidden 128,64<" in advice(REGRESSION, flat, lost).body_html
    assert "gradient boosting is better; try a wider network:" in advice(REGRESSION, flat, lost).body_html
    won = standing(REGRESSION, Result({"rmse": 9.0}), models("rmse", 10.0, 40.0))
    assert "wider" not in advice(REGRESSION, flat, won).body_html
    rising = [{"epoch": e, "train": {"loss": 1 / e}, "val": {"loss": 1 + 0.1 * e}} for e in range(1, 12)]
    assert "wider" not in advice(REGRESSION, rising, lost).body_html


def test_advice_fits_the_kind_of_data() -> None:
    found = Comparison("accuracy", False, 0.5, "linear model", 0.9, -0.4)
    pictures, tables = verdict(found, "images"), verdict(found, "table")
    assert "--backbone" in pictures
    assert "wrong labels" in pictures
    assert "embedding" not in pictures
    assert "an embedding for columns with many levels" in tables
