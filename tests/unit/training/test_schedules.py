"""Learning-rate schedules: each of torch's steps as in a plain loop, and goes on after a resume as if nothing happened."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import toys
from torch import nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim import lr_scheduler as torch_schedulers
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import SWALR

import stepwell as sw
from stepwell.core.errors import CheckpointError, TrainingError
from stepwell.training.schedules import WHEN, Schedule, one_cycle

STEPS = -(-toys.ROWS // toys.BATCH)  # an epoch's
EPOCHS = 4
S = torch_schedulers
MAKERS: dict[str, Callable[[Optimizer], LRScheduler]] = {
    "StepLR": lambda o: S.StepLR(o, 2),
    "MultiStepLR": lambda o: S.MultiStepLR(o, [1, 3, 3]),
    "ConstantLR": lambda o: S.ConstantLR(o, 0.5, total_iters=2),
    "LinearLR": lambda o: S.LinearLR(o, 0.1, total_iters=3),
    "ExponentialLR": lambda o: S.ExponentialLR(o, 0.7),
    "PolynomialLR": lambda o: S.PolynomialLR(o, total_iters=5, power=2.0),
    "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, T_max=3),
    "CosineAnnealingWarmRestarts": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=1, T_mult=2),
    "LambdaLR": lambda o: S.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda o: S.MultiplicativeLR(o, lambda epoch: 0.8),
    "CyclicLR": lambda o: S.CyclicLR(o, 0.01, 0.2, step_size_up=5, mode="exp_range", gamma=0.99),
    "CyclicLR with a function": lambda o: S.CyclicLR(o, 0.01, 0.2, step_size_up=3, scale_fn=lambda n: 1 / (1 + n)),
    "OneCycleLR": lambda o: S.OneCycleLR(o, 0.3, total_steps=EPOCHS * STEPS),
    "OneCycleLR in three phases": lambda o: S.OneCycleLR(
        o, 0.3, total_steps=60, three_phase=True, anneal_strategy="linear"
    ),
    "ReduceLROnPlateau": lambda o: S.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "ReduceLROnPlateau of accuracy": lambda o: S.ReduceLROnPlateau(o, mode="max", patience=0, threshold=0.5),
    "SequentialLR": lambda o: S.SequentialLR(
        o, [S.ConstantLR(o, 0.1, total_iters=1), S.MultiStepLR(o, [1, 2])], milestones=[2]
    ),
    "ChainedScheduler": lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, 2), S.ExponentialLR(o, 0.9)]),
}
OPTIMIZERS: dict[str, Callable[[nn.Module], Optimizer]] = {
    "SGD": lambda m: SGD(
        [{"params": m[0].parameters(), "lr": 0.05}, {"params": m[3].parameters()}], lr=0.1, momentum=0.9
    ),
    "Adam": lambda m: Adam(m.parameters(), lr=0.1),
}


def test_every_scheduler_of_torch_is_in_the_table_and_has_a_row_here() -> None:
    kinds = {
        kind
        for name, kind in inspect.getmembers(torch_schedulers, inspect.isclass)
        if issubclass(kind, LRScheduler) and kind is not LRScheduler and not name.startswith("_")
    }
    assert kinds == set(WHEN)
    rows = {type(make(SGD([torch.ones(1, requires_grad=True)], lr=0.1, momentum=0.9))) for make in MAKERS.values()}
    assert rows == kinds


def build(name: str, optimizer: str, epochs: int = EPOCHS) -> sw.Experiment:
    model = toys.network(dropout=0.3)
    made = OPTIMIZERS[optimizer](model)
    return toys.experiment(model, optimizer=made, scheduler=MAKERS[name](made), epochs=epochs)


def plain_loop(name: str, optimizer: str, losses: list[float], accuracies: list[float]) -> list[list[float]]:
    """The rates after each step, in a loop as torch's documentation writes it for that scheduler."""
    model = toys.network()
    made = OPTIMIZERS[optimizer](model)
    scheduler = MAKERS[name](made)
    rates = []
    for epoch in range(EPOCHS):
        for batch in range(STEPS):
            made.step()
            if isinstance(scheduler, (S.OneCycleLR, S.CyclicLR)):
                scheduler.step()
            if isinstance(scheduler, S.CosineAnnealingWarmRestarts):
                scheduler.step(epoch + (batch + 1) / STEPS)
            rates.append(toys.parameter_groups(made))
        if isinstance(scheduler, S.ReduceLROnPlateau):
            scheduler.step(accuracies[epoch] if scheduler.mode == "max" else losses[epoch])
        elif not isinstance(scheduler, (S.OneCycleLR, S.CyclicLR, S.CosineAnnealingWarmRestarts)):
            scheduler.step()
    return [*rates, toys.parameter_groups(made)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MAKERS)
def test_rates_are_those_of_a_plain_loop_and_of_a_resumed_training(name: str, optimizer: str, tmp_path: Path) -> None:
    recorder = toys.Recorder()
    training = sw.fit(build(name, optimizer), hooks=[recorder])
    assert len(recorder._rates) == EPOCHS * STEPS
    val = [line["val"] for line in training.history]
    expected = plain_loop(name, optimizer, [v["loss"] for v in val], [v["accuracy"] for v in val])
    assert [*recorder._rates, training.rates] == expected
    assert len({tuple(rates) for rates in expected}) > 1
    assert [line["learning_rate"] for line in training.history] == expected[STEPS - 1 :: STEPS][:EPOCHS]

    for stop in (2 * STEPS - 3, 2 * STEPS):  # in the middle of an epoch, and at its last step
        run = toys.folder(tmp_path / str(stop))
        before, after = toys.Recorder(), toys.Recorder()
        hooks = [sw.History(run), sw.Checkpoints(run)]
        with pytest.raises(KeyboardInterrupt):
            sw.fit(build(name, optimizer), run, [*hooks, before, toys.InterruptAt(stop)])
        resumed = sw.fit(build(name, optimizer), run, [*hooks, after], resume=run.read_checkpoint())
        assert before._rates + after._rates == recorder._rates
        assert resumed.rates == training.rates
        assert toys.bits(resumed.snapshot()) == toys.bits(training.snapshot())
        assert resumed.snapshot().parts["scheduler"] == training.snapshot().parts["scheduler"]


def test_a_scheduler_of_another_optimizer_is_refused() -> None:
    model = toys.network()
    scheduler = S.StepLR(SGD(model.parameters(), lr=0.1), 1)
    with pytest.raises(TrainingError, match="The StepLR is bound to another optimizer than the experiment's"):
        toys.experiment(model, scheduler=scheduler)


class Mine(LRScheduler):
    def get_lr(self) -> list[float]:
        return [0.5 for _ in self.optimizer.param_groups]


def test_an_unknown_scheduler_is_refused_until_its_steps_are_told() -> None:
    model = toys.network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with pytest.raises(
        TrainingError, match="does not know when a Mine steps. Say it with scheduler_steps='batch' or 'epoch'"
    ):
        toys.experiment(model, optimizer=optimizer, scheduler=Mine(optimizer))
    sw.fit(toys.experiment(model, optimizer=optimizer, scheduler=Mine(optimizer), scheduler_steps="epoch"))
    averaging = SWALR(optimizer, swa_lr=0.01)
    with pytest.raises(TrainingError, match="does not know when a SWALR steps"):
        Schedule(averaging, optimizer)


def test_a_subclass_steps_as_its_base() -> None:
    class Slower(S.OneCycleLR):
        pass

    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.1, momentum=0.9)
    assert Schedule(Slower(optimizer, 0.1, total_steps=9), optimizer).when == "batch"


def test_the_table_can_be_overruled() -> None:
    model = toys.network()
    optimizer = SGD(model.parameters(), lr=1.0)
    recorder = toys.Recorder()
    settings = {"optimizer": optimizer, "scheduler": S.ExponentialLR(optimizer, 0.5), "scheduler_steps": "batch"}
    sw.fit(toys.experiment(model, **settings, epochs=1), hooks=[recorder])
    assert [rate for (rate,) in recorder._rates] == [0.5**n for n in range(1, STEPS + 1)]


def test_a_misspelt_moment_is_refused() -> None:
    model = toys.network()
    optimizer = SGD(model.parameters(), lr=1.0)
    scheduler = S.ExponentialLR(optimizer, 0.5)
    with pytest.raises(
        TrainingError, match=r"Unknown scheduler_steps 'epochs'; known: batch, .* Did you mean 'epoch'\?"
    ):
        toys.experiment(model, optimizer=optimizer, scheduler=scheduler, scheduler_steps="epochs")


def test_a_plateau_of_a_number_that_should_fall_cannot_wait_for_it_to_grow() -> None:
    model = nn.Linear(3, 1)
    optimizer = SGD(model.parameters(), lr=0.01)
    x, _ = toys.table()
    data = sw.Splits(train=sw.ArraySource(x, x[:, :1]), val=sw.ArraySource(x, x[:, :1]))
    scheduler = S.ReduceLROnPlateau(optimizer, mode="max")
    experiment = toys.experiment(model, data=data, task=sw.Regression(), optimizer=optimizer, scheduler=scheduler)
    with pytest.raises(TrainingError, match=r"waits for a number to grow \(mode='max'\), but the watched number, loss"):
        sw.fit(experiment)


def test_without_a_scheduler_nothing_is_due() -> None:
    schedule = Schedule(None, SGD([torch.ones(1, requires_grad=True)], lr=0.1))
    assert not schedule.per_batch
    schedule.batch_done(0, 0.5)
    schedule.epoch_done(lambda mode: 1.0)


@pytest.mark.parametrize("there", ["StepLR", None])
def test_a_checkpoint_of_another_schedule_is_refused(there: str | None, tmp_path: Path) -> None:
    run = toys.folder(tmp_path)
    first = toys.experiment() if there is None else build(there, "SGD")
    sw.fit(first, run, [sw.History(run), sw.Checkpoints(run)])
    text = f"of a training with {there or 'no scheduler'}, this experiment has CosineAnnealingLR"
    second = build("CosineAnnealingLR", "SGD", 6)
    if there is None:  # the same optimizer, so that the schedule alone differs
        model = toys.network(dropout=0.3)
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        second = toys.experiment(model, optimizer=optimizer, scheduler=S.CosineAnnealingLR(optimizer, 3), epochs=6)
    with pytest.raises(CheckpointError, match=text):
        sw.fit(second, run, resume=run.read_checkpoint())


@pytest.mark.parametrize("steps", [4, 5, 9, 10, 11, 19, 20, 21, 1000])
def test_a_cycle_rises_to_its_rate_and_falls(steps: int) -> None:
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    cycle, rates = one_cycle(optimizer, 0.5, steps), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cycle.step() if len(rates) < steps else None
    top = rates.index(max(rates))
    assert 0.45 < max(rates) <= 0.5 + 1e-12  # the peak may lie between two steps
    assert 0 < top < steps - 1
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_too_few_steps_have_no_cycle() -> None:
    assert one_cycle(SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), 0.5, 3) is None
