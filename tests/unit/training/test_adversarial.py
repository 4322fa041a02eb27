"""The step of two players."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toys
from torch import Tensor
from torch.optim import SGD, Adam

import stepwell as sw
from stepwell.core.errors import TrainingError
from stepwell.core.keys import Key
from stepwell.data import Unpaired
from stepwell.data.batch import whole
from stepwell.models import CycleGAN
from stepwell.tasks import Translation
from stepwell.training.adversarial import adversarial_step
from stepwell.training.hooks import Checkpoints
from stepwell.training.world import SOLO


def pictures(seed: int, rows: int) -> Tensor:
    return torch.randint(256, (rows, 3, 8, 8), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def experiment(**settings: object) -> sw.Experiment:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model = CycleGAN(width=2, blocks=1, layers=1)
    sides = [{"params": model.generators}, {"params": model.discriminators}]
    data = Unpaired(sw.ArraySource(pictures(1, 8)), sw.ArraySource(pictures(2, 6)))
    kept = {
        "data": sw.Splits(train=data, val=data),
        "model": model,
        "task": Translation(),
        "optimizer": Adam(sides, lr=1e-3, betas=(0.5, 0.999)),
        "batch_size": 4,
        "epochs": 2,
        "step": adversarial_step,
    }
    return sw.Experiment(**{**kept, **settings})


def test_a_step_is_both_updates_of_the_paper() -> None:
    """The same, written out: generators first, then the discriminators by what was made before."""
    made, other = experiment(), experiment()
    batch, model = whole(made.data.train), other.model
    optimizers = [Adam(side, lr=1e-3, betas=(0.5, 0.999)) for side in (model.generators, model.discriminators)]
    pair = model.make(*batch.inputs)
    fooled = model.fooled(pair)
    gradients = torch.autograd.grad((fooled[:, :2] + 10 * fooled[:, 2:4]).sum(1).mean(), model.generators)
    for p, gradient in zip(model.generators, gradients, strict=True):
        p.grad = gradient
    optimizers[0].step()
    model.judged(pair).sum(1).div(2).mean().backward()
    optimizers[1].step()

    result = adversarial_step(made, SOLO)(batch, 1)
    for (name, one), two in zip(made.model.state_dict().items(), model.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two, msg=name)
    torch.testing.assert_close(result.loss, made.task.loss(result.outputs, batch.targets))
    assert result.outputs.shape == (8, 10)
    assert not result.outputs.requires_grad


def test_afterwards_no_gradient_is_left_and_both_sides_learn_on() -> None:
    made = experiment()
    adversarial_step(made, SOLO)(whole(made.data.train), 1)
    assert all(p.grad is None and p.requires_grad for p in made.model.parameters())


def test_the_sides_move_by_their_own_gradients_alone() -> None:
    """At a rate of 0 for one side, it stays, and the other learns as it would beside it."""
    for still in (0, 1):
        made = experiment()
        made.optimizer.param_groups[still]["lr"] = 0.0
        before = [p.clone() for p in made.model.parameters()]
        adversarial_step(made, SOLO)(whole(made.data.train), 1)
        sides = (made.model.generators, made.model.discriminators)
        moved = {id(p) for p, old in zip(made.model.parameters(), before, strict=True) if not torch.equal(p, old)}
        assert not moved & {id(p) for p in sides[still]}
        assert moved & {id(p) for p in sides[1 - still]}


def test_clipping_is_by_side() -> None:
    made = experiment(optimizer=None, clip_norm=1e-3)
    sides = [{"params": made.model.generators}, {"params": made.model.discriminators}]
    made = replace(made, optimizer=SGD(sides, lr=1.0))
    before = {id(p): p.detach().clone() for p in made.model.parameters()}
    adversarial_step(made, SOLO)(whole(made.data.train), 1)
    for side in (made.model.generators, made.model.discriminators):
        moved = torch.cat([(p.detach() - before[id(p)]).flatten() for p in side])
        assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-3)


def test_a_training_keeps_the_games_numbers() -> None:
    training = sw.fit(experiment())
    assert set(training.history[-1]["train"]) == {"loss", "fooled", "cycle", "judged"}
    assert training.history[-1]["val"]["cycle"] < training.history[0]["val"]["cycle"]


class Stop(sw.Hook):
    def step_end(self, training: sw.Training, result: object) -> None:
        if training.step == 3:
            training.interrupt()


def test_a_resumed_training_has_the_same_bits(tmp_path: Path) -> None:
    whole_run = sw.fit(experiment())
    run = toys.folder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        sw.fit(experiment(), run, [Checkpoints(run), Stop()])
    resumed = sw.fit(experiment(), run, resume=run.read_checkpoint("last"))
    assert toys.bits(resumed.snapshot()) == toys.bits(whole_run.snapshot())
    assert resumed.history == whole_run.history


def test_what_cannot_be_trained_so_is_refused() -> None:
    model = experiment().model
    with pytest.raises(TrainingError, match="has a group for each side"):
        adversarial_step(experiment(model=model, optimizer=Adam(model.parameters())), SOLO)
    with pytest.raises(TrainingError, match="has a group for each side"):
        adversarial_step(experiment(model=model, optimizer=Adam(model.generators)), SOLO)
    with pytest.raises(TrainingError, match="accumulate is 2, give 1"):
        adversarial_step(experiment(accumulate=2), SOLO)
    with pytest.raises(TrainingError, match="Linear with Regression does not name"):
        adversarial_step(toys.experiment(torch.nn.Linear(3, 3), task=sw.Regression()), SOLO)


def test_an_empty_share_of_a_batch_weighs_nothing() -> None:
    made = experiment()
    before = toys.weights(made.model)
    result = adversarial_step(made, SOLO)(made.data.train.batch(torch.arange(0), Key(0)), 1)
    assert (float(result.loss), result.weight, len(result.outputs)) == (0, 0, 0)
    assert toys.weights(made.model) == before


def test_discriminators_that_were_frozen_stay_so() -> None:
    made = experiment()
    first, *others = made.model.discriminators
    first.requires_grad_(False)
    kept = first.clone()
    adversarial_step(made, SOLO)(whole(made.data.train), 1)
    assert not first.requires_grad
    assert torch.equal(first, kept)
    assert all(parameter.requires_grad for parameter in others)
