"""Ways to compute a step: measured on copies, compared with plain fp32, remembered on resume."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
import toys
from torch import nn
from torch.optim import AdamW
from torch.utils.data import DataLoader, TensorDataset

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.core.errors import DataError, ModelError, TrainingError
from stepwell.data import ArraySource, Splits
from stepwell.runs import create_run
from stepwell.training import variants
from stepwell.training.batches import train_batches
from stepwell.training.experiment import Experiment
from stepwell.training.hooks import Checkpoints
from stepwell.training.trials import Candidate, Trial, Variant, difference
from stepwell.training.variants import Choice, asks, choose, under
from stepwell.training.world import SOLO, World


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure also for trainings of a moment."""
    monkeypatch.setattr(variants, "_MEASURING_PAYS", 0.0)


def small(*, norm: bool = True, **settings: object) -> Experiment:
    with seeded(1):
        x, y = torch.rand(96, 1, 8, 8), torch.arange(96) % 3
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4) if norm else nn.Identity(), nn.ReLU(), nn.Dropout(0.3)]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(144, 3))
    chosen = {"precision": "auto", "memory_format": "auto", "epochs": 2, **settings}
    data = Splits(train=ArraySource(x, y), val=ArraySource(x[:32], y[:32]))
    optimizer = AdamW(model.parameters(), lr=1e-2)
    return Experiment(data=data, model=model, task=sw.Multiclass(classes=3), optimizer=optimizer, **chosen)  # type: ignore[arg-type]


def test_a_choice_leaves_everything_as_it_was() -> None:
    experiment = small()
    before = {name: tensor.clone() for name, tensor in experiment.model.state_dict().items()}
    experiment.model.eval()
    state = torch.get_rng_state()
    choice = choose(experiment)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in experiment.model.state_dict().items())
    assert not experiment.made_optimizer.state
    assert not any(module.training for module in experiment.model.modules())
    assert all(parameter.grad is None for parameter in experiment.model.parameters())
    assert [trial.variant.name for trial in choice.trials] == [
        "fp32", "fp32, channels-last", "bf16", "bf16, channels-last",
    ]  # fmt: skip


def test_the_chosen_variant_is_the_fastest_of_those_that_agree() -> None:
    choice = choose(small())
    agreeing = {trial.variant: trial.milliseconds for trial in choice.trials if trial.milliseconds is not None}
    assert [trial.variant for trial in choice.trials if trial.verdict == "chosen"] == [choice.variant]
    quickest = min(agreeing.values())
    assert agreeing[choice.variant] == quickest or quickest * 1.05 >= agreeing[Variant()]
    differences = {trial.variant.name: trial.difference for trial in choice.trials}
    assert differences["fp32"] == 0.0
    assert 1e-6 < differences["bf16"] < 0.1


class _WrongInBF16(nn.Module):
    """A layer that is right in fp32 alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.dtype == torch.float32 else x * 3


def test_a_variant_with_other_gradients_is_refused() -> None:
    experiment = small()
    model = nn.Sequential(*list(experiment.model)[:3], _WrongInBF16(), *list(experiment.model)[3:])
    found = {t.variant.name: t for t in choose(replace(experiment, model=model)).trials}
    assert found["bf16"].verdict == "refused: more than 10.0%"
    assert found["bf16"].milliseconds is None
    assert found["fp32"].verdict == "chosen" or found["fp32, channels-last"].verdict == "chosen"


class _ImitatesBF16(nn.Module):
    """Takes a second, under autocast a hundred, by a clock of its own; and counts how often it is called under autocast."""

    now: ClassVar[float] = 0.0
    steps: ClassVar[int] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        imitates = torch.is_autocast_enabled("cpu")
        _ImitatesBF16.steps += imitates
        _ImitatesBF16.now += 100.0 if imitates else 1.0
        return x


def test_a_hopeless_variant_takes_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ImitatesBF16, "steps", 0)
    monkeypatch.setattr(time, "perf_counter", lambda: _ImitatesBF16.now)
    experiment = small(memory_format="contiguous")
    experiment.model.append(_ImitatesBF16())
    trials = choose(experiment).trials
    assert [(trial.variant.name, trial.milliseconds) for trial in trials] == [("fp32", 1e3), ("bf16", 1e5)]
    assert _ImitatesBF16.steps == 1


class _OnlyFP32(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype != torch.float32:
            raise RuntimeError("no such kernel\nfor this type")
        return x


def test_a_variant_that_fails_says_why() -> None:
    experiment = small()
    model = nn.Sequential(*list(experiment.model)[:1], _OnlyFP32(), *list(experiment.model)[1:])
    verdicts = {t.variant.name: t.verdict for t in choose(replace(experiment, model=model)).trials}
    assert verdicts["bf16"] == "not possible: no such kernel"


def test_what_is_told_is_kept_and_a_network_without_convolutions_tries_no_memory_format() -> None:
    assert choose(small(precision="bf16", memory_format="contiguous")) == Choice(
        variant=Variant("bf16"), why="as it was told"
    )
    flat = replace(small(), model=nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), optimizer=None)
    assert {trial.variant.memory_format for trial in choose(flat).trials} == {"contiguous"}
    assert {trial.variant.precision for trial in choose(small(precision="bf16")).trials} == {"bf16"}


@pytest.mark.parametrize(
    ("change", "world", "why"),
    [
        (lambda e: e, World(0, 2), "several processes train, which could choose differently"),
        (lambda e: replace(e, data=Splits(train=DataLoader(TensorDataset(torch.zeros(4, 1, 8, 8), torch.zeros(4))))), SOLO,
         "a DataLoader's batches cannot be looked at without drawing them"),
        (lambda e: replace(e, step=lambda *_: None), SOLO, "the experiment has a step of its own"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_measured_it_is_plain(
    change: Callable[[Experiment], Experiment], world: World, why: str
) -> None:
    assert choose(change(small()), world) == Choice(variant=Variant(), why=why)


def test_a_short_training_is_not_compiled() -> None:
    last = choose(small(compiled="auto")).trials[-1]
    assert last.variant.compiled == "yes"
    assert last.verdict == "not tried: compiling takes a minute, the training about 1 s"


def test_mistakes_are_told_as_they_are_without_a_measurement() -> None:
    wrong = replace(small(), model=nn.Sequential(nn.Flatten(), nn.Linear(63, 3)), optimizer=None)
    with pytest.raises(ModelError, match="Layer '1'"):
        sw.fit(wrong)
    x = torch.rand(8, 1, 8, 8)
    x[3] = float("nan")
    data = Splits(train=ArraySource(x, torch.arange(8) % 3))
    with pytest.raises(DataError, match=r"1 row \(3\)"):
        sw.fit(replace(small(), data=data))
    assert "not finite" in choose(replace(small(), data=data)).why


class _Remembers(nn.Module):
    """A layer that keeps what it saw, with its graph, which cannot be copied."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x * 1.0
        return self.seen


def test_what_cannot_be_copied_trains_plainly() -> None:
    experiment = small(epochs=1)
    model = nn.Sequential(*list(experiment.model)[:3], _Remembers(), *list(experiment.model)[3:])
    model(torch.rand(2, 1, 8, 8))
    choice = choose(replace(experiment, model=model))
    assert choice.variant == Variant()
    assert choice.why.startswith("nothing could be measured: Only Tensors created explicitly")
    assert sw.fit(replace(experiment, model=model)).step == 3


def test_hooks_of_the_model_hear_nothing_of_the_trials() -> None:
    experiment, heard = small(), []
    handle = experiment.model[0].register_forward_hook(lambda *_: heard.append(1))  # type: ignore[index]
    assert len(choose(experiment).trials) == 4
    handle.remove()
    assert heard == []


def test_a_training_of_a_moment_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "_MEASURING_PAYS", 8.0)
    assert choose(small()) == Choice(variant=Variant(), why="the training takes about 1 s, less than measuring")


def test_a_difference_that_is_not_finite_is_none() -> None:
    assert difference(torch.tensor([float("inf")]), torch.ones(1)) is None
    assert difference(torch.tensor([3.0, 4.0]), torch.zeros(2)) == 5.0


def test_a_trial_gives_the_dropouts_back() -> None:
    experiment = under(small(), Variant())
    candidate = Candidate(experiment, Variant(), [next(train_batches(experiment, SOLO).epoch(0))])
    candidate.gradients()
    assert all(module.training for module in candidate.model.modules())


def test_the_run_is_told_and_a_resumed_training_asks_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(tmp_path, "r", {})
    sw.fit(small(epochs=1), run, [Checkpoints(run)])
    told = run.facts["variant"]
    assert asks(small())
    snapshot = run.read_checkpoint()
    assert snapshot.facts["settings"]["variant"] == told["variant"]
    other = {
        **snapshot.facts["settings"],
        "variant": {"precision": "bf16", "memory_format": "channels-last", "compiled": "no"},
    }
    changed = replace(snapshot, facts={**snapshot.facts, "settings": other})
    monkeypatch.setattr(variants, "_measured", lambda *_: pytest.fail("it was measured again"))
    training = sw.fit(small(), resume=changed)
    assert (training.experiment.precision, training.experiment.memory_format) == ("bf16", "channels-last")
    assert not asks(training.experiment)
    assert under(small(), Variant("bf16")).precision == "bf16"


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_channels_last_resumes_to_the_bit(tmp_path: Path, stop: int) -> None:
    def make(**settings: object) -> Experiment:
        return small(precision="fp32", memory_format="channels-last", **settings)

    whole = sw.fit(make(epochs=2))
    run = create_run(tmp_path, "r", {})
    sw.fit(make(epochs=None, steps=stop), run, [Checkpoints(run)])
    pieces = sw.fit(make(epochs=2), resume=run.read_checkpoint())
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, pieces.model.state_dict()[name]), name
    weight = pieces.model[0].weight  # type: ignore[index]
    state = pieces.optimizer.state[weight]
    assert state["exp_avg"].stride() == weight.stride()


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(
        TrainingError, match="Unknown memory format 'channel_last'; known: contiguous, channels-last, auto"
    ):
        small(memory_format="channel_last")
    with pytest.raises(TrainingError, match="Unknown compiled 'maybe'; known: no, yes, auto"):
        small(compiled="maybe")


def test_a_choice_is_plain_data() -> None:
    trial = Trial(variant=Variant("bf16"), milliseconds=2.0, difference=0.01, verdict="chosen")
    plain = Choice(variant=Variant("bf16"), trials=[trial]).to_json()
    assert plain["variant"] == {"precision": "bf16", "memory_format": "contiguous", "compiled": "no"}
    assert plain["trials"][0]["name"] == "bf16"


def test_toys_agree_that_a_table_can_be_chosen_for() -> None:
    x, y = toys.table(64)
    data = Splits(train=ArraySource(x, y))
    experiment = Experiment(
        data=data, model=toys.network(), task=sw.Multiclass(classes=3), epochs=1, precision="auto", compiled="auto"
    )
    assert choose(experiment).variant.memory_format == "contiguous"
