"""The learning-rate range test."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset
from toys import BATCH, ROWS, Recorder, experiment, network, table

import stepwell as sw
from stepwell.core.errors import ModelError, TrainingError
from stepwell.training.range_test import range_test, rates_between, smooth


def _same(first: Any, second: Any) -> bool:
    names = ("rates", "losses", "smoothed")
    return all(getattr(first, name).tobytes() == getattr(second, name).tobytes() for name in names)


def test_rates_grow_by_one_factor_or_by_one_step():
    np.testing.assert_allclose(rates_between(1e-3, 10, 5), [1e-3, 1e-2, 0.1, 1, 10])
    np.testing.assert_allclose(rates_between(1, 3, 5, "linear"), [1, 1.5, 2, 2.5, 3])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": 0.1, "end": 0.1}, "0 < start < end"),
        ({"start": 0.0}, "0 < start < end"),
        ({"end": math.inf}, "0 < start < end"),
        ({"steps": 1}, "2 or more"),
        ({"spacing": "lin"}, "log or linear, not 'lin'. Did you mean 'linear'"),
        ({"smoothing": 1.0}, "smoothing is 1"),
        ({"limit": 1.0}, "limit is 1"),
    ],
)
def test_refuses_settings_that_cannot_work(settings, message):
    with pytest.raises(TrainingError, match=message.replace("?", r"\?")):
        range_test(experiment(), **settings)


def _by_hand(made: sw.Experiment, rates: np.ndarray) -> list[float]:
    """A range test as one writes it down, on what a fit of the experiment is shown."""

    class Raise(sw.Hook):
        def fit_start(self, training: sw.Training) -> None:
            self._set(training, 0)

        def step_end(self, training: sw.Training, result: Any) -> None:
            losses.append(float(result.loss))
            self._set(training, training.step)

        def _set(self, training: sw.Training, step: int) -> None:
            for group in training.optimizer.param_groups:
                group["lr"] = float(rates[min(step, len(rates) - 1)])

    losses: list[float] = []
    sw.fit(made, hooks=[Raise()])
    return losses


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2, "clip_norm": 0.1},
        {"clip_value": 0.01, "precision": "bf16"},
        {"augment": lambda batch, key: batch._replace(inputs=batch.inputs + key.normal(batch.index, (3,)))},
    ],
)
def test_makes_the_steps_that_fit_makes(settings):
    """Over several epochs, with noise, dropout and augmentation: the losses are fit's at the same rates, bit by bit."""
    steps = 3 * math.ceil(ROWS / BATCH) - 2
    rates = rates_between(1e-4, 0.5, steps)
    found = range_test(experiment(epochs=3, **settings), start=1e-4, end=0.5, steps=steps, limit=1e9)
    expected = _by_hand(experiment(steps=steps, **settings), rates)
    assert found.losses.tolist() == expected
    assert found.rates.tolist() == rates.tolist()


def test_a_second_test_is_the_same_bit_by_bit_and_so_is_a_training_after_it():
    tested, plain = experiment(), experiment()
    first = range_test(tested, end=10.0)
    assert _same(first, range_test(tested, end=10.0))
    trained, untested = sw.fit(tested), sw.fit(plain)
    assert trained.history == untested.history
    assert all(map(torch.equal, tested.model.state_dict().values(), plain.model.state_dict().values()))


def test_leaves_a_half_trained_experiment_as_it_was():
    model = network(dropout=0.2)
    optimizer = Adam(model.parameters(), lr=0.01)
    made = experiment(model, optimizer=optimizer, scheduler=OneCycleLR(optimizer, 0.1, total_steps=14), epochs=2)
    sw.fit(made)
    schedule = {name: value for name, value in made.scheduler.state_dict().items() if not callable(value)}
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    averages = [state["exp_avg"].clone() for state in optimizer.state.values()]
    rates = [dict(group, params=None) for group in optimizer.param_groups]
    model[0].weight.grad, model.training = None, False
    range_test(made, end=100.0)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(s["exp_avg"], a) for s, a in zip(optimizer.state.values(), averages, strict=True))
    assert [dict(group, params=None) for group in optimizer.param_groups] == rates
    assert {name: value for name, value in made.scheduler.state_dict().items() if not callable(value)} == schedule
    assert model[0].weight.grad is None
    assert not model.training


def test_leaves_it_as_it_was_also_after_an_error():
    model = network()
    made = experiment(model)
    kept, state = {name: tensor.clone() for name, tensor in model.state_dict().items()}, torch.get_rng_state()

    def tell(number: int, rate: float, loss: float) -> None:
        if number == 9:
            raise KeyError(number)

    with pytest.raises(KeyError):
        range_test(made, end=1.0, tell=tell)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in model.state_dict().items())
    assert not made.made_optimizer.state
    assert torch.equal(torch.get_rng_state(), state)


def test_stops_where_the_loss_is_not_finite():
    x = torch.linspace(-1, 1, 32)[:, None]
    model = nn.Linear(1, 1)
    made = experiment(
        model,
        data=sw.Splits(train=sw.ArraySource(x, 3 * x)),
        task=sw.Regression(),
        optimizer=SGD(model.parameters(), lr=0.1),
    )
    found = range_test(made, start=1e-3, end=1e30, steps=30, limit=1e300)
    assert found.diverged
    assert len(found.rates) < 30
    assert not math.isfinite(found.losses[-1])
    assert math.isnan(found.smoothed[-1])
    assert np.isfinite(found.losses[:-1]).all()


def test_stops_where_the_loss_has_grown():
    found = range_test(experiment(), start=1e-4, end=1e4)
    assert found.diverged
    assert len(found.losses) == len(found.rates) == len(found.smoothed) < 100
    assert np.isfinite(found.losses).all()
    assert found.losses[-1] > 4 * found.losses.min()


def test_suggests_a_rate_on_the_way_down():
    found = range_test(experiment(network(), batch_size=16), start=1e-4, end=100)
    lowest = found.rates[int(np.nanargmin(found.smoothed))]
    assert found.suggestion is not None
    assert 3e-3 < found.suggestion < lowest
    assert found.suggestion <= 0.1 * found.rates[-1]
    assert "falls fastest" in found.why


def test_no_suggestion_from_a_few_steps():
    found = range_test(experiment(), steps=5)
    assert found.suggestion is None
    assert "too few" in found.why
    assert "10 steps or more" in found.why


def test_no_suggestion_where_nothing_can_be_learned():
    generator = torch.Generator().manual_seed(3)
    x, y = torch.randn(400, 3, generator=generator), torch.randint(0, 3, (400,), generator=generator)
    made = experiment(network(), data=sw.Splits(train=sw.ArraySource(x, y)), batch_size=16)
    found = range_test(made, start=1e-7, end=1e-4)
    assert found.suggestion is None
    assert "nothing to choose by" in found.why


def test_no_suggestion_where_every_rate_is_too_large():
    found = range_test(experiment(network()), start=1e3, end=1e6, limit=1.5)
    assert found.suggestion is None
    assert "smaller rate" in found.why


def test_groups_keep_their_proportion():
    model = network()
    seen = []

    class Watched(SGD):
        def step(self, closure: Any = None) -> None:
            seen.append([group["lr"] for group in self.param_groups])
            super().step(closure)

    groups = [{"params": model[0].parameters(), "lr": 0.2}, {"params": model[3].parameters(), "lr": 0.05}]
    range_test(experiment(model, optimizer=Watched(groups)), start=1e-3, end=1e-1, steps=3)
    np.testing.assert_allclose(seen, [[1e-3, 2.5e-4], [1e-2, 2.5e-3], [1e-1, 2.5e-2]])


def test_a_rate_that_is_a_tensor_stays_one():
    model = network()
    rate = torch.tensor(0.01)
    optimizer = Adam(model.parameters(), lr=rate)
    range_test(experiment(model, optimizer=optimizer), steps=12)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == 0.01


@pytest.mark.filterwarnings("ignore:Training reads a torch DataLoader")
def test_a_loader_gives_the_same_curve_twice():
    own = torch.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(*table()), batch_size=4, shuffle=True, generator=own)
    made = experiment(data=sw.Splits(train=loader))
    assert _same(range_test(made), range_test(made))


def test_automatic_settings_are_tested_plain():
    automatic = experiment(precision="auto", memory_format="auto", compiled="auto")
    assert _same(range_test(automatic, steps=12), range_test(experiment(), steps=12))


def test_hooks_of_the_experiment_rest():
    recorder = Recorder()
    range_test(experiment(hooks=[recorder]), steps=12)
    assert recorder._events == []


def test_a_model_that_cannot_take_the_data_is_named():
    model = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(ModelError, match="expects 4 numbers"):
        range_test(experiment(model))


def test_smoothing_lags_to_neither_side_and_leaves_out_what_is_not_finite():
    bell = np.exp(-(np.linspace(-3, 3, 61) ** 2))
    assert smooth(1 - bell, 0.8).argmin() == 30
    np.testing.assert_allclose(smooth(1 - bell, 0.8), smooth(1 - bell, 0.8)[::-1])
    assert np.isnan(smooth(np.array([1.0, np.inf, 2.0]), 0.5)).tolist() == [False, True, False]
    assert np.isnan(smooth(np.array([np.nan]), 0.5)).all()
