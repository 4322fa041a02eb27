"""The traps that the notes on Godoy (4A, 4B) and on Stevens et al. (P…) list for these chapters, and that Stepwell prevents.

Each test is named after its trap.
"""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from stepwell import (
    ArraySource,
    Binary,
    Checkpoints,
    Experiment,
    History,
    Hook,
    Multiclass,
    Regression,
    Splits,
    TensorBoard,
    Training,
    create_run,
    evaluate,
    fit,
    predict,
)
from stepwell.core.errors import ModelError, StepwellError, StepwellWarning, TaskError, TrainingError
from stepwell.core.trees import tensors
from stepwell.data import TorchShuffled, whole
from stepwell.models import mlp
from stepwell.recipes.line import line, line_data
from stepwell.recipes.moons import moons, moons_data
from stepwell.recipes.thermometer import thermometer
from stepwell.training.gradients import gradients
from stepwell.training.step import StepResult

godoy = partial(pytest.mark.book, "step-by-step-1", kind="property")
stevens = partial(pytest.mark.book, "dlwp-chapters-1-8", kind="property")


def made(model: nn.Module, inputs: Tensor, targets: Tensor, task=None, **settings) -> Experiment:
    """An experiment on rows that both train and validate."""
    source = ArraySource(inputs, targets)
    optimizer = settings.pop("optimizer", None) or SGD(model.parameters(), lr=0.1)
    budget = {} if "steps" in settings else {"epochs": settings.pop("epochs", 2)}
    data = Splits(train=source, val=source)
    task = task or Regression()
    return Experiment(data=data, model=model, task=task, optimizer=optimizer, **budget, **settings)


def rows(count: int = 20) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, count)[:, None]
    return x, 2 * x + 1


def weights(model: nn.Module) -> list[float]:
    return [value for p in model.parameters() for value in p.flatten().tolist()]


class Rows(Hook):
    """Keeps which rows every epoch showed, in their order."""

    def __init__(self) -> None:
        self._seen: list[list[int]] = []

    def epoch_start(self, training: Training) -> None:
        self._seen.append([])

    def step_end(self, training: Training, result: StepResult) -> None:
        self._seen[-1] += training.batch.index.tolist()


# --- data -----------------------------------------------------------------------------------------------------------------


@godoy("4A.1", recipe="moons")
def test_scaler_fitted_on_all_rows():
    """Inputs are scaled by the training rows alone: these have mean 0 and deviation 1, the validation rows not."""
    train, val = (whole(side).inputs for side in (moons_data().train, moons_data().val))
    assert train.mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert train.std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert val.mean(0).abs().min() > 0.01


@stevens("P15", recipe="thermometer")
def test_unscaled_inputs():
    """On raw readings the gradients by w and b differ 55 times, so no one rate suits both; scaled, 7 times."""
    ratios = []
    for scale in ("raw", "tenth"):
        experiment = thermometer(scale=scale)
        found = gradients(experiment.model, experiment.task, whole(experiment.data.train))
        ratios.append(abs(found["w"] / found["b"]).item())
    assert ratios == pytest.approx([54.7, 7.3], abs=0.05)


@stevens("P29n", recipe="stepwell.predict")
def test_single_sample_without_batch_dimension():
    """A single number is refused: rows have a dimension of their own, also where there is one."""
    with pytest.raises(StepwellError, match="first dimension, the rows"):
        predict(mlp((1, 1)), Regression(), torch.tensor(3.0))


# --- losses ---------------------------------------------------------------------------------------------------------------


@godoy("4B.13", recipe="Regression")
def test_mse_broadcasts_columns_against_vectors():
    """Outputs (N, 1) against targets (N) would average N² differences; they are refused, with the way to mend it."""
    x, y = rows()
    with pytest.raises(TaskError, match=r"\(8, 1\), the targets \(8,\).*targets.unsqueeze\(-1\)"):
        fit(made(mlp((1, 1)), x, y[:, 0]))


@godoy("4A.16", recipe="stepwell.fit")
def test_bce_arguments_swapped():
    """Probabilities given as targets are found before the first step."""
    x, _ = rows()
    with pytest.raises(TaskError, match=r"0.0 or 1.0; there is 0.\d+ among these"):
        fit(made(mlp((1, 1)), x, torch.sigmoid(x), Binary()))


class EndsInSigmoid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.layer(x))


@godoy("4A.15", recipe="stepwell.fit")
@godoy("4B.9", recipe="stepwell.fit")
@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(1, 1), nn.Sigmoid()), EndsInSigmoid()])
def test_sigmoid_before_a_logit_loss(model):
    """A model that ends in a sigmoid, also inside a module of one's own, is refused by a loss of logits."""
    x, _ = rows()
    with pytest.raises(TaskError, match=r"Remove the last nn.Sigmoid, or say outputs='probabilities'"):
        fit(made(model, x, (x > 0).float(), Binary()))
    fit(made(model, x, (x > 0).float(), Binary(outputs="probabilities")))


@godoy("4B.1", recipe="stepwell.fit")
@stevens("P37", recipe="stepwell.fit")
def test_epoch_loss_as_mean_of_batch_means():
    """60 rows in batches of 16, 16, 16 and 12: the epoch's loss is the mean of the rows, not of batches, nor the last one's."""
    x, y = rows(60)
    model = mlp((1, 1))
    frozen = SGD(model.parameters(), lr=0.0)
    batches = DataLoader(TensorDataset(x, y), batch_size=16)
    data = Splits(train=batches, val=batches)
    with pytest.warns(StepwellWarning):
        training = fit(Experiment(data=data, model=model, task=Regression(), optimizer=frozen, epochs=1))
    with torch.no_grad():
        mean = Regression().loss(model(x), y).item()
        of_batches = [Regression().loss(model(inputs), targets).item() for inputs, targets in batches]
    line = training.history[-1]
    assert [line["train"]["loss"], line["val"]["loss"]] == pytest.approx([mean, mean], rel=1e-6)
    assert abs(sum(of_batches) / 4 - mean) > 1e-3 * mean


# --- the loop -------------------------------------------------------------------------------------------------------------


@godoy("4A.5", recipe="stepwell.fit")
@stevens("P16", recipe="stepwell.fit")
def test_gradients_accumulate():
    """Two steps are two updates by two gradients, not one by the first and one by the sum of both."""
    experiment = thermometer(epochs=2)
    by_hand = {name: p.detach().clone() for name, p in experiment.model.named_parameters()}
    other = thermometer()
    for _ in range(2):
        other.model.load_state_dict(by_hand)
        slope = gradients(other.model, other.task, whole(other.data.train))
        by_hand = {name: value - 1e-2 * slope[name] for name, value in by_hand.items()}
    fit(experiment)
    for name, p in experiment.model.named_parameters():
        torch.testing.assert_close(p.detach(), by_hand[name])


@stevens("P18", recipe="stepwell.fit")
def test_backward_on_the_validation_loss():
    """Validation changes no weight: with and without it, training ends in the same bits."""
    with_it, without = line(epochs=5), line(epochs=5)
    fit(with_it)
    fit(replace(without, data=Splits(train=without.data.train)))
    assert weights(with_it.model) == weights(without.model)


class Noisy(nn.Module):
    """A model that behaves differently in training, and notes what was switched on. Calls with few rows, by which fit first
    checks what comes out, are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        outputs = self.net(x)
        if len(x) >= 10:
            self.seen.append((self.training, outputs.requires_grad))
        return outputs


@godoy("4A.11", recipe="stepwell.fit")
@stevens("P1", recipe="stepwell.evaluate")
@stevens("P30", recipe="stepwell.fit")
def test_validation_in_training_mode():
    """Validation runs in eval mode: no dropout, and batch norm learns from training batches alone."""
    model = Noisy()
    experiment = made(model, *rows(), batch_size=10, epochs=3)
    training = fit(experiment)
    assert training.step == 6
    assert model.net[1].num_batches_tracked == 6
    assert training.history[-1]["val"]["loss"] == pytest.approx(evaluate(experiment).metrics["loss"])
    assert set(model.seen) == {(True, True), (False, False)}


@godoy("4B.3", recipe="stepwell.predict")
def test_predict_changes_mode_builds_a_graph_and_casts():
    """`predict` leaves a model's mode, of every part, as it was, builds no graph, and takes integers as they are."""
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(3, 2))
    model[0].eval()
    answers = predict(model, Multiclass(classes=2), torch.tensor([[0], [4], [2]]))
    assert (model.training, model[0].training, model[2].training) == (True, False, True)
    assert not answers.requires_grad
    torch.testing.assert_close(answers.sum(1), torch.ones(3))
    predict(model.eval(), Multiclass(classes=2), torch.tensor([[1]]))
    assert not model.training


@godoy("4A.9", recipe="stepwell.fit")
@stevens("P21", recipe="stepwell.fit")
def test_forward_called_past_the_hooks():
    """Models are called, never their `forward`, so a user's hooks see training, validation and prediction."""
    model, calls = mlp((1, 1)), []
    model.register_forward_hook(lambda *_: calls.append(1))
    experiment = made(model, *rows(), batch_size=20, epochs=1)
    look = [lambda: fit(experiment), lambda: predict(model, experiment.task, rows()[0]), lambda: evaluate(experiment)]
    for act in look:
        calls.clear()
        act()
        assert calls


@stevens("P29d", recipe="stepwell.fit")
def test_losses_keep_their_graph():
    """What a step gives, and what is kept of it for the epoch's numbers, holds no graph: memory does not grow with the steps."""

    class Kept(Hook):
        def step_end(self, training: Training, result: StepResult) -> None:
            kept = [*tensors(result), *tensors(training.tally.state())]
            assert not any(tensor.requires_grad for tensor in kept)

    fit(line(epochs=2), hooks=[Kept()])


class Drawing(Hook):
    """Draws random numbers between the steps, and seeds torch anew."""

    def step_end(self, training: Training, result: StepResult) -> None:
        torch.randn(3)
        torch.manual_seed(training.step)


@godoy("4A.14", recipe="stepwell.fit")
def test_random_numbers_drawn_between_steps():
    """Code that draws between the steps changes nothing, with dropout on; and fit gives the generator back as it was."""
    x, y = rows()
    results = []
    for hooks in ([], [Drawing()]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        before = torch.get_rng_state()
        fit(made(model, x, y, batch_size=5), hooks=hooks)
        assert torch.equal(torch.get_rng_state(), before)
        results.append(weights(model))
    assert results[0] == results[1]


# --- resuming -------------------------------------------------------------------------------------------------------------


@godoy("4B.2", recipe="stepwell.fit")
@pytest.mark.parametrize("order", ["keyed", "torch"])
def test_resumed_epochs_repeat_the_same_shuffles(tmp_path, order):
    """Epochs after a resume see new orders, those of an uninterrupted training, and TensorBoard's steps go on."""
    at_once, first, later = Rows(), Rows(), Rows()
    fit(line(epochs=4, order=order), hooks=[at_once])
    run = create_run(tmp_path, "shuffles", {})
    fit(line(epochs=2, order=order), run, [first, History(run), Checkpoints(run)])
    resumed = fit(line(epochs=4, order=order), run, [later, History(run)], resume=run.read_checkpoint())
    assert first._seen + later._seen == at_once._seen
    assert len({tuple(epoch) for epoch in at_once._seen}) == 4
    assert [line["step"] for line in resumed.history] == [5, 10, 15, 20]


@godoy("4B.2", recipe="stepwell.TensorBoard")
def test_tensorboard_steps_restart(tmp_path):
    """After a resume the scalars' steps go on where they were."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = create_run(tmp_path, "board", {})
    fit(line(epochs=2), run, [TensorBoard(run.folder / "board"), History(run), Checkpoints(run)])
    fit(line(epochs=4), run, [TensorBoard(run.folder / "board"), History(run)], resume=run.read_checkpoint())
    events = accumulator.EventAccumulator(str(run.folder / "board")).Reload()
    assert [event.step for event in events.Scalars("loss/train")] == [5, 10, 15, 20]


@godoy("4A.13", recipe="stepwell.create_run")
def test_two_runs_in_one_folder(tmp_path):
    """Every run has a folder of its own, also two of one name in one second."""
    folders = {create_run(tmp_path, "same", {}).folder for _ in range(3)}
    assert len(folders) == 3


@godoy("4B.7", recipe="stepwell.Checkpoints")
@stevens("P9", recipe="stepwell.Checkpoints")
def test_checkpoints_are_pickles(tmp_path):
    """A checkpoint is safetensors and JSON, nothing that runs code when it is read."""
    run = create_run(tmp_path, "plain", {})
    fit(line(epochs=1), run, [Checkpoints(run)])
    files = [path for path in run.checkpoint_folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json"}


def falling(epochs: int) -> Experiment:
    experiment = line(epochs=epochs)
    return replace(experiment, scheduler=StepLR(experiment.made_optimizer, step_size=1, gamma=0.5))


@godoy("4B.7", recipe="stepwell.Checkpoints")
def test_checkpoint_without_the_scheduler(tmp_path):
    """The schedule is part of a checkpoint: the rate goes on falling where it was."""
    run = create_run(tmp_path, "falling", {})
    fit(falling(2), run, [History(run), Checkpoints(run)])
    resumed = fit(falling(4), run, [History(run)], resume=run.read_checkpoint())
    assert [line["learning_rate"] for line in resumed.history] == [[0.1], [0.05], [0.025], [0.0125]]


# --- model, optimizer, scheduler ------------------------------------------------------------------------------------------


@stevens("P17", recipe="stepwell.Experiment")
def test_optimizer_of_other_parameters():
    """An optimizer must hold the very parameters of the model; equal ones of a copy are refused."""
    with pytest.raises(ModelError, match=r"2 of 2 parameters that are not this model's"):
        made(mlp((1, 1)), *rows(), optimizer=SGD(mlp((1, 1)).parameters(), lr=0.1))


@godoy("4B.5", recipe="stepwell.Experiment")
def test_scheduler_of_another_optimizer():
    """A scheduler that is bound to another optimizer would do nothing; it is refused."""
    experiment = line()
    other = SGD(experiment.model.parameters(), lr=0.1)
    with pytest.raises(TrainingError, match="bound to another optimizer"):
        replace(experiment, scheduler=StepLR(other, step_size=1))


class Unregistered(nn.Module):
    """Its layers are in a plain list, where torch does not see them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(1, 1)]

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[0](x)


@stevens("P22", recipe="stepwell.Experiment")
def test_submodules_in_a_plain_list():
    """A model whose layers torch does not see has nothing to train, and is refused."""
    model = Unregistered()
    with pytest.raises(ModelError, match="no trainable parameter"):
        made(model, *rows(), optimizer=SGD(model.layers[0].parameters(), lr=0.1))


# --- other people's scripts -----------------------------------------------------------------------------------------------


@pytest.mark.book("step-by-step-1", "S12", recipe="stepwell.data.TorchShuffled", kind="exact")
def test_torch_shuffled_is_the_order_of_a_plain_script():
    """The book's own loop, with its DataLoaders and global seed, and fit with that order end in the same bits."""
    ours, theirs = line(order="torch", epochs=3), line()
    fit(ours)
    train, val = (TensorDataset(*whole(side)[:2]) for side in (line_data().train, line_data().val))
    batches, validation = DataLoader(train, batch_size=16, shuffle=True), DataLoader(val, batch_size=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(42)
        for _ in range(3):
            for x, y in batches:
                theirs.task.loss(theirs.model(x), y).backward()
                theirs.made_optimizer.step()
                theirs.made_optimizer.zero_grad()
            for _ in validation:
                pass
    assert weights(ours.model) == weights(theirs.model)
    assert moons(order="torch").order == TorchShuffled(42)
