"""A run as a page: whole, with parts missing, and with names that mean harm."""

import re
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from stepwell.reports import render
from stepwell.reports.advice import advice
from stepwell.reports.background import model
from stepwell.reports.background import time as where_time_went
from stepwell.reports.columns import data
from stepwell.reports.command import given, train
from stepwell.reports.history import best, watched
from stepwell.reports.worst import as_picture, gallery


@dataclass(frozen=True)
class Row:
    row: int
    loss: float
    input: np.ndarray
    target: str = "8"
    predicted: str = "1"
    confidence: float | None = 0.97


@dataclass(frozen=True)
class Result:
    split: str = "val"
    rows: int = 30
    metrics: dict = field(default_factory=lambda: {"loss": 0.3, "accuracy": 0.9})
    confusion: np.ndarray | None = None
    classes: list = field(default_factory=list)
    worst: list = field(default_factory=list)
    targets: np.ndarray | None = None
    values: np.ndarray | None = None
    ranking: object = None
    calibration: object = None


FACTS = {
    "name": "digits-1",
    "recipe": "digits",
    "parameters": {"width": 48, "epochs": 8, "learning_rate": 0.1, "augment": True, "clip": None},
    "seed": 42,
    "status": "done",
    "created": "2026-11-21T14:05:11+00:00",
    "command": "stepwell train digits --seed 42",
    "versions": {"torch": "2.13.0"},
    "hardware": {"device": "cpu"},
    "data": {"train": 1437, "val": 360, "fingerprint": "3f9a", "warnings": ["2 equal rows"], "split": "random(0.2)"},
    "model": {
        "class": "MLP",
        "parameters": 3610,
        "layers": [{"layer": "hidden", "kind": "Linear", "parameters": 3120}],
    },
    "task": {"kind": "Multiclass", "classes": ["0", "1", "2"], "watch": "accuracy"},
}
HISTORY = [
    {
        "epoch": e,
        "step": 23 * e,
        "learning_rate": [0.1 / e],
        "train": {"loss": 2 * 0.5**e, "accuracy": 1 - 0.5**e},
        "val": {"loss": 2 * 0.5**e + 0.1, "accuracy": 0.97 - 0.5**e},
    }
    for e in range(1, 9)
]
TIMING = [{"epoch": e, "train": 0.2, "val": 0.02, "data": 0.01, "checkpoint": 0.03} for e in range(1, 9)]
WORST = [
    Row(5, 4.3, np.random.default_rng(0).random((1, 8, 8))),
    Row(7, 2.0, np.random.default_rng(1).random((1, 8, 8))),
]
CLASSES = Result(confusion=np.array([[9, 1, 0], [0, 8, 2], [0, 0, 0]]), classes=["a", "b", "c"], worst=WORST)
TARGETS = np.linspace(0, 5, 50)
VALUES = Result(
    "test",
    50,
    {"rmse": 0.2},
    targets=TARGETS,
    values=TARGETS + 0.1,
    worst=[Row(1, 2.0, np.arange(12.0), "1.5", "2.5", None)],
)


def titles(html: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", html)


def test_a_whole_run() -> None:
    html = render(FACTS, HISTORY, TIMING, CLASSES)
    assert titles(html) == [
        "Learning",
        "Results",
        "Worst mistakes",
        "Data",
        "Model",
        "Time",
        "Do it again",
        "What to run next",
    ]
    assert "<h1>digits</h1>" in html
    assert '<span class="status done">done</span>digits-1 · 21 November 2026, 14:05 UTC' in html
    assert "<dt>validation accuracy</dt><dd>0.9661<small>best, in epoch 8</small>" in html
    assert "<b>Warning</b> 2 equal rows" in html
    assert "stepwell train digits --seed 42" in html
    assert html.count("<svg") == 4
    assert html.count("data:image/png") == 2


def test_nothing_is_loaded_and_nothing_runs() -> None:
    html = render(FACTS, HISTORY, TIMING, CLASSES)
    assert "http:" not in html
    assert "https:" not in html
    assert "<script" not in html
    assert "<link" not in html
    assert "@import" not in html
    assert all(source.startswith("data:image/png") for source in re.findall(r'src="([^"]*)', html))
    assert all(link.startswith(("#", "data:image/png")) for link in re.findall(r'href="([^"]*)', html))
    assert "default-src 'none'" in html


def test_it_is_small_and_quick_and_the_same_each_time() -> None:
    start = time.process_time()
    html = render(FACTS, HISTORY, TIMING, CLASSES)
    assert time.process_time() - start < 5  # 0.9 s on two slow cores
    assert len(html) < 300_000
    assert render(FACTS, HISTORY, TIMING, CLASSES) == html


@pytest.mark.parametrize("missing", FACTS)
def test_every_fact_may_be_missing(missing: str) -> None:
    facts = {key: value for key, value in FACTS.items() if key != missing}
    assert "Learning" in titles(render(facts, HISTORY[:1]))
    assert "Learning" in titles(render({**FACTS, missing: None}, HISTORY[:1]))


def test_without_anything() -> None:
    html = render({}, [])
    assert "<h1>A run</h1>" in html
    assert "No epoch has finished yet." in html
    assert titles(html) == []


def test_history_without_validation_or_numbers() -> None:
    assert "<dt>train accuracy</dt>" in render(FACTS, [{"epoch": 1, "train": {"loss": 1.0, "accuracy": 0.5}}])
    assert "Learning" in titles(render(FACTS, [{"train": {"loss": None, "note": "x"}, "val": None}, {}]))


def test_hostile_names_are_text() -> None:
    bad = "<script>\"'&\x00$\\frac"
    facts = {
        **dict.fromkeys(("name", "recipe", "status", "created", "command"), bad),
        **{key: {bad: bad} for key in ("parameters", "versions", "hardware")},
        "error": bad,
        "data": {bad: 3, "split": bad, "warnings": [bad]},
        "model": {"class": bad, "layers": [{bad: bad}]},
        "task": {"watch": bad},
    }
    history = [{"epoch": e, "train": {bad: 1.0 / e, "loss": 1.0}} for e in (1, 2)]
    worst = [replace(row, target=bad, predicted=bad) for row in WORST]
    result = replace(CLASSES, split=bad, metrics={bad: 1.0}, classes=[bad, "b", "c"], worst=worst)
    html = render(facts, history, [{"epoch": 1, bad: 2.0}], result)
    assert "<script" not in html
    assert "\x00" not in html
    assert html.count("&lt;script&gt;") > 15


def test_classification_shows_rates_and_confusions() -> None:
    html = render(FACTS, HISTORY, evaluation=CLASSES)
    assert "On the 30 validation rows: loss 0.3, accuracy 0.9." in html
    row = '<th class="name">b</th><td class="num">10</td><td class="num">0.889</td><td class="num">0.800</td>'
    assert row in html
    assert '<th class="name">c</th><td class="num">0</td><td class="num">0.000</td><td class="num">–</td>' in html
    assert '<th class="name">b</th><td class="name">c</td><td class="num">2</td>' in html
    assert "<b>8</b> taken for <b>1</b><br>97% sure<br>loss 4.3<br>row 5" in html


def test_very_many_classes_are_a_list_of_the_worst() -> None:
    counts = np.eye(100, dtype=int) * 3
    counts[7, 9] = 2
    html = render({}, [], evaluation=Result(confusion=counts))
    assert "<svg" not in html
    assert "The 20 classes of least F1, out of 100." in html
    assert '<th class="name">7</th><td class="name">9</td><td class="num">2</td>' in html


def test_many_classes_get_the_full_width() -> None:
    html = render({}, [], evaluation=Result(confusion=np.eye(20, dtype=int)))
    assert "No row was given a wrong class." in html


def test_regression_shows_residuals() -> None:
    html = render(FACTS, HISTORY, evaluation=VALUES)
    assert "Largest errors" in titles(html)
    assert "Half of the predictions are off by less than 0.1" in html
    assert "on average they are 0.1 too high" in html
    assert "0, 1, 2, 3, 4, 5, 6, 7, … (12 values)" in html
    two = replace(VALUES, targets=np.ones((5, 2)), values=np.full((5, 2), np.nan))
    assert "No prediction is a finite number." in render({}, [], evaluation=two)
    assert render({}, [], evaluation=two).count("<svg") == 2


def test_an_evaluation_of_neither_kind_shows_its_metrics() -> None:
    assert "On the 30 test rows: loss 0.3, accuracy 0.9." in render({}, [], evaluation=Result("test"))


@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        ((8, 8), (1, 8, 8)),
        ((1, 28, 28), (1, 28, 28)),
        ((3, 32, 32), (3, 32, 32)),
        ((32, 24, 3), (3, 32, 24)),
        ((64,), None),
        ((168, 5), None),
        ((2, 2), None),
        ((7, 9, 9), None),
        ((1, 4, 4, 4), None),
    ],
)
def test_what_looks_like_a_picture(shape: tuple[int, ...], picture: tuple[int, ...] | None) -> None:
    found = as_picture(np.zeros(shape))
    assert (None if found is None else found.shape) == picture


def test_pictures_of_several_sizes_and_rows_that_are_none() -> None:
    assert gallery([Row(1, 1.0, np.zeros((8, 8))), Row(2, 1.0, np.zeros((9, 9)))]).count("<img") == 2
    assert "<table" in gallery([Row(1, 1.0, np.zeros((8, 8))), Row(2, 1.0, np.zeros(3))])
    assert gallery([]) == ""
    assert "–</td>" in gallery([Row(1, 1.0, None)])
    assert "<b>8</b>, rightly<br>" in gallery([Row(1, 1.0, np.zeros((8, 8)), "8", "8")])


def test_watching() -> None:
    assert watched({"task": {"watch": "accuracy"}}) == ("accuracy", "max")
    assert watched({"task": {"watch": "rmse"}}) == ("rmse", "min")
    assert watched({"task": {"watch": ["score", "min"]}}) == ("score", "min")
    assert watched({}) == ("loss", "min")
    assert best(HISTORY, FACTS) == ("accuracy", "val", 8, pytest.approx(0.9661, abs=1e-4))
    assert best(HISTORY, {"task": {"watch": "unknown"}})[:2] == ("loss", "val")
    assert best([], FACTS) is None


def test_the_learning_rate_is_a_sentence_if_it_never_changed() -> None:
    constant = [{**line, "learning_rate": [0.1]} for line in HISTORY]
    assert "The learning rate was 0.1 throughout." in render({}, constant)
    groups = [{**line, "learning_rate": [0.1, 0.01]} for line in HISTORY]
    assert ">group 2</text>" in render({}, groups)


def test_a_rate_that_ends_near_zero_is_drawn_on_a_linear_scale() -> None:
    def drawn(rates: list[float]) -> str:
        return render({}, [{**line, "learning_rate": [rate]} for line, rate in zip(HISTORY, rates, strict=True)])

    assert ">0.0001</text>" in drawn([0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])
    assert ">1e-07</text>" not in drawn([0.001, 0.002, 0.0015, 0.001, 5e-4, 1e-4, 1e-5, 2e-8])


def test_settings_are_written_as_people_write_them() -> None:
    html = render(
        {"parameters": {"drop": ["a", "b"], "time": "", "flip": True, "nominal": []}, "optimizer": {"amsgrad": False}},
        [],
    )
    rows = dict(re.findall(r'<tr><th class="name">(\w+)</th><td class="name">([^<]*)</td>', html))
    assert rows == {"drop": "a, b", "time": "–", "flip": "yes", "nominal": "–"}


def test_where_the_time_went() -> None:
    made = where_time_went(TIMING)
    assert made.note == "2.1 s in 8 epochs, 0.26 s each."
    assert where_time_went([{"epoch": 1, "train": 2.0}]).note == "2 s in 1 epoch, 2 s each."
    assert made.body_html.index("training steps") < made.body_html.index("checkpoints")
    assert "&lt;1%" in where_time_went([{"epoch": 1, "train": 9.0, "data": 0.001}]).body_html
    assert where_time_went([]).body_html == where_time_went([{"epoch": 1, "train": 0.0}]).body_html == ""


def test_layers_may_be_dicts_lists_or_text() -> None:
    assert '<th class="name">layer</th>' in model(FACTS).body_html
    assert '<td class="num">3</td>' in model({"model": {"layers": [["Linear", 3]]}}).body_html
    assert "<code>A(\n  (0): B()\n)</code>" in model({"model": {"layers": ["A(", "  (0): B()", ")"]}}).body_html
    assert "… and 40 more layers." in model({"model": {"layers": ["x"] * 100}}).body_html
    assert model({"model": {"layers": 3}}).body_html == ""
    assert data({"data": {}}).body_html == ""


def test_commands() -> None:
    assert given({"command": ["stepwell", "train", "a b.py:mine"]}) == "stepwell train 'a b.py:mine'"
    expected = "stepwell train digits --width 48 --epochs 8 --learning-rate 0.1 --augment --seed 42"
    assert given({**FACTS, "command": None}) == expected
    assert train({"recipe": "x", "parameters": {"flip": False}}) == "stepwell train x --no-flip"
    assert given({}) == ""


def test_what_to_run_next() -> None:
    stopped = advice({**FACTS, "status": "stopped"}, HISTORY).body_html
    assert "stepwell resume runs/digits-1" in stopped
    assert "stepwell evaluate runs/digits-1" in stopped
    assert "--seed 43" in stopped
    improving = [{"epoch": e, "train": {"loss": 9.0 - e}} for e in range(1, 9)]
    assert "--epochs 16 " in advice(FACTS, improving).body_html
    stuck = [{"epoch": e, "train": {"loss": 1.0}} for e in range(1, 9)]
    assert "--learning-rate 0.01 " in advice(FACTS, stuck).body_html
    assert "resume" not in advice(FACTS, HISTORY).body_html
    assert advice({}, []).body_html == ""


def test_how_a_run_ended_stands_on_top() -> None:
    assert "<b>Failed</b> disk full" in render({"status": "failed", "error": "disk full"}, [])
    assert "<b>Stopped</b> before its end." in render({"status": "stopped"}, [])
    early = {**FACTS, "stopped": "loss has not improved for 5 epochs"}
    assert "<dd>8<small>loss has not improved for 5 epochs</small>" in render(early, HISTORY)
