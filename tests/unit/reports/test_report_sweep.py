"""What the runs of a sweep came to, and their page."""

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import sem

from stepwell.reports.sweep import render_sweep
from stepwell.reports.trials import Trial, different_rows, measure, outcomes, ranked, sentence


def trial(varied: dict[str, Any], reached: float | None, *, seconds: float = 1.0, **facts: Any) -> Trial:
    """A run whose best validation accuracy is `reached`; one that failed without it."""
    if reached is None:
        return Trial(varied=varied, status="failed", error="<b>The loss</b> became nan at step 3.\nLikely causes …")
    history = [{"epoch": epoch, "val": {"accuracy": reached - (epoch != 2) / 100}} for epoch in (1, 2, 3)]
    known = {"task": {"watch": ["accuracy", "max"]}, "finished": {"seconds": seconds}, **facts}
    return Trial(varied=varied, status="done", name=f"run {reached}", facts=known, history=history)


def test_a_trial_is_known_by_its_best_epoch_once_it_is_done() -> None:
    done = trial({"layers": 1}, 0.9)
    assert (done.number, done.best.epoch if done.best else None, done.seconds) == (0.9, 2, 1.0)
    running = Trial(varied={}, status="running", facts=done.facts, history=done.history)
    assert running.best is None
    assert math.isnan(running.number)
    assert math.isnan(running.seconds)
    assert math.isnan(done.tested)
    tested = {"split": "test", "metrics": {"accuracy": 0.85}}
    assert Trial(varied={}, status="done", facts=done.facts, history=done.history, evaluation=tested).tested == 0.85


def test_seeds_are_taken_together_with_their_standard_error() -> None:
    reached = [0.8, 0.9, 0.85]
    trials = [trial({"layers": 1, "seed": seed}, value) for seed, value in enumerate(reached)]
    trials += [trial({"layers": 2, "seed": 0}, 0.7), trial({"layers": 2, "seed": 1}, None)]
    one, two = outcomes(trials)
    assert one.varied == {"layers": 1}
    assert one.mean == pytest.approx(np.mean(reached))
    assert one.error == pytest.approx(sem(reached))
    assert (two.mean, two.numbers) == (0.7, [0.7])
    assert math.isnan(two.error)


@pytest.mark.parametrize(("good", "first"), [("max", 2), ("min", 1)])
def test_the_best_comes_first_and_failures_do_not_come(good: str, first: int) -> None:
    trials = [trial({"layers": layers}, value) for layers, value in ((1, 0.7), (2, 0.9), (3, 0.8), (4, None))]
    order = ranked(outcomes(trials), good)
    assert [outcome.varied["layers"] for outcome in order][0] == first
    assert len(order) == 3


def test_what_is_compared() -> None:
    assert measure([trial({"a": 1}, None), trial({"a": 2}, 0.5)]) == ("validation accuracy", "max")
    loss = Trial(varied={"a": 1}, status="done", history=[{"epoch": 1, "train": {"loss": 2.0}}])
    assert measure([loss]) == ("train loss", "min")


_SENTENCES: list[tuple[list[tuple[dict[str, Any], float | None]], str]] = [
    ([({"a": 1}, None)], "No run was trained to its end."),
    (
        [({"a": 1, "hidden": [64, 32]}, 0.5), ({"a": 2, "hidden": [64, 32]}, 0.7)],
        "Best: a 2, hidden 64,32, with validation accuracy 0.7.",
    ),
    ([({"a": 1}, 0.7), ({"a": 2}, 0.5), ({"a": 3}, 0.7)], "2 of 3 are best, with validation accuracy 0.7: a 1; a 3."),
    (
        [({"seed": 0}, 0.7), ({"seed": 1}, 0.8)],
        "Validation accuracy 0.75 ± 0.05: mean and standard error of 2 seeds.",
    ),
    (
        [({"a": a, "seed": seed}, 0.7 + seed / 10 + a / 100) for a in (1, 2) for seed in (0, 1)],
        "Best: a 2, with validation accuracy 0.77 ± 0.05, mean and standard error of 2 seeds. The seeds do not tell it from a"
        " 1: the difference is below two standard errors.",
    ),
]


@pytest.mark.parametrize(("given", "expected"), _SENTENCES)
def test_the_sentence(given: list[tuple[dict[str, Any], float | None]], expected: str) -> None:
    assert sentence([trial(varied, reached) for varied, reached in given]) == expected


def test_rows_that_differ_between_runs_of_a_seed_are_pointed_out() -> None:
    def seen(seed: int, rows: str) -> Trial:
        return trial({"a": 1}, 0.5, seed=seed, data={"fingerprint": rows})

    assert different_rows([seen(0, "x"), seen(0, "x"), seen(1, "y")]) == []
    assert len(different_rows([seen(0, "x"), seen(0, "y")])) == 1


def page(trials: list[Trial]) -> str:
    return render_sweep("moons", trials, "stepwell sweep moons --vary layers=1,2")


def test_the_page_has_every_run_the_best_in_bold_and_escapes_what_it_shows() -> None:
    html = page([trial({"layers": 1}, 0.8), trial({"layers": 2}, 0.9), trial({"layers": 3}, None)])
    assert "<b>0.9</b>" in html
    assert "<b>0.8</b>" not in html
    assert 'href="run%200.8/report.html"' in html
    assert "&lt;b&gt;The loss&lt;/b&gt; became nan at step 3." in html
    assert "Likely causes" not in html
    assert "stepwell sweep moons --vary layers=1,2" in html
    assert not re.search(r'(src|href)="(?!#|data:|run)', html)


def test_the_page_over_seeds_gives_means_first_and_the_runs_below() -> None:
    html = page([trial({"layers": a, "seed": s}, 0.7 + s / 10 + a / 100) for a in (1, 2) for s in (0, 1)])
    assert html.index("0.77 ± 0.05") < html.index("<h2>Runs</h2>")
    assert "2 of 2" in html
    assert "validation accuracy over layers: 1: 0.76, 2: 0.77" in html
    assert "over seed" not in html


def test_each_numeric_parameter_has_a_figure_with_a_line_for_each_of_the_others() -> None:
    trials = [trial({"rate": r, "width": w}, 0.5 + r + w / 100, seconds=w) for r in (0.001, 0.1) for w in (1, 2, 3)]
    html = page(trials)
    assert "validation accuracy over rate: width 1 0.001: 0.511, 0.1: 0.61; width 2" in html
    assert "seconds of training over width: rate 0.001 1: 1, 2: 2, 3: 3; rate 0.1" in html


def test_many_combinations_of_the_others_become_one_line() -> None:
    trials = [trial({"rate": r, "width": w}, 0.5 + r + w / 100, seconds=w) for r in (0.0, 0.1) for w in range(8)]
    html = page(trials)
    assert "validation accuracy over rate: best of the others 0: 0.57, 0.1: 0.67" in html
    assert "seconds of training over rate: mean 0: 3.5, 0.1: 3.5" in html


def test_parameters_that_are_no_numbers_become_bars() -> None:
    html = page([trial({"order": "keyed"}, 0.8), trial({"order": "torch"}, 0.9)])
    assert "validation accuracy: order keyed: 0.8, order torch: 0.9" in html


@pytest.mark.parametrize("trials", [[trial({"a": 1}, None)], [trial({"seed": 0}, 0.5)], [trial({"a": "x"}, 0.5)]])
def test_a_page_of_little(trials: list[Trial]) -> None:
    assert page(trials).count("<table>") >= 1
