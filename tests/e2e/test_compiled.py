"""A step that is compiled whole computes what the eager one does; compiling takes seconds."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.data import ArraySource, Splits
from stepwell.training.batches import train_batches
from stepwell.training.compiled import CompiledLook
from stepwell.training.experiment import Experiment
from stepwell.training.step import EagerStep
from stepwell.training.world import SOLO

# torch's own compiler calls its own deprecated functions
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
]


def small(*, norm: bool, **settings: object) -> Experiment:
    with seeded(1):
        x, y = torch.rand(96, 1, 8, 8), torch.arange(96) % 3
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4) if norm else nn.Identity(), nn.ReLU(), nn.Dropout(0.3)]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(144, 3))
    # Adam would blow the rounding of a bias before BatchNorm, whose gradient is zero, up to a whole step.
    optimizer, data = SGD(model.parameters(), lr=0.1, momentum=0.9), Splits(train=ArraySource(x, y))
    task = sw.Multiclass(classes=3)
    return Experiment(data=data, model=model, task=task, optimizer=optimizer, epochs=2, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_compiled_step_does_what_the_eager_one_does(norm: bool, accumulate: int) -> None:
    """With dropout, clipping, a schedule, and a short last batch, which goes through eager code."""
    plain, compiled = (small(norm=norm, batch_size=36) for _ in range(2))
    steps = [_step(plain, accumulate), _step(compiled, accumulate, compile=True)]
    for number, batch in enumerate(train_batches(plain, SOLO).epoch(0)):
        a, b = (step(batch, number) for step in steps)
        torch.testing.assert_close(a.loss, b.loss, rtol=1e-5, atol=1e-6)
        for step in steps:
            step.optimizer.param_groups[0]["lr"] *= 0.9
    for name, tensor in plain.model.state_dict().items():
        torch.testing.assert_close(tensor, compiled.model.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_a_parameter_without_a_gradient_has_none() -> None:
    experiment = small(norm=False)
    experiment.model.append(nn.Identity())
    experiment.model[-1].unused = nn.Parameter(torch.ones(3))
    _step(experiment, compile=True)(next(train_batches(experiment, SOLO).epoch(0)), 0)
    assert experiment.model[-1].unused.grad is None


def _step(experiment: Experiment, accumulate: int = 1, *, compile: bool = False) -> EagerStep:
    model, task = experiment.model.train(), experiment.task
    look = CompiledLook(model, task, "fp32") if compile else None
    optimizer = experiment.made_optimizer
    return EagerStep(model, task, optimizer, seed=3, clip_norm=1.0, accumulate=accumulate, look=look)
