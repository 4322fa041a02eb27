import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell import ArraySource, Experiment, Multiclass, fit
from stepwell.core.devices import seeded
from stepwell.core.errors import TaskError
from stepwell.data.splits import Splits
from stepwell.tasks import SideHeads
from stepwell.tasks.side_heads import main_task
from stepwell.training.evaluation import evaluate

ROWS = 12


class TwoHeaded(nn.Module):
    """A line of its features for each head; evaluation has the main one alone."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.side = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return (self.main(x), self.side(x)) if self.training else self.main(x)


@pytest.fixture
def outputs() -> tuple[Tensor, Tensor]:
    main, side = torch.randn(2, ROWS, 3, generator=torch.Generator().manual_seed(1))
    return main, side


@pytest.fixture
def targets() -> Tensor:
    return torch.arange(ROWS) % 3


def test_the_loss_is_the_main_and_two_fifths_of_the_side(outputs: tuple[Tensor, Tensor], targets: Tensor) -> None:
    task = SideHeads(task=Multiclass(classes=3))
    due = F.cross_entropy(outputs[0], targets) + 0.4 * F.cross_entropy(outputs[1], targets)
    torch.testing.assert_close(task.loss(outputs, targets), due)
    torch.testing.assert_close(task.losses(outputs, targets).mean(), due)
    torch.testing.assert_close(task.loss(outputs[0], targets), F.cross_entropy(outputs[0], targets))
    assert torch.equal(SideHeads(task=task.task, share=0).loss(outputs, targets), task.loss(outputs[0], targets))


def test_all_else_is_of_the_main_head(outputs: tuple[Tensor, Tensor], targets: Tensor) -> None:
    inner = Multiclass(classes=("a", "b", "c"))
    task = SideHeads(task=inner)
    assert torch.equal(task.predict(outputs), inner.predict(outputs[0]))
    assert torch.equal(task.view("labels", outputs), inner.view("labels", outputs[0]))
    assert task.answers(outputs) == inner.answers(outputs[0])
    assert (task.watch, task.weight(targets), task.name_target(targets[1])) == (inner.watch, ROWS, "b")
    assert main_task(task) is inner
    assert main_task(inner) is inner


def test_both_heads_are_checked(outputs: tuple[Tensor, Tensor], targets: Tensor) -> None:
    task = SideHeads(task=Multiclass(classes=3))
    task.check_outputs(outputs, targets)
    with pytest.raises(TaskError, match="The model gives 2 numbers a row, but there are 3 classes"):
        task.check_outputs((outputs[0], outputs[1][:, :2]), targets)
    with pytest.raises(TaskError, match=r"The side heads' share is -1; it must be 0 or more\."):
        SideHeads(task=task.task, share=-1)


def test_both_heads_learn_and_evaluation_is_of_the_main_one(targets: Tensor) -> None:
    """A whole training: outputs are pairs in its passes and single in those of validation."""
    with seeded(3):
        model, x = TwoHeaded(), torch.randn(ROWS, 4)
    side = model.side.weight.detach().clone()
    data = ArraySource(x, targets)
    task = SideHeads(task=Multiclass(classes=3))
    experiment = Experiment(data=Splits(train=data, val=data), model=model, task=task, epochs=2, batch_size=5)
    training = fit(experiment)
    assert not torch.equal(model.side.weight, side)
    last = training.history[-1]
    assert last["val"]["loss"] == pytest.approx(float(F.cross_entropy(model.main(x), targets).detach()), rel=1e-5)
    assert last["train"]["loss"] > last["val"]["loss"]
    assert set(last["train"]) == set(last["val"]) == {"loss", "accuracy"}
    assert evaluate(experiment).metrics["loss"] == pytest.approx(last["val"]["loss"], rel=1e-5)
