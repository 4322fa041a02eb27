"""A loss that becomes NaN or infinite stops the run, says where and why, and no checkpoint holds a NaN."""

import math
import re
from pathlib import Path

import pytest
import torch
import toys
from torch import Tensor, nn

import stepwell as sw
from stepwell.core.errors import DivergedError
from stepwell.core.trees import tensors
from stepwell.runs import Run

STEPS = -(-toys.ROWS // toys.BATCH)


class BreaksAt(nn.Module):
    """Multiplies its outputs by a number from a training step on."""

    def __init__(self, step: int, factor: float) -> None:
        super().__init__()
        self.net = toys.network()
        self.factor, self.left = factor, step

    def forward(self, x: Tensor) -> Tensor:
        self.left -= self.training
        return self.net(x) * self.factor if self.left <= 0 and self.training else self.net(x)


def assert_finite(run: Run) -> None:
    assert run.checkpoints()
    for path in run.checkpoints():
        snapshot = run.read_checkpoint(path.name)
        for tensor in tensors(dict(snapshot.parts)):
            assert not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()), path


@pytest.mark.parametrize("every_steps", [1, 2, None])
@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_broken_loss_stops_with_step_causes_and_the_last_good_checkpoint(
    factor: float, every_steps: int | None, tmp_path: Path
) -> None:
    run = toys.folder(tmp_path)
    hooks = [sw.History(run), sw.Checkpoints(run, every_steps=every_steps, every_epochs=1, keep=3)]
    with pytest.raises(DivergedError) as caught:
        sw.fit(toys.experiment(BreaksAt(STEPS + 3, factor), epochs=5), run, hooks)
    text = str(caught.value)
    assert re.search(rf"^The loss became (nan|inf) at step {STEPS + 3}\.$", text, re.MULTILINE)
    assert "Likely causes, most likely first:" in text
    assert "the learning rate (0.1) is too high: try a tenth of it, or clip_norm=1.0 (no clipping now);" in text
    good = run.checkpoints()[-1]
    assert int(good.name) == (STEPS if every_steps is None else STEPS + 2 - (STEPS + 2) % every_steps)
    assert f"The last good checkpoint is that of step {good.name}: {good}." in text
    assert_finite(run)


def test_the_last_good_checkpoint_can_be_resumed(tmp_path: Path) -> None:
    run = toys.folder(tmp_path)
    hooks = [sw.History(run), sw.Checkpoints(run, every_steps=1)]
    with pytest.raises(DivergedError):
        sw.fit(toys.experiment(BreaksAt(5, math.nan)), run, hooks)
    again = sw.fit(toys.experiment(BreaksAt(99, 1.0)), run, [sw.History(run)], resume=run.read_checkpoint())
    assert again.epochs == 2


class Overflow(nn.Module):
    """A regression whose error squares to infinity while every weight is still finite."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.w


def test_an_infinite_loss_with_finite_weights_is_not_saved_either(tmp_path: Path) -> None:
    run = toys.folder(tmp_path)
    x = torch.full((16, 1), 1e-3)
    x[-4:] = 3e19
    model = Overflow()
    experiment = toys.experiment(
        model,
        data=sw.Splits(train=sw.ArraySource(x, torch.zeros(16, 1))),
        task=sw.Regression(),
        optimizer=torch.optim.SGD(model.parameters(), lr=1e-30, nesterov=False),
        order=sw.data.Sequential(),
        clip_value=1.0,
    )
    with pytest.raises(DivergedError, match="The loss became inf at step 4"):
        sw.fit(experiment, run, [sw.History(run), sw.Checkpoints(run, every_steps=1)])
    assert run.checkpoints()[-1].name == "3"
    assert_finite(run)


def test_without_a_run_no_checkpoint_is_promised() -> None:
    experiment = toys.experiment(BreaksAt(1, math.nan), clip_norm=2.5)
    with pytest.raises(DivergedError, match=r"clip_norm=1\.0 \(2\.5 now\)") as caught:
        sw.fit(experiment)
    assert "checkpoint" not in str(caught.value)


def test_weights_that_the_last_step_broke_are_not_taken_for_a_result(tmp_path: Path) -> None:
    """The last loss is finite, its gradient is not; without validation, nothing but the weights would tell."""

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([0.0]))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.w.sqrt()  # 0 at 0, with an infinite slope

    run, model = toys.folder(tmp_path), Root()
    data = sw.Splits(train=sw.ArraySource(torch.ones(4, 1), torch.ones(4, 1)))
    experiment = toys.experiment(
        model, data=data, task=sw.Regression(), epochs=1, optimizer=torch.optim.SGD(model.parameters(), lr=0.1)
    )
    with pytest.raises(DivergedError, match="w holds 1 numbers that are NaN or infinite at step 1"):
        sw.fit(experiment, run, [sw.History(run), sw.Checkpoints(run)])
    assert run.checkpoints() == []


def test_a_validation_that_diverges_stops_too() -> None:
    class Val(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = toys.network()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x) if self.training or len(x) <= 8 else self.net(x) * math.nan

    with pytest.raises(DivergedError, match=f"The loss became nan at step {STEPS}"):
        sw.fit(toys.experiment(Val()))


def test_buffers_may_be_infinite_by_design(tmp_path: Path) -> None:
    """As the mask of an attention is; such a model is saved like any other."""

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = toys.network()
            self.register_buffer("mask", torch.tensor([0.0, -math.inf]))

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x)

    run = toys.folder(tmp_path)
    sw.fit(toys.experiment(Masked(), epochs=1), run, [sw.History(run), sw.Checkpoints(run)])
    assert run.read_checkpoint().parts["model"]["mask"].tolist() == [0.0, -math.inf]


def test_a_buffer_of_nan_is_refused(tmp_path: Path) -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = toys.network()
            self.register_buffer("mean", torch.tensor([0.0]))

        def forward(self, x: Tensor) -> Tensor:
            self.mean = self.mean * math.nan
            return self.net(x)

    run = toys.folder(tmp_path)
    with pytest.raises(DivergedError, match="mean holds 1 numbers that are NaN"):
        sw.fit(toys.experiment(Counts(), epochs=1), run, [sw.History(run), sw.Checkpoints(run)])
    assert run.checkpoints() == []
