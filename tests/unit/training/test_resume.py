"""Stopped anywhere and resumed, a training ends with the bits of one that never was."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import toys
from torch import nn

import stepwell as sw
from stepwell.core.errors import CheckpointError
from stepwell.data import Balanced, Noise, Shuffled, Transformed, Weighted
from stepwell.recipes import launch
from stepwell.recipes.recipe import load
from stepwell.runs import Run, Snapshot
from stepwell.training.step import StepResult
from stepwell.training.world import World

STEPS = -(-toys.ROWS // toys.BATCH)
X, Y = toys.table()


def with_batch_norm() -> sw.Experiment:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    return toys.experiment(model, epochs=3, optimizer=torch.optim.AdamW(model.parameters(), lr=0.05))


def with_(**settings: Any) -> Callable[[], sw.Experiment]:
    return lambda: toys.experiment(toys.network(0.3), **{"epochs": 3, **settings})


def regression() -> sw.Experiment:
    model = nn.Linear(3, 1)
    nn.init.constant_(model.weight, 0.1)
    nn.init.constant_(model.bias, 0.0)
    source = Transformed(sw.ArraySource(X, X[:, :1] * 2), Noise(0.2))
    return toys.experiment(
        model,
        data=sw.Splits(train=source, val=source),
        task=sw.Regression(),
        optimizer=torch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5),
        steps=20,
        clip_norm=0.5,
    )


CASES: dict[str, Callable[[], sw.Experiment]] = {
    "dropout, noise, momentum": with_(),
    "batch norm, AdamW": with_batch_norm,
    "accumulation, class weights": with_(accumulate=3, task=sw.Multiclass(classes=3, class_weights=(1.0, 2.0, 0.5))),
    "regression, RMSprop, steps": regression,
    "balanced order": with_(order=Balanced(Y, (2, 1, 1), rows=30)),
    "weighted order, drop last": with_(order=Weighted(torch.arange(1.0, toys.ROWS + 1)), drop_last=True),
    "bf16": with_(precision="bf16", clip_value=0.1),
    "without validation": with_(data=sw.Splits(train=sw.ArraySource(X, Y)), order=Shuffled()),
}


def ending(training: sw.Training, run: Run) -> dict[str, Any]:
    return {**toys.bits(training.snapshot()), "history": run.lines("history.jsonl"), "told": training.history}


@pytest.mark.parametrize("case", CASES)
def test_interruptions_change_no_bit(case: str, tmp_path: Path) -> None:
    build = CASES[case]
    whole_run = toys.folder(tmp_path / "whole")
    whole = sw.fit(build(), whole_run, [sw.History(whole_run), sw.Checkpoints(whole_run)])
    run = toys.folder(tmp_path / "pieces")
    resume: Snapshot | None = None
    for stop in (1, 4, STEPS, STEPS + 1, 2 * STEPS - 1):
        hooks = [sw.History(run), sw.Checkpoints(run), toys.InterruptAt(stop)]
        with pytest.raises(KeyboardInterrupt):
            sw.fit(build(), run, hooks, resume=resume)
        resume = run.read_checkpoint()
        assert resume.step == stop
    pieces = sw.fit(build(), run, [sw.History(run), sw.Checkpoints(run)], resume=resume)
    assert ending(pieces, run) == ending(whole, whole_run)
    assert toys.bits(run.read_checkpoint()) == toys.bits(whole_run.read_checkpoint())


def test_a_checkpoint_from_the_middle_goes_on_with_other_workers(tmp_path: Path) -> None:
    whole = sw.fit(with_()())
    run = toys.folder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        sw.fit(with_(workers=1)(), run, [sw.History(run), sw.Checkpoints(run), toys.InterruptAt(9)])
    pieces = sw.fit(with_(workers=2)(), run, [sw.History(run)], resume=run.read_checkpoint())
    assert toys.bits(pieces.snapshot()) == toys.bits(whole.snapshot())
    assert pieces.history == whole.history


@pytest.mark.parametrize("short", [3, STEPS, STEPS + 2])
@pytest.mark.parametrize("budget", ["steps", "epochs"])
def test_a_finished_run_that_is_extended_is_a_longer_one(short: int, budget: str, tmp_path: Path) -> None:
    amounts = (short, 3 * STEPS) if budget == "steps" else (max(1, short // STEPS), 3)
    run, long_run = toys.folder(tmp_path / "short"), toys.folder(tmp_path / "long")
    build = with_()

    def train(run: Run, amount: int, resume: Snapshot | None = None) -> sw.Training:
        settings = {"epochs": None, budget: amount}
        return sw.fit(
            dataclasses.replace(build(), **settings), run, [sw.History(run), sw.Checkpoints(run)], resume=resume
        )

    long = train(long_run, amounts[1])
    train(run, amounts[0])
    assert len(run.lines("history.jsonl")) >= 1
    extended = train(run, amounts[1], run.read_checkpoint())
    assert ending(extended, run) == ending(long, long_run)
    assert (run.folder / "history.jsonl").read_bytes() == (long_run.folder / "history.jsonl").read_bytes()


def test_a_finished_run_that_is_resumed_trains_no_more(tmp_path: Path) -> None:
    run = toys.folder(tmp_path)
    first = sw.fit(with_()(), run, [sw.History(run), sw.Checkpoints(run)])
    recorder = toys.Recorder()
    again = sw.fit(with_()(), run, [sw.History(run), sw.Checkpoints(run), recorder], resume=run.read_checkpoint())
    assert [name for name, _ in recorder._events] == ["fit_start", "fit_end"]
    assert ending(again, run) == ending(first, run)


def test_an_older_checkpoint_leaves_the_newer_future(tmp_path: Path) -> None:
    """The newest two are damaged; training goes on from the third, and what it writes is kept and found again."""
    run = toys.folder(tmp_path)
    hooks = [sw.History(run), sw.Checkpoints(run, every_steps=2, keep=9, best=False)]
    whole = sw.fit(with_()(), run, hooks)
    for path in run.checkpoints()[-2:]:
        (path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="--from") as caught:
        run.read_checkpoint()
    assert "--from 20" in str(caught.value)
    older = run.read_checkpoint(14)
    with pytest.raises(KeyboardInterrupt):
        sw.fit(with_()(), run, [sw.History(run), sw.Checkpoints(run, keep=2), toys.InterruptAt(17)], resume=older)
    assert run.read_checkpoint().step == 17
    last = sw.fit(with_()(), run, [sw.History(run), sw.Checkpoints(run)], resume=run.read_checkpoint())
    assert toys.bits(last.snapshot()) == toys.bits(whole.snapshot())
    assert run.lines("history.jsonl") == whole.history


def wider() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 9), nn.Tanh(), nn.Dropout(), nn.Linear(9, 3))


def snapshot() -> Snapshot:
    return sw.fit(toys.experiment(epochs=1)).snapshot()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (wider(), r"0\.weight is \(8, 3\) in the checkpoint and \(9, 3\) in the model"),
        (nn.Sequential(nn.Linear(3, 3)), r"the model lacks 3\.bias; the model lacks 3\.weight"),
        (nn.Sequential(toys.network(), nn.Linear(3, 3)), r"the checkpoint lacks 0\.0\.bias.*, and \d+ more\."),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(model: nn.Module, text: str) -> None:
    with pytest.raises(CheckpointError, match=r"The checkpoint is of another model: .*" + text):
        sw.fit(toys.experiment(model), resume=snapshot())


def test_a_refused_checkpoint_leaves_the_model_as_it_was() -> None:
    model = wider()
    before = toys.weights(model)
    with pytest.raises(CheckpointError):
        sw.fit(toys.experiment(model), resume=snapshot())
    assert toys.weights(model) == before


def test_a_checkpoint_of_another_optimizer_is_refused() -> None:
    model = toys.network()
    groups = [{"params": model[0].parameters()}, {"params": model[3].parameters()}]
    experiment = toys.experiment(model, optimizer=torch.optim.SGD(groups, lr=0.1))
    with pytest.raises(CheckpointError, match="The optimizer has 2 groups of parameters, the checkpoint 1"):
        sw.fit(experiment, resume=snapshot())


def test_a_checkpoint_of_another_kind_of_optimizer_is_refused() -> None:
    model = toys.network()
    experiment = toys.experiment(model, optimizer=torch.optim.RMSprop(model.parameters()))
    with pytest.raises(CheckpointError, match="this experiment has RMSprop"):
        sw.fit(experiment, resume=snapshot())


def test_a_history_that_was_altered_is_put_right(tmp_path: Path) -> None:
    run = toys.folder(tmp_path)
    sw.fit(toys.experiment(epochs=2), run, [sw.History(run), sw.Checkpoints(run)])
    before = run.lines("history.jsonl")
    run.rewind(1)
    sw.fit(toys.experiment(epochs=3), run, [sw.History(run)], resume=run.read_checkpoint())
    assert run.lines("history.jsonl")[:2] == before
    assert [line["epoch"] for line in run.lines("history.jsonl")] == [1, 2, 3]


def test_a_resume_without_a_run_knows_earlier_epochs() -> None:
    training = sw.fit(toys.experiment(epochs=2), resume=snapshot())
    assert [line["epoch"] for line in training.history] == [1, 2]


def settled(**settings: object) -> sw.Experiment:
    model = toys.network()
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.pop("lr", 0.1))
    schedule = settings.pop("schedule", None)
    scheduler = schedule(optimizer) if schedule else None
    return toys.experiment(model, optimizer=optimizer, scheduler=scheduler, **settings)


def test_a_learning_rate_that_the_user_changed_stays_changed() -> None:
    saved = sw.fit(settled(epochs=1)).snapshot()
    assert sw.fit(settled(epochs=2, lr=0.01), resume=saved).history[-1]["learning_rate"] == [0.01]
    assert sw.fit(settled(epochs=2), resume=saved).history[-1]["learning_rate"] == [0.1]


def test_a_schedule_cannot_be_stretched_under_way() -> None:
    def falling(length: int) -> object:
        return lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=length)

    saved = sw.fit(settled(epochs=1, schedule=falling(4))).snapshot()
    with pytest.raises(CheckpointError, match="CosineAnnealingLR has T_max=8 now, and had 4 when the run began"):
        sw.fit(settled(epochs=2, schedule=falling(8)), resume=saved)


def test_another_batch_size_in_mid_epoch_is_refused_and_between_epochs_is_not() -> None:
    middle, end = sw.fit(settled(steps=3)).snapshot(), sw.fit(settled(epochs=1)).snapshot()
    with pytest.raises(CheckpointError, match="in the middle of an epoch of 7 batches of 4; now there are 4 of 8"):
        sw.fit(settled(steps=9, batch_size=8), resume=middle)
    assert sw.fit(settled(epochs=2, batch_size=8), resume=end).step == 7 + 4


def test_the_last_line_of_a_budget_in_steps_is_made_up_for(tmp_path: Path) -> None:
    whole, run = sw.fit(toys.experiment(steps=10)), toys.folder(tmp_path)

    class Stop(sw.Hook):
        def step_end(self, training: sw.Training, result: StepResult) -> None:
            if training.step == 10:
                training.interrupt()

    with pytest.raises(KeyboardInterrupt):
        sw.fit(toys.experiment(steps=10), run, [sw.History(run), sw.Checkpoints(run), Stop()])
    for _ in range(2):  # also of a run that is complete
        sw.fit(toys.experiment(steps=10), run, [sw.History(run)], resume=run.read_checkpoint())
        assert run.lines("history.jsonl") == whole.history


def test_several_processes_take_no_budget_in_minutes() -> None:
    with pytest.raises(sw.StepwellError, match="Several processes have several clocks"):
        sw.fit(toys.experiment(minutes=1), world=World(0, 2))


def test_a_resume_that_is_refused_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    launched = launch.train(load("moons"), {"epochs": 3, "hidden": 4}, out=str(tmp_path))
    before = {path.name: path.read_bytes() for path in launched.run.folder.glob("*.json*")}
    with pytest.raises(CheckpointError, match="another model"):
        launch.resume(sw.open_run(launched.run.folder), changes={"hidden": 8, "epochs": 6})
    kept = {path.name: path.read_bytes() for path in launched.run.folder.glob("*.jsonl")}
    assert kept == {name: content for name, content in before.items() if name.endswith("l")}
    assert sw.open_run(launched.run.folder).facts["parameters"] == {"epochs": 3, "hidden": 4}
    assert launch.resume(sw.open_run(launched.run.folder), changes={"epochs": 4}).training.epochs == 4
