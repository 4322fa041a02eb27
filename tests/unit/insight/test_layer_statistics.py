"""Layers while a model trains: gradients, statistics, symptoms, and what stops being finite."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from toys import BATCH, experiment, network

import stepwell as sw
from stepwell.core.errors import DivergedError, ModelError, TrainingError
from stepwell.insight.gradients import GradientRecorder
from stepwell.insight.layers import KINDS, NUMBERS, LayerStatistics, Statistics, measure, spread_of
from stepwell.insight.nonfinite import FirstNonFinite
from stepwell.insight.symptoms import symptoms
from stepwell.training.averages import beta_of, ewma

STEPS = 7


class Failing(sw.Hook):
    """Ends a training by an error."""

    def step_end(self, training, result):
        if training.step == 3:
            raise KeyError(3)


def _hookless(model: nn.Module) -> bool:
    hooks = [module._forward_hooks for module in model.modules()]
    hooks += [p._post_accumulate_grad_hooks for p in model.parameters() if p._post_accumulate_grad_hooks is not None]
    return not any(hooks)


class TestGradientRecorder:
    """What the optimizer worked with."""

    def test_the_updates_of_plain_descent_are_its_gradients(self):
        model, recorder = network(), GradientRecorder("0")
        start = model[0].weight.detach().clone()
        sw.fit(experiment(model, optimizer=SGD(model.parameters(), lr=0.1), epochs=1, clip_norm=0.01), hooks=[recorder])
        assert list(recorder.gradients) == ["0.weight", "0.bias"]
        assert recorder.gradients["0.weight"].shape == (STEPS, 8, 3)
        moved = start - 0.1 * recorder.gradients["0.weight"].sum(0)
        torch.testing.assert_close(moved, model[0].weight.detach())

    def test_averages_of_them_are_adams_own_state(self):
        """Periods of 19 and 1999 are betas of 0.9 and 0.999; the first average is Adam's to the bit."""
        model, recorder = network(), GradientRecorder()
        optimizer = Adam(model.parameters(), lr=0.1)
        sw.fit(experiment(model, optimizer=optimizer), hooks=[recorder])
        for name, parameter in model.named_parameters():
            seen, state = recorder.gradients[name], optimizer.state[parameter]
            assert len(seen) == state["step"] == 2 * STEPS
            torch.testing.assert_close(ewma(seen, 0.9)[-1], state["exp_avg"], rtol=1e-6, atol=1e-9)
            squares = ewma(seen.square(), beta_of(1999))[-1]
            torch.testing.assert_close(squares, state["exp_avg_sq"], rtol=1e-5, atol=1e-9)

    def test_before_clipping_they_are_longer_and_of_all_parts(self):
        model = network()
        clipped, whole = GradientRecorder("3"), GradientRecorder("3", clipped=False)
        sw.fit(experiment(model, accumulate=2, clip_value=1e-3, epochs=1), hooks=[clipped, whole])
        torch.testing.assert_close(whole.gradients["3.weight"].clamp(-1e-3, 1e-3), clipped.gradients["3.weight"])
        assert whole.gradients["3.weight"].abs().max() > 1e-2
        assert _hookless(model)

    def test_every_so_many_steps(self):
        recorder = GradientRecorder("0", every=3)
        sw.fit(experiment(network()), hooks=[recorder])
        assert recorder.steps == [3, 6, 9, 12]
        assert len(recorder.gradients["0.bias"]) == 4

    def test_frozen_and_unknown_layers(self):
        model, recorder = network(), GradientRecorder()
        model[0].requires_grad_(False)
        sw.fit(experiment(model, optimizer=SGD(model[3].parameters(), lr=0.1), epochs=1), hooks=[recorder])
        assert list(recorder.gradients) == ["3.weight", "3.bias"]
        with pytest.raises(ModelError, match="no layer 'fc'"):
            sw.fit(experiment(network()), hooks=[GradientRecorder("fc")])


def test_measure_is_what_numpy_finds():
    values = torch.tensor([[0.0, 1.0, 0.0], [0.0, -3.0, 2.0]])
    mean, std, largest, zeros, dead, saturated = measure(values, (-1.0, 1.0)).tolist()
    assert (mean, largest, zeros, dead) == pytest.approx((0, 3, 0.5, 1 / 3))
    assert std == pytest.approx(values.numpy().std())
    assert saturated == 0.5  # 1, -3 and 2
    assert torch.isnan(measure(torch.ones(4))[4:]).all()


def test_dead_units_of_pictures_are_channels():
    values = torch.rand(2, 4, 5, 5) + 1
    values[:, 1] = 0
    values[0, 2] = 0
    assert measure(values)[4] == 0.25


class TestLayerStatistics:
    """A few numbers a step."""

    def _trained(self, model=None, **settings) -> tuple[nn.Module, LayerStatistics]:
        model = network() if model is None else model
        hook = LayerStatistics(**settings)
        sw.fit(experiment(model), hooks=[hook])
        return model, hook

    def test_the_first_step_is_the_first_batchs(self):
        model, seen = network(), []
        model[1].register_forward_hook(
            lambda module, inputs, out: seen.append(out.detach()) if module.training else None
        )
        _, hook = self._trained(model)
        found = hook.statistics
        assert found.layers == ("0", "1", "2", "3")
        assert found.steps == tuple(range(1, 2 * STEPS + 1))
        assert found.values["activations"]["mean"][0, 1] == pytest.approx(float(seen[0].mean()))
        assert found.values["activations"]["std"][:, 1] == pytest.approx(
            [float(each.std(correction=0)) for each in seen]
        )
        assert np.isnan(found.values["weights"]["mean"][:, 1]).all()
        assert found.values["weights"]["largest"][-1, 3] == pytest.approx(float(model[3].weight.detach().abs().max()))
        assert found.values["gradients"]["largest"][-1, 3] == pytest.approx(float(model[3].weight.grad.abs().max()))
        assert set(found.values) == set(KINDS)
        assert set(found.values["weights"]) == set(NUMBERS)

    def test_changes_no_bit_and_takes_its_hooks_away(self):
        (with_it, _), without = self._trained(), network()
        sw.fit(experiment(without))
        assert all(map(torch.equal, with_it.parameters(), without.parameters()))
        assert _hookless(with_it)
        model = network()
        with pytest.raises(KeyError):
            sw.fit(experiment(model), hooks=[LayerStatistics(), FirstNonFinite(), Failing()])
        assert _hookless(model)

    def test_memory_is_bounded_and_the_whole_training_stays_in_sight(self):
        hook = LayerStatistics("0", keep=8)
        sw.fit(experiment(network(), epochs=10), hooks=[hook])
        assert hook.statistics.steps == tuple(range(16, 71, 16)) or len(hook.statistics.steps) <= 8
        assert hook.statistics.steps[0] <= 16
        assert hook.statistics.steps[-1] > 50
        assert len(set(np.diff(hook.statistics.steps))) == 1

    def test_every_so_many_steps_and_by_layer(self):
        _, hook = self._trained(layers=["0", "1"], every=5)
        assert hook.statistics.steps == (5, 10)
        assert list(hook.statistics.over("gradients", "std")) == ["0"]
        steps, values = hook.statistics.over("activations", "std")["1"]
        assert (steps, len(values)) == ((5, 10), 2)

    def test_saturation_is_told_of_activations_with_limits(self):
        _, hook = self._trained()
        known = ~np.isnan(hook.statistics.values["activations"]["saturated"]).all(axis=0)
        assert known.tolist() == [False, True, False, False]

    def test_a_layer_called_twice_gives_the_mean(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.act, self.last = nn.ReLU(), nn.Linear(3, 3)

            def forward(self, x):
                return self.last(self.act(x) + self.act(-x))

        _, hook = self._trained(Twice(), layers="act")
        zeros = hook.statistics.values["activations"]["zeros"]
        assert zeros == pytest.approx(np.full_like(zeros, 0.5))

    def test_rows_lie_on_the_trainings_device(self):
        """Also that of a layer without parameters that is not reached; on `meta`, as there may be no other device here."""
        row = LayerStatistics()._row("spare", nn.ReLU(), torch.device("meta"))
        assert row.device.type == "meta"

    def test_a_training_that_may_choose_does_not_compile_and_tries_nothing(self, tmp_path):
        run = sw.create_run(tmp_path, "r", {})
        training = sw.fit(experiment(network(), compiled="auto"), run, [LayerStatistics()])
        assert training.experiment.compiled == "no"
        assert "variant" not in run.facts

    @pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # of what torch.compile imports
    def test_a_compiled_training_is_refused(self):
        model = network()
        with pytest.raises(TrainingError, match="compiled='no'"):
            sw.fit(experiment(model, compiled="yes"), hooks=[LayerStatistics()])
        assert _hookless(model)

    def test_before_a_training_there_is_nothing(self):
        assert LayerStatistics().statistics.steps == ()
        assert symptoms(LayerStatistics().statistics) == []
        with pytest.raises(TrainingError, match="every ≥ 1"):
            LayerStatistics(every=0)


def test_spread_of_one_pass_leaves_gradients_alone():
    model = network()
    model[0].weight.grad = kept = torch.ones(8, 3)
    x = torch.randn(5, 3)
    found = spread_of(model, lambda: model(x).square().sum().backward())
    assert list(found["activations"]) == ["0", "1", "2", "3"]
    assert list(found["weights"]) == list(found["gradients"]) == ["0", "3"]
    torch.testing.assert_close(found["activations"]["0"], model[0](x).detach())
    torch.testing.assert_close(found["gradients"]["3"], (2 * model(x).T @ model[:3](x)).detach())
    assert model[0].weight.grad is kept
    assert model[3].weight.grad is None
    assert _hookless(model)


def _statistics(layers: int = 4, steps: int = 20, **tables: np.ndarray) -> Statistics:
    values = {kind: {name: np.full((steps, layers), np.nan) for name in NUMBERS} for kind in KINDS}
    for kind in KINDS:
        for name in ("mean", "std", "largest"):
            values[kind][name][:] = 0.1
    for where, table in tables.items():
        kind, name = where.split("_")
        values[kind][name][:] = table
    return Statistics(tuple(range(1, steps + 1)), tuple(f"h{i}" for i in range(1, layers + 1)), values)


class TestSymptoms:
    """Sentences."""

    def test_nothing_is_wrong(self):
        assert symptoms(_statistics()) == []

    def test_vanishing_gradients(self):
        [said] = symptoms(_statistics(gradients_std=np.array([1e-6, 1e-4, 1e-3, 2e-3])))
        assert said.startswith("The gradients vanish on the way back: from a deviation of 0.002 in h4 to 1e-06 in h1.")

    def test_exploding_gradients_along_the_way(self):
        [said] = symptoms(_statistics(gradients_std=np.array([1.0, 0.1, 0.01, 1e-3])))
        assert "explode on the way back: from a deviation of 0.001 in h4 to 1 in h1" in said

    def test_activations_that_shrink(self):
        [said] = symptoms(_statistics(activations_std=np.array([1.0, 0.1, 0.01, 5.0])))
        assert "The activations vanish on the way forward: from a deviation of 1 in h1 to 0.01 in h3" in said

    def test_gradients_that_grow_in_time(self):
        [said] = symptoms(_statistics(gradients_largest=np.geomspace(1, 1e6, 20)[:, None] * np.ones(4)))
        assert "The gradients of h" in said
        assert "explode: their largest grew from" in said

    def test_dead_and_saturated_units(self):
        said = symptoms(
            _statistics(activations_dead=np.array([0.1, 0.9, 0, 0.5]), activations_saturated=np.array([0, 0, 0.8, 0]))
        )
        assert said[0].startswith("90% of the units of h2 are 0")
        assert said[1].startswith("50% of the units of h4 are 0")
        assert said[2].startswith("80% of what h3 gives")

    def test_what_is_not_finite_comes_alone(self):
        table = np.full((20, 4), 0.1)
        table[7:, 2] = np.nan
        assert symptoms(_statistics(gradients_mean=table, activations_dead=np.ones(4))) == [
            "At step 8 the gradients of h3 are not finite."
        ]


class TestFirstNonFinite:
    """The step and the layer."""

    def test_a_healthy_training_has_none(self):
        hook = FirstNonFinite()
        sw.fit(experiment(network()), hooks=[hook])
        assert hook.found is None

    @pytest.mark.parametrize("rate", [1e18, 1e30])
    def test_is_found_where_it_was(self, rate):
        """Against a look at every number of every step."""
        torch.manual_seed(0)
        model = nn.Sequential(OrderedDict(one=nn.Linear(3, 4), act=nn.ReLU(), two=nn.Linear(4, 1)))
        x, first = torch.randn(64, 3), []
        hook = FirstNonFinite()

        class Look(sw.Hook):
            def step_end(self, training, result):
                bad = [n for n, p in model.named_parameters() if not torch.isfinite(p).all()]
                if not first and (bad or not torch.isfinite(result.loss)):
                    first.append(training.step)

        data = sw.Splits(train=sw.ArraySource(x, x.sum(1, keepdim=True)))
        made = experiment(model, data=data, task=sw.Regression(), optimizer=SGD(model.parameters(), lr=rate), epochs=3)
        with pytest.raises(DivergedError):
            sw.fit(made, hooks=[hook, Look()])
        assert hook.found.step == first[0]
        assert hook.found.before is None or np.isfinite(hook.found.before)
        assert f"came at step {first[0]}, in the " in hook.found.sentence
        assert _hookless(model)

    def test_the_layer_that_makes_it_is_named(self):
        class Root(nn.Module):
            def forward(self, x):
                return (x - 1e6).log()

        model = nn.Sequential(OrderedDict(one=nn.Linear(3, 4), root=Root(), two=nn.Linear(4, 3)))
        hook = FirstNonFinite()
        with pytest.raises(DivergedError):
            sw.fit(experiment(model, batch_size=BATCH), hooks=[hook])
        assert (hook.found.step, hook.found.what, hook.found.name) == (1, "output", "root")
        assert hook.found.sentence == "The first number that was not finite came at step 1, in the output of root."
