"""Runs side by side: what differs, who is best, whether that may be said, and the page of it."""

import math
import re
from dataclasses import replace

import pytest

from stepwell.reports.compare import render_comparison
from stepwell.reports.rivals import Rival, alike, best_epoch, differences, fairness, judged, sentence, winner


def rival(name: str = "a", metrics: dict | None = None, **parameters: object) -> Rival:
    facts = {
        "recipe": "digits",
        "status": "done",
        "parameters": {"epochs": 3, "width": 8, **parameters},
        "seed": 1,
        "data": {"train": 80, "val": 20, "fingerprint": "3f9a"},
        "model": {"parameters": 1234},
        "task": {"kind": "Multiclass", "watch": ["accuracy", "max"]},
        "versions": {"torch": "2.13.0"},
        "command": f"stepwell train digits --name {name}",
    }
    history = [
        {"epoch": e, "train": {"loss": 1 / e}, "val": {"loss": 1.1 / e, "accuracy": 0.5 + 0.1 * e}} for e in (1, 2, 3)
    ]
    return Rival(
        name=name,
        facts=facts,
        history=history,
        timing=[{"epoch": e, "train": 2.0, "val": 0.5} for e in (1, 2, 3)],
        evaluation={"split": "val", "rows": 20, "metrics": metrics or {"loss": 0.3, "accuracy": 0.9}},
        split={"rows": {"train": [0, 1], "val": [2, 3]}},
    )


A, B = rival("a"), rival("b", {"loss": 0.2, "accuracy": 0.8}, width=16)


def with_facts(one: Rival, **facts: object) -> Rival:
    return replace(one, facts={**one.facts, **facts})


def test_what_differs_and_what_does_not() -> None:
    assert differences([A, B]) == {"width": [8, 16]}
    assert alike([A, B]) == 5
    odd = rival("c", dropout=0.5)
    assert differences([A, B, odd]) == {"width": [8, 16, 8], "dropout": [None, None, 0.5]}
    assert differences([A, with_facts(A, versions={"torch": "2.14.0"})]) == {"torch": ["2.13.0", "2.14.0"]}
    assert differences([A, rival("z")]) == {}
    empty, none = (with_facts(A, parameters={"width": 8, "drop": drop}) for drop in ([], None))
    assert differences([empty, none]) == {}
    assert differences([empty, with_facts(A, parameters={"width": 8.0, "drop": ["id"]})]) == {"drop": [[], ["id"]]}


def test_metrics_are_those_that_all_have_the_watched_one_first() -> None:
    assert judged([A, B]) == ["accuracy", "loss"]
    assert judged([A, rival("c", {"loss": 1.0, "accuracy": math.nan, "f1": 1.0})]) == ["loss"]
    assert judged([A, replace(A, evaluation={})]) == []


def test_the_winner_is_by_the_direction_of_the_metric() -> None:
    assert (winner([A, B], "accuracy"), winner([A, B], "loss")) == (0, 1)
    assert winner([A, rival("c")], "accuracy") is None
    assert sentence([A, B]) == "A, a, is best by accuracy: 0.9, against 0.8 of the other."
    assert sentence([B, A, B]).startswith("B, a, is best by accuracy: 0.9, against 0.8 of the next.")
    assert sentence([A, rival("c")]) == "No run is best alone: accuracy 0.9, 0.9."
    assert sentence([A, replace(A, evaluation={})]) == "The runs share no metric of their evaluations."
    assert best_epoch(A) == 3
    assert best_epoch(replace(A, history=[])) is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (B, ""),
        (replace(A, split={"rows": {"train": [2, 3], "val": [0, 1]}}), "another split"),
        (replace(A, evaluation={"split": "test", "rows": 20, "metrics": {}}), "A: 20 val rows; B: 20 test rows"),
        (replace(A, evaluation={"split": "val", "rows": 21, "metrics": {}}), "A: 20 val rows; B: 21 val rows"),
        (replace(A, evaluation={}), "Not all runs have been evaluated: a. Run stepwell report"),
        (with_facts(A, data={"fingerprint": "77"}), "The runs saw different data"),
        (with_facts(A, data={}), "not known"),
        (with_facts(A, task={"kind": "Regression"}), "different tasks (Multiclass, Regression)"),
    ],
)
def test_an_unfair_comparison_is_named(other: Rival, said: str) -> None:
    assert said in fairness([A, other])
    assert bool(fairness([A, other])) == bool(said)


def test_one_file_encoded_in_two_ways_is_the_same_data() -> None:
    one = with_facts(A, reader={"file": "wine.csv"})
    other = with_facts(A, reader={"file": "wine.csv"}, data={"fingerprint": "other columns, other numbers"})
    assert fairness([one, other]) == ""
    assert "different data" in fairness([one, with_facts(one, reader={"file": "beer.csv"})])


def test_none_is_best_of_different_tasks() -> None:
    other = with_facts(A, task={"kind": "Regression", "watch": ["loss", "min"]})
    assert sentence([A, other]) == "The runs do different tasks, so none is best."
    assert "<h2>Results</h2>" not in render_comparison([A, other])


@pytest.mark.parametrize(
    "other", [replace(B, evaluation={**B.evaluation, "rows": 21}), replace(B, split={"rows": {"val": [0, 1]}})]
)
def test_none_is_best_where_the_rows_differ(other: Rival) -> None:
    assert sentence([A, other]) == (
        "The runs were evaluated on different rows, so their metrics cannot be compared and none is best."
    )
    assert winner([A, other], "accuracy") is None
    html = render_comparison([A, other])
    assert "is best by" not in html
    assert '<td class="num"><b>' not in html


def test_the_page() -> None:
    html = render_comparison([A, B])
    assert "<h1>2 runs compared</h1>" in html
    assert re.findall("<h2>(.*?)</h2>", html) == ["Results", "Curves", "What differs", "Do it again"]
    assert '<td class="num"><b>0.9</b></td><td class="num">0.3</td><td class="num">3</td>' in html
    assert '<td class="num">7.5 s</td><td class="num">1,234</td><td class="num">80</td>' in html
    assert '<th class="name">width</th><td class="name">8</td><td class="name">16</td>' in html
    assert "5 other parameters are the same." in html
    assert "stepwell train digits --name b" in html
    assert "Warning" not in html
    assert "<script" not in html
    assert "https:" not in html


def test_curves_have_a_line_for_each_run_also_of_other_lengths() -> None:
    longer = replace(B, history=[{"epoch": e, "train": {"loss": 1 / e}} for e in range(1, 30)])
    html = render_comparison([A, longer])
    label = re.search(r'aria-label="training loss over epochs\. ([^"]*)"', html)[1]
    assert label == "A a ends at 0.3333; B b ends at 0.03448"
    assert "validation loss over epochs" not in html
    assert render_comparison([A, B, rival("c")]).count("<svg") == 5


def test_eight_runs_are_told_apart() -> None:
    html = render_comparison([rival(f"run {i}", {"accuracy": i / 10}, width=i) for i in range(8)])
    figure = html[html.index("validation loss over epochs") :].split("<figure>")[0]
    styles = set(re.findall(r'style="([^"]*stroke-width: 1.7[^"]*)"', figure))
    assert len(styles) == 8
    assert len(html) < 3_000_000


def test_runs_of_which_little_is_known() -> None:
    bare = Rival(name="bare", facts={})
    html = render_comparison([bare, replace(bare, name="<b>also</b>", facts={"status": "failed", "parameters": None})])
    assert "Not all runs have been evaluated" in html
    assert "<b>also" not in html
    assert "<small>failed</small>" in html
