"""The loop: who is called when, budgets, and everything given back as it was."""

import math
import signal
import threading
from typing import Any

import pytest
import torch
import toys
from torch import Tensor, nn

import stepwell as sw
from stepwell.core.errors import StepwellError
from stepwell.training.step import StepResult

STEPS = -(-toys.ROWS // toys.BATCH)


def test_who_is_called_when() -> None:
    recorder = toys.Recorder()
    training = sw.fit(toys.experiment(epochs=2), hooks=[recorder])
    one = [("step_end", n) for n in range(1, STEPS + 1)]
    two = [("step_end", n) for n in range(STEPS + 1, 2 * STEPS + 1)]
    assert recorder._events == [
        ("fit_start", 0),
        ("epoch_start", 0),
        *one,
        ("epoch_end", STEPS),
        ("epoch_start", STEPS),
        *two,
        ("epoch_end", 2 * STEPS),
        ("fit_end", 2 * STEPS),
    ]
    assert recorder._error is None
    assert all(recorder._modes)
    assert (training.epochs, training.step, training.batches_done) == (2, 2 * STEPS, 0)
    assert training.total_steps == 2 * STEPS


def test_a_training_is_a_hand_written_loop_to_the_bit() -> None:
    """Fit adds nothing to the arithmetic: the same rows in a loop of a few lines give the same weights."""
    model, plain = toys.network(), toys.network()
    x, y = toys.table()
    recorder = toys.Recorder()
    data = sw.Splits(train=sw.ArraySource(x, y), val=sw.ArraySource(x, y))
    training = sw.fit(toys.experiment(model, data=data), hooks=[recorder])
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    losses: list[list[float]] = [[], []]
    for number, rows in enumerate(recorder._rows):
        loss = nn.functional.cross_entropy(plain(x[rows]), y[rows])
        losses[number // STEPS] += [loss.item()] * len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert toys.weights(model) == toys.weights(plain)
    for line, each in zip(training.history, losses, strict=True):
        assert line["train"]["loss"] == pytest.approx(sum(each) / len(each), rel=1e-6)  # weighted by rows
    logits = plain(x).detach()
    last = training.history[-1]["val"]
    assert last["loss"] == pytest.approx(float(nn.functional.cross_entropy(logits, y)), rel=1e-5)
    assert last["accuracy"] == pytest.approx(float((logits.argmax(1) == y).float().mean()))


def test_the_history_has_a_line_an_epoch() -> None:
    training = sw.fit(toys.experiment(epochs=3))
    assert [(line["epoch"], line["step"]) for line in training.history] == [(n, n * STEPS) for n in (1, 2, 3)]
    assert set(training.history[0]) == {"epoch", "step", "learning_rate", "train", "val"}
    assert set(training.history[0]["train"]) == {"loss", "accuracy"}
    assert training.history[0]["learning_rate"] == [0.1]
    assert training.best_epoch() in (1, 2, 3)


def test_metrics_can_be_chosen() -> None:
    training = sw.fit(toys.experiment(metrics=[sw.metrics.Confusion(3)], train_metrics=[], epochs=1))
    assert set(training.history[0]["train"]) == {"loss"}
    assert "accuracy" not in training.history[0]["val"]
    assert training.watch == ("loss", "min")


def test_the_same_seed_is_the_same_training_and_another_is_not() -> None:
    one, two, other = (sw.fit(toys.experiment(toys.network(0.3), seed=seed)) for seed in (1, 1, 2))
    assert toys.weights(one.model) == toys.weights(two.model)
    assert one.history == two.history
    assert toys.weights(one.model) != toys.weights(other.model)


def test_a_split_without_validation_trains() -> None:
    training = sw.fit(toys.experiment(data=sw.Splits(train=sw.ArraySource(*toys.table())), epochs=1))
    assert "val" not in training.history[0]
    assert training.best_epoch() == 1
    assert training.watched() == training.history[0]["train"]["accuracy"]


# Budgets.


@pytest.mark.parametrize("steps", [1, STEPS - 1, STEPS, STEPS + 1, 3 * STEPS])
def test_a_budget_in_steps_ends_after_that_many(steps: int) -> None:
    recorder = toys.Recorder()
    training = sw.fit(toys.experiment(steps=steps), hooks=[recorder])
    assert training.step == training.total_steps == len(recorder._rows) == steps
    assert training.epochs == steps // STEPS
    assert len(training.history) == math.ceil(steps / STEPS)
    assert training.history[-1]["step"] == steps
    assert "val" in training.history[-1]


def test_a_budget_in_minutes_ends_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that a hook turns by six seconds a step: a minute is ten steps."""
    seconds = 0.0

    class Clock(sw.Hook):
        def step_end(self, training: sw.Training, result: StepResult) -> None:
            nonlocal seconds
            seconds += 6.0

    monkeypatch.setattr(sw.Training, "seconds", property(lambda self: seconds))
    training = sw.fit(toys.experiment(minutes=1.0), hooks=[Clock()])
    assert training.step == 10
    assert training.total_steps is None
    assert [line["step"] for line in training.history] == [7, 10]


def test_seconds_are_counted_over_sittings() -> None:
    first = sw.fit(toys.experiment(epochs=1))
    snapshot = first.snapshot()
    facts = {**snapshot.facts, "seconds": 1000.0}
    resumed = sw.fit(toys.experiment(), resume=sw.runs.Snapshot(step=snapshot.step, parts=snapshot.parts, facts=facts))
    assert 1000 < resumed.seconds < 1100


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"epochs": None}, "An experiment has one budget: epochs, steps or minutes; given: none"),
        ({"epochs": 1, "steps": 5}, "given: epochs and steps"),
        ({"epochs": 0}, "epochs is 0; it must be more than 0"),
        ({"minutes": -1.0}, "minutes is -1.0; it must be more than 0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size is 0"),
        ({"epochs": 1, "accumulate": 0}, "accumulate is 0"),
        ({"epochs": 1, "clip_norm": 0.0}, "clip_norm is 0.0; it must be more than 0, or None for no clipping"),
        ({"epochs": 1, "clip_value": -1.0}, "clip_value is -1.0"),
        (
            {"epochs": 1, "precision": "bf61"},
            r"Unknown precision 'bf61'; known: fp32, bf16, auto\. Did you mean 'bf16'\?",
        ),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(StepwellError, match=text):
        toys.experiment(**settings)


# Given back as it was.


def test_modes_generators_and_signal_handlers_are_given_back() -> None:
    model = toys.network(0.3)
    model.train()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    generator = torch.get_rng_state()
    sw.fit(toys.experiment(model))
    assert [module.training for module in model.modules()] == modes
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.is_grad_enabled()


class Fails(sw.Hook):
    def __init__(self, event: str, error: type[BaseException] = KeyError) -> None:
        self._event, self._kind = event, error

    def _at(self, event: str) -> None:
        if event == self._event:
            raise self._kind(event)

    def fit_start(self, training: sw.Training) -> None:
        self._at("fit_start")

    def epoch_start(self, training: sw.Training) -> None:
        self._at("epoch_start")

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        self._at("step_end")

    def epoch_end(self, training: sw.Training) -> None:
        self._at("epoch_end")

    def fit_end(self, training: sw.Training, error: BaseException | None) -> None:
        self._at("fit_end")


@pytest.mark.parametrize("event", ["fit_start", "epoch_start", "step_end", "epoch_end"])
@pytest.mark.parametrize("kind", [KeyError, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("first", [True, False])
def test_the_end_is_told_once_with_the_error_and_all_is_given_back(
    event: str, kind: type[BaseException], first: bool
) -> None:
    model, recorder = toys.network(), toys.Recorder()
    model.eval()
    generator, handler = torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    hooks = [recorder, Fails(event, kind)]
    with pytest.raises(kind, match=event):
        sw.fit(toys.experiment(model), hooks=hooks if first else hooks[::-1])
    assert [name for name, _ in recorder._events].count("fit_end") == 1
    assert isinstance(recorder._error, kind)
    assert not model.training
    assert torch.equal(torch.get_rng_state(), generator)
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.is_grad_enabled()


def test_an_error_in_one_hooks_end_does_not_keep_it_from_the_others() -> None:
    before, after = toys.Recorder(), toys.Recorder()
    with pytest.raises(KeyError, match="fit_end"):
        sw.fit(toys.experiment(), hooks=[before, Fails("fit_end"), after])
    assert before._events[-1] == after._events[-1] == ("fit_end", 2 * STEPS)


def test_the_first_error_is_the_one_that_is_raised() -> None:
    with pytest.raises(KeyError, match="step_end"):
        sw.fit(toys.experiment(), hooks=[Fails("step_end"), Fails("fit_end", RuntimeError)])


def test_training_works_in_another_thread() -> None:
    found: list[sw.Training] = []
    thread = threading.Thread(target=lambda: found.append(sw.fit(toys.experiment(toys.network(0.3)))))
    thread.start()
    thread.join(120)
    assert found[0].history == sw.fit(toys.experiment(toys.network(0.3))).history


# Interruptions.


class Raise(sw.Hook):
    """Sends this process a signal after a step, or in the middle of an epoch's validation."""

    def __init__(self, number: signal.Signals, step: int, times: int = 1) -> None:
        self._signal, self._step, self._times = number, step, times

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        if training.step == self._step:
            for _ in range(self._times):
                signal.raise_signal(self._signal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [1, 5, STEPS, 2 * STEPS])
def test_a_signal_ends_the_training_after_the_step_at_hand(number: signal.Signals, step: int) -> None:
    recorder = toys.Recorder()
    with pytest.raises(KeyboardInterrupt):
        sw.fit(toys.experiment(), hooks=[Raise(number, step), recorder])
    assert recorder._events[-2:] == [("step_end", step), ("fit_end", step)]
    assert recorder._error is None


def test_a_second_signal_ends_it_at_once() -> None:
    recorder = toys.Recorder()
    with pytest.raises(KeyboardInterrupt):
        sw.fit(toys.experiment(), hooks=[Raise(signal.SIGINT, 3, times=2), recorder])
    assert ("step_end", 3) not in recorder._events
    assert isinstance(recorder._error, KeyboardInterrupt)


class InterruptValidation(nn.Module):
    """Interrupts the training from inside the forward pass of a validation."""

    def __init__(self) -> None:
        super().__init__()
        self.net = toys.network()
        self.looks = 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.looks += 1
            if self.looks == 3:  # after the check of the first training batch and of the first of validation
                signal.raise_signal(signal.SIGINT)
        return self.net(x)


def test_an_interrupted_validation_leaves_the_epoch_open() -> None:
    model, recorder = InterruptValidation(), toys.Recorder()
    with pytest.raises(KeyboardInterrupt):
        sw.fit(toys.experiment(model), hooks=[recorder])
    assert model.looks == 3
    assert recorder._events[-2:] == [("step_end", STEPS), ("fit_end", STEPS)]


# Stopping.


class StopAt(sw.Hook):
    def __init__(self, step: int) -> None:
        self._step = step

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        if training.step == self._step:
            training.stop("it was told to")
            training.stop("for another reason")


def test_a_hook_can_end_the_training_in_the_middle_of_an_epoch() -> None:
    training = sw.fit(toys.experiment(), hooks=[StopAt(3)])
    assert (training.step, training.epochs, training.batches_done) == (3, 0, 3)
    assert training.stop_reason == "it was told to"
    assert training.history[-1]["step"] == 3
