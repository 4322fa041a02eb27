"""Steps: the gradient of the whole batch however it is cut, torch's clipping, dropout that depends on the step alone."""

import pytest
import torch
import toys
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import SGD

import stepwell as sw
from stepwell.core.trees import map_tensors
from stepwell.data import Batch
from stepwell.tasks.base import Task
from stepwell.training.step import EagerStep, EvaluationStep, _even, concatenate

G = torch.Generator().manual_seed(3)
X = torch.randn(13, 3, generator=G)
CLASSES = torch.randint(3, (13,), generator=G)
ONES = (torch.rand(13, generator=G) < 0.4).float()
TASKS: dict[str, tuple[Task, Tensor]] = {
    "multiclass": (sw.Multiclass(classes=3), CLASSES),
    "multiclass, class weights": (sw.Multiclass(classes=3, class_weights=(0.2, 5.0, 1.0)), CLASSES),
    "binary": (sw.Binary(positive_weight=4.0), ONES),
    "binary, weighted mean": (sw.Binary(positive_weight=4.0, weighted_mean=True), ONES),
    "regression": (sw.Regression(), X[:, 0].clone()),
    "regression, huber": (sw.Regression(kind="huber", delta=0.3), X[:, 0].clone()),
}


class Flat(nn.Module):
    """A network of one number a row, `(batch,)`."""

    def __init__(self) -> None:
        super().__init__()
        self.net = toys.network()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)[:, 0]


def make(task: Task, **settings: object) -> tuple[nn.Module, EagerStep]:
    model = toys.network() if isinstance(task, sw.Multiclass) else Flat()
    optimizer = SGD(model.parameters(), lr=0.1)
    return model.train(), EagerStep(model, task, optimizer, **settings)


def gradients(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def batch_of(targets: Tensor) -> Batch:
    return Batch(X, targets, torch.arange(len(X)))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("parts", [2, 3, 5, 13, 40])
def test_accumulated_gradients_are_the_whole_batchs(name: str, parts: int) -> None:
    task, targets = TASKS[name]
    whole_model, whole_step = make(task)
    model, step = make(task, accumulate=parts)
    with torch.random.fork_rng(devices=[]):
        whole, result = whole_step(batch_of(targets), 1), step(batch_of(targets), 1)
    torch.testing.assert_close(gradients(model), gradients(whole_model), rtol=0, atol=1e-6)
    torch.testing.assert_close(result.loss, whole.loss, rtol=0, atol=1e-6)
    torch.testing.assert_close(result.outputs, whole.outputs)
    torch.testing.assert_close(torch.as_tensor(result.weight), torch.as_tensor(whole.weight))
    torch.testing.assert_close(toys.weights(model), toys.weights(whole_model), rtol=0, atol=1e-6)


def test_a_plain_mean_of_the_parts_would_be_another_gradient() -> None:
    """The check above can fail: parts are uneven, and weigh differently."""
    task, targets = TASKS["multiclass, class weights"]
    model, step = make(task)
    with torch.random.fork_rng(devices=[]):
        step(batch_of(targets), 1)
    expected = gradients(model)
    other, _ = make(task)
    losses = [task.loss(other(part), t) for part, t in zip(X.split(5), targets.split(5), strict=True)]
    torch.stack(losses).mean().backward()
    assert (gradients(other) - expected).abs().max() > 1e-3


def test_the_parts_are_as_even_as_can_be_and_none_is_empty() -> None:
    assert _even(13, 5) == [3, 3, 3, 2, 2]
    assert _even(2, 5) == [1, 1]
    assert _even(4, 2) == [2, 2]


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(("norm", "value"), [(0.01, None), (None, 0.002), (0.01, 0.002), (100.0, 100.0)])
def test_clipping_is_torchs(accumulate: int, norm: float | None, value: float | None) -> None:
    task, targets = TASKS["multiclass"]
    model, step = make(task, clip_norm=norm, clip_value=value, accumulate=accumulate)
    with torch.random.fork_rng(devices=[]):
        step(batch_of(targets), 1)
    plain, _ = make(task)
    task.loss(plain(X), targets).backward()
    if value is not None:
        clip_grad_value_(plain.parameters(), value)
    if norm is not None:
        clip_grad_norm_(plain.parameters(), norm)
    torch.testing.assert_close(gradients(model), gradients(plain), rtol=1e-5, atol=1e-7)
    if norm == 0.01:
        assert float(gradients(model).norm()) <= 0.01 + 1e-6
    if value == 0.002:
        assert float(gradients(model).abs().max()) <= float(torch.tensor(0.002))


def test_a_step_is_that_of_a_hand_written_loop_to_the_bit() -> None:
    task, targets = TASKS["multiclass"]
    model, step = make(task)
    plain = toys.network()
    optimizer = SGD(plain.parameters(), lr=0.1)
    with torch.random.fork_rng(devices=[]):
        for number in range(1, 4):
            step(batch_of(targets), number)
            optimizer.zero_grad()
            nn.functional.cross_entropy(plain(X), targets).backward()
            optimizer.step()
    assert toys.weights(model) == toys.weights(plain)


def test_dropout_depends_on_seed_and_step_alone() -> None:
    def loss(seed: int, number: int, drawn_before: int) -> float:
        model = toys.network(dropout=0.5).train()
        step = EagerStep(model, TASKS["multiclass"][0], SGD(model.parameters(), lr=0.0), seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.rand(drawn_before)
            return float(step(batch_of(CLASSES), number).loss)

    assert loss(1, 5, 0) == loss(1, 5, 17)
    assert len({loss(seed, number, 0) for seed in range(4) for number in range(1, 9)}) > 30


def test_results_hold_no_graph_that_a_hook_could_trip_over() -> None:
    for accumulate in (1, 2):
        _, step = make(TASKS["multiclass"][0], accumulate=accumulate)
        with torch.random.fork_rng(devices=[]):
            result = step(batch_of(CLASSES), 1)
            assert not result.loss.requires_grad
            assert not result.outputs.requires_grad


def test_bf16_computes_in_bf16_and_updates_float32() -> None:
    model, step = make(TASKS["multiclass"][0], precision="bf16")
    exact_model, exact = make(TASKS["multiclass"][0])
    with torch.random.fork_rng(devices=[]):
        result, reference = step(batch_of(CLASSES), 1), exact(batch_of(CLASSES), 1)
    assert result.outputs.dtype == torch.bfloat16
    assert result.loss.dtype == torch.float32
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.parameters())
    assert 0 < abs(float(result.loss - reference.loss)) < 0.02
    torch.testing.assert_close(gradients(model), gradients(exact_model), rtol=0.1, atol=0.01)


def test_frozen_parameters_stay_and_are_not_clipped() -> None:
    model = toys.network()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    step = EagerStep(model, TASKS["multiclass"][0], SGD(model.parameters(), lr=0.1), clip_norm=0.1)
    with torch.random.fork_rng(devices=[]):
        step(batch_of(CLASSES), 1)
    assert torch.equal(model[0].weight, before)
    assert model[0].weight.grad is None


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_share_of_no_rows_weighs_nothing_and_has_no_gradient(accumulate: int) -> None:
    """What a process gets of a last batch with fewer rows than processes."""
    for task, targets in TASKS.values():
        model, step = make(task, accumulate=accumulate)
        with torch.random.fork_rng(devices=[]):
            result = step(map_tensors(lambda t: t[:0], batch_of(targets)), 1)
        assert float(result.weight) == 0
        assert float(result.loss) == 0
        assert all(p.grad is None for p in model.parameters())


def test_an_evaluation_looks_only() -> None:
    model = toys.network()
    before = toys.weights(model)
    with torch.no_grad():
        result = EvaluationStep(model, TASKS["multiclass"][0], "fp32")(batch_of(CLASSES), 0)
    assert result.weight == 13
    assert toys.weights(model) == before
    torch.testing.assert_close(result.loss, nn.functional.cross_entropy(model(X), CLASSES).detach())


def test_trees_are_joined_along_their_rows() -> None:
    tree = {"a": (torch.ones(2), [torch.zeros(2, 3)])}
    joined = concatenate([tree, tree, tree])
    assert joined["a"][0].shape == (6,)
    assert isinstance(joined["a"], tuple)
    assert joined["a"][1][0].shape == (6, 3)
