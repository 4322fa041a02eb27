"""Schedules drawn before they run."""

from copy import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim import lr_scheduler as lr
from torch.utils.data import DataLoader, TensorDataset
from toys import BATCH, Recorder, experiment, network, table

import stepwell as sw
from stepwell.core.errors import TrainingError
from stepwell.training.rates import planned_rates, rates_of
from stepwell.training.schedules import WHEN

EPOCHS, PER_EPOCH = 4, 7
MAKERS = {
    lr.CyclicLR: lambda o: lr.CyclicLR(o, 0.001, 0.1, step_size_up=5, mode="triangular2"),
    lr.OneCycleLR: lambda o: lr.OneCycleLR(o, 0.1, total_steps=EPOCHS * PER_EPOCH),
    lr.CosineAnnealingWarmRestarts: lambda o: lr.CosineAnnealingWarmRestarts(o, 2),
    lr.ReduceLROnPlateau: lambda o: lr.ReduceLROnPlateau(o, patience=0, threshold=10.0),
    lr.StepLR: lambda o: lr.StepLR(o, 2),
    lr.MultiStepLR: lambda o: lr.MultiStepLR(o, [1, 3]),
    lr.ConstantLR: lambda o: lr.ConstantLR(o, 0.5, 2),
    lr.LinearLR: lambda o: lr.LinearLR(o),
    lr.ExponentialLR: lambda o: lr.ExponentialLR(o, 0.5),
    lr.PolynomialLR: lambda o: lr.PolynomialLR(o, 4, 2.0),
    lr.CosineAnnealingLR: lambda o: lr.CosineAnnealingLR(o, 4),
    lr.LambdaLR: lambda o: lr.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    lr.MultiplicativeLR: lambda o: lr.MultiplicativeLR(o, lambda epoch: 0.9),
    lr.SequentialLR: lambda o: lr.SequentialLR(o, [lr.ConstantLR(o, 0.5, 2), lr.ExponentialLR(o, 0.5)], [2]),
    lr.ChainedScheduler: lambda o: lr.ChainedScheduler([lr.ConstantLR(o, 0.5, 2), lr.ExponentialLR(o, 0.5)]),
}


class Before(Recorder):
    """Writes down what each step finds, instead of what it leaves."""

    def fit_start(self, training: sw.Training) -> None:
        self._now(training)

    def step_end(self, training: sw.Training, result: Any) -> None:
        self._now(training)

    def epoch_end(self, training: sw.Training) -> None:
        self._found.pop()  # the schedule moves between the epochs
        self._now(training)

    def _now(self, training: sw.Training) -> None:
        groups = training.optimizer.param_groups
        self._found = [
            *getattr(self, "_found", []),
            [(g["lr"], g.get("momentum", g.get("betas", (0,))[0])) for g in groups],
        ]


def _plain(scheduler: lr.LRScheduler) -> dict[str, Any]:
    kept = (int, float, str, list, dict)
    return {name: copy(value) for name, value in scheduler.state_dict().items() if isinstance(value, kept)}


def test_every_scheduler_of_the_table_is_here():
    assert set(MAKERS) == set(WHEN)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("optimizer", [lambda p: SGD(p, 0.05, momentum=0.7), lambda p: Adam(p, 0.05)])
def test_are_the_rates_and_momenta_that_a_fit_uses(kind, optimizer):
    """For the scheduler of each class, with its own optimizer, in two groups of parameters."""
    model = network()
    made = optimizer([{"params": model[0].parameters()}, {"params": model[3].parameters()}])
    scheduler, before = MAKERS[kind](made), Before()
    kept = [dict(group, params=None) for group in made.param_groups]
    state = _plain(scheduler)
    drawn = rates_of(scheduler, epochs=EPOCHS, per_epoch=PER_EPOCH, losses=[1.0] * EPOCHS)
    assert [dict(group, params=None) for group in made.param_groups] == kept
    assert _plain(scheduler) == state
    sw.fit(experiment(model, optimizer=made, scheduler=scheduler, epochs=EPOCHS), hooks=[before])
    used = np.array(before._found[: EPOCHS * PER_EPOCH])
    np.testing.assert_array_equal(drawn.rates, used[..., 0])
    np.testing.assert_array_equal(drawn.momenta, used[..., 1])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_function_that_makes_one_gives_the_same(kind):
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.01, momentum=0.9)
    length = {"epochs": EPOCHS, "per_epoch": PER_EPOCH, "losses": range(EPOCHS)}
    drawn, made = rates_of(MAKERS[kind](optimizer), **length), rates_of(MAKERS[kind], **length)
    np.testing.assert_array_equal(drawn.rates, made.rates)
    np.testing.assert_array_equal(drawn.momenta, made.momenta)


def test_a_scheduler_under_way_goes_on_from_where_it_is():
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    scheduler = lr.StepLR(optimizer, 2)
    optimizer.step()
    scheduler.step()
    assert rates_of(scheduler, epochs=3).rates[:, 0].tolist() == pytest.approx([1.0, 0.1, 0.1])


def test_no_gradient_and_no_parameter_of_the_model_is_copied():
    model = nn.Linear(1, 1)
    scheduler = lr.StepLR(SGD(model.parameters(), lr=1.0), 2)

    def refuse(memo: Any) -> None:
        raise AssertionError("copied")

    model.weight.__deepcopy__ = refuse
    rates_of(scheduler, epochs=3)


def test_by_epoch():
    drawn = rates_of(lambda o: lr.ExponentialLR(o, 0.5), epochs=3, per_epoch=5, rate=1.0)
    assert drawn.by_epoch[:, 0].tolist() == [1, 0.5, 0.25]
    assert drawn.rates.shape == (15, 1)


def test_momenta_of_an_optimizer_without_any():
    optimizer = torch.optim.Adagrad(nn.Linear(1, 1).parameters(), lr=1.0)
    assert rates_of(lr.StepLR(optimizer, 2), epochs=3).momenta is None


def test_a_plateau_needs_losses():
    with pytest.raises(TrainingError, match="depends on the losses of the 4 epochs; 2 are given"):
        rates_of(MAKERS[lr.ReduceLROnPlateau], epochs=4, losses=[1, 1])


@pytest.mark.parametrize(
    ("length", "message"),
    [({}, "epochs or as steps"), ({"epochs": 1, "steps": 1}, "one of them"), ({"steps": 0}, "give 1 or more")],
)
def test_refuses_lengths_that_are_none(length, message):
    with pytest.raises(TrainingError, match=message):
        rates_of(MAKERS[lr.StepLR], **length)


def test_refuses_more_steps_than_the_scheduler_has():
    with pytest.raises(TrainingError, match="made for 28 steps, the budget has 29"):
        rates_of(MAKERS[lr.OneCycleLR], steps=29)


def test_an_experiments_budget_is_drawn():
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    made = experiment(model, optimizer=optimizer, scheduler=lr.StepLR(optimizer, 1), epochs=3)
    assert planned_rates(made).by_epoch[:, 0].tolist() == pytest.approx([0.1, 0.01, 0.001])
    assert planned_rates(made).per_epoch == PER_EPOCH
    assert len(planned_rates(made, epochs=5).rates) == 5 * PER_EPOCH
    one = lr.OneCycleLR(optimizer, 0.1, total_steps=10)
    assert len(planned_rates(experiment(model, optimizer=optimizer, scheduler=one, steps=10)).rates) == 10


def test_without_a_scheduler_the_rate_stays():
    assert set(planned_rates(experiment(steps=9)).rates[:, 0]) == {0.1}
    with pytest.raises(TrainingError, match="give epochs"):
        planned_rates(experiment(minutes=1))
    assert planned_rates(experiment(minutes=1), epochs=2).rates.shape == (14, 1)


def test_a_loaders_epoch_has_its_batches():
    loader = DataLoader(TensorDataset(*table()), batch_size=BATCH)
    assert planned_rates(experiment(data=sw.Splits(train=loader))).per_epoch == PER_EPOCH
