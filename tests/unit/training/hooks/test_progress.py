"""The display: a live one on a terminal, lines elsewhere, and nothing left behind."""

import io
import re
from typing import Any

import pytest
import toys
from rich.console import Console

import stepwell as sw
from stepwell.training.hooks import progress
from stepwell.training.hooks.progress import describe_line
from stepwell.training.world import World


def shown(*, terminal: bool, hooks: list[sw.Hook] | None = None, **settings: Any) -> tuple[str, Console]:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    sw.fit(toys.experiment(**settings), hooks=[sw.Progress(console), *(hooks or [])])
    return console.file.getvalue(), console


def test_a_line_says_all_there_is() -> None:
    line = {"epoch": 3, "train": {"loss": 0.41234, "accuracy": 0.91}, "val": {"loss": 0.3981}}
    assert describe_line(line) == "epoch    3   train loss 0.4123 accuracy 0.91   val loss 0.3981"


def test_elsewhere_than_on_a_terminal_it_is_lines_of_plain_text() -> None:
    text, _ = shown(terminal=False, epochs=3)
    lines = text.splitlines()
    assert lines[0].startswith("epoch    1   train loss ")
    assert lines[-1].startswith("epoch    3   train loss ")
    assert "\x1b" not in text


def test_on_a_terminal_the_newest_line_is_left() -> None:
    text, console = shown(terminal=True)
    assert re.sub(r"\x1b\[\d*[A-Z]", "", text.splitlines()[-1]).startswith("epoch    2   train loss ")
    assert "step 1 of 14" in text
    assert "steps/s" in text
    assert console._live_stack == [] if hasattr(console, "_live_stack") else console._live is None
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, and comes back


class StopAt(sw.Hook):
    def step_end(self, training: sw.Training, result: object) -> None:
        if training.step == 3:
            training.stop("it is enough")


@pytest.mark.parametrize("budget", [{"steps": 9}, {"epochs": 2}, {"minutes": 600.0}])
def test_every_budget_can_be_shown(budget: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    text, _ = shown(terminal=True, hooks=[StopAt()], **budget)
    assert "step 3" in text
    assert "step 4" not in text


class Fails(sw.Hook):
    def epoch_end(self, training: sw.Training) -> None:
        raise KeyError("broken")


def test_after_an_error_the_terminal_is_given_back() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with pytest.raises(KeyError):
        sw.fit(toys.experiment(), hooks=[sw.Progress(console), Fails()])
    text = console.file.getvalue()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_the_screen_is_redrawn_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that a hook turns by a hundredth of a second a step."""
    now, drawn = [0.0], []

    class Clock(sw.Hook):
        def step_end(self, training: sw.Training, result: object) -> None:
            now[0] += 0.01

    class Time:
        perf_counter = staticmethod(lambda: now[0])

    monkeypatch.setattr(progress, "time", Time)
    real = sw.Progress._panel
    monkeypatch.setattr(sw.Progress, "_panel", lambda self, t: (drawn.append(now[0]), real(self, t))[1])
    shown(terminal=True, hooks=[Clock()], epochs=10)
    assert len(drawn) <= 0.7 / 0.1 + 2
    assert all(after - before > 0.0999 for before, after in zip(drawn, drawn[1:-1], strict=False))


def test_a_process_that_does_not_lead_is_silent() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    training = sw.Training(toys.experiment(), world=World(1, 2))
    training.history.append({"epoch": 1, "train": {"loss": 1.0}, "step": 1, "learning_rate": [0.1]})
    hook = sw.Progress(console)
    hook.fit_start(training)
    hook.epoch_end(training)
    hook.fit_end(training, None)
    assert console.file.getvalue() == ""
