"""Evaluation and prediction, against the same numbers computed at once."""

import numpy as np
import pytest
import sklearn.metrics
import torch
import toys
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepwell as sw
from stepwell.core.errors import DataError, ModelError, TaskError

ROWS = 700
X, Y = toys.table(ROWS)


def many(**settings: object) -> sw.Experiment:
    source = sw.ArraySource(X, Y)
    data = sw.Splits(
        train=sw.data.Subset(source, torch.arange(400)), val=sw.data.Subset(source, torch.arange(ROWS - 1, 399, -1))
    )
    return toys.experiment(toys.network(dropout=0.5), **{"data": data, **settings})


def test_numbers_confusion_and_rows_are_those_of_all_rows_at_once() -> None:
    experiment = many()
    found = sw.evaluate(experiment, "val")
    x, y = X[400:], Y[400:]
    logits = experiment.model.eval()(x).detach()
    losses = nn.functional.cross_entropy(logits, y, reduction="none")
    assert (found.split, found.rows, found.classes) == ("val", 300, ["0", "1", "2"])
    assert found.metrics["loss"] == pytest.approx(float(losses.mean()), rel=1e-5)
    assert found.metrics["accuracy"] == pytest.approx(float((logits.argmax(1) == y).float().mean()))
    assert found.confusion.tolist() == sklearn.metrics.confusion_matrix(y, logits.argmax(1), labels=range(3)).tolist()
    assert found.targets is None


@pytest.mark.parametrize("batch_size", [4, 256, 1000])
def test_the_worst_rows_are_the_worst_of_all(batch_size: int) -> None:
    experiment = many(batch_size=batch_size)
    found = sw.evaluate(experiment, "val", worst=9)
    logits = experiment.model.eval()(X).detach()
    losses = nn.functional.cross_entropy(logits, Y, reduction="none")
    losses[:400] = -1
    expected = losses.argsort(descending=True)[:9].tolist()
    assert [mistake.row for mistake in found.worst] == expected
    for mistake in found.worst:
        row = mistake.row
        assert mistake.loss == pytest.approx(float(losses[row]), rel=1e-4)
        assert mistake.target == str(int(Y[row]))
        assert mistake.predicted == str(int(logits[row].argmax()))
        assert mistake.confidence == pytest.approx(float(logits[row].softmax(0).max()), rel=1e-4)
        assert np.array_equal(mistake.input, X[row].numpy())


def test_equal_losses_keep_the_first_rows() -> None:
    model = nn.Linear(3, 3)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    found = sw.evaluate(toys.experiment(model), "train", worst=3)
    assert [mistake.row for mistake in found.worst] == [0, 1, 2]


@pytest.mark.parametrize(("worst", "shown"), [(0, 0), (1, 1), (50, 26)])
def test_as_many_as_were_asked_for(worst: int, shown: int) -> None:
    assert len(sw.evaluate(toys.experiment(), "train", worst=worst).worst) == shown


def test_the_model_is_looked_at_in_eval_mode_and_given_back() -> None:
    experiment = many()
    experiment.model.train()
    before, generator = toys.weights(experiment.model), torch.get_rng_state()
    one, two = sw.evaluate(experiment), sw.evaluate(experiment)
    assert one.metrics == two.metrics
    assert experiment.model.training
    assert toys.weights(experiment.model) == before
    assert torch.equal(torch.get_rng_state(), generator)


def test_training_means_of_a_validation_are_those_of_an_evaluation() -> None:
    experiment = many(epochs=1)
    training = sw.fit(experiment)
    found = sw.evaluate(experiment, "val").metrics
    assert training.history[-1]["val"]["loss"] == pytest.approx(found["loss"], rel=1e-9)
    assert training.history[-1]["val"]["accuracy"] == found["accuracy"]


def test_binary_evaluations_have_areas_and_a_confusion_matrix() -> None:
    model, y = nn.Linear(3, 1), (Y > 0).float()[:, None]
    data = sw.Splits(train=sw.ArraySource(X, y))
    task = sw.Binary(classes=("left", "right"))
    found = sw.evaluate(toys.experiment(model, data=data, task=task), "train")
    logits = model(X).detach()[:, 0]
    areas = [value for name, value in found.metrics.items() if "roc" in name]
    assert areas == [pytest.approx(sklearn.metrics.roc_auc_score(y[:, 0], logits), abs=1e-3)]
    assert found.confusion.tolist() == sklearn.metrics.confusion_matrix(y[:, 0], logits > 0).tolist()
    assert found.worst[0].target in ("left", "right")


def regression(rows: int) -> tuple[sw.Experiment, torch.Tensor]:
    x = torch.arange(float(rows))[:, None] / rows
    model = nn.Linear(1, 1)
    data = sw.Splits(train=sw.ArraySource(x, 3 * x))
    return toys.experiment(model, data=data, task=sw.Regression(names=("height",))), x


@pytest.mark.parametrize("rows", [5, 2000, 2001, 9000])
def test_the_sample_of_a_regression_is_spread_evenly_over_all_rows(rows: int) -> None:
    experiment, x = regression(rows)
    found = sw.evaluate(experiment, "train")
    assert found.confusion is None
    assert found.classes == []
    assert min(rows, 1000) <= len(found.targets) <= 2000
    steps = np.diff(found.targets[:, 0])
    assert np.allclose(steps, steps[0], atol=1e-4)
    assert found.targets[0] == 0
    assert found.targets[-1] > 3 * (1 - 8 / rows) - 1e-3
    expected = experiment.model(torch.from_numpy(found.targets) / 3).detach().numpy()
    assert np.allclose(found.values, expected, atol=1e-5)
    mistake = found.worst[0]
    assert mistake.confidence is None
    assert float(mistake.target) == pytest.approx(3 * float(x[mistake.row]), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("task", [sw.Multiclass(classes=3), sw.Binary(outputs="probabilities"), sw.Regression()])
def test_bf16_evaluations_are_near_those_of_float32(task: object) -> None:
    if isinstance(task, sw.Multiclass):
        model, y = nn.Linear(3, 3), Y
    else:
        model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid() if isinstance(task, sw.Binary) else nn.Identity())
        y = (Y > 0).float()[:, None]
    settings = {"data": sw.Splits(train=sw.ArraySource(X, y)), "task": task}
    exact, half = (
        sw.evaluate(toys.experiment(model, **settings, precision=precision), "train") for precision in ("fp32", "bf16")
    )
    assert half.metrics["loss"] == pytest.approx(exact.metrics["loss"], rel=0.02)
    assert half.metrics["loss"] != exact.metrics["loss"]
    assert len(half.worst) == 12


def test_rows_of_a_dataloader_are_numbered_as_they_come() -> None:
    data = sw.Splits(train=sw.ArraySource(X, Y), test=DataLoader(TensorDataset(X, Y), batch_size=64))
    experiment = toys.experiment(toys.network(), data=data)
    by_loader = sw.evaluate(experiment, "test")
    by_source = sw.evaluate(experiment, "train")
    assert [m.row for m in by_loader.worst] == [m.row for m in by_source.worst]


def test_a_side_that_is_not_there_is_told_with_those_that_are() -> None:
    experiment = toys.experiment(data=sw.Splits(train=sw.ArraySource(X, Y)))
    with pytest.raises(DataError, match=r"The experiment has no val rows; it has train\."):
        sw.evaluate(experiment)


def test_bad_targets_of_a_side_that_training_never_saw_are_told() -> None:
    bad = Y.clone()
    bad[650] = 3
    data = sw.Splits(train=sw.ArraySource(X, Y), test=sw.ArraySource(X, bad))
    with pytest.raises(TaskError, match="There is a target 3, but 3 classes are numbered 0 to 2"):
        sw.evaluate(toys.experiment(data=data), "test")


def test_an_evaluation_of_a_side_without_targets_is_refused() -> None:
    data = sw.Splits(train=sw.ArraySource(X, Y), test=sw.ArraySource(X))
    with pytest.raises(DataError, match="no targets"):
        sw.evaluate(toys.experiment(data=data), "test")


# Predictions.


@pytest.mark.parametrize("batch_size", [1, 7, 1024])
def test_predictions_do_not_depend_on_the_batches(batch_size: int) -> None:
    model = toys.network(dropout=0.5).train()
    task = sw.Multiclass(classes=3)
    found = sw.predict(model, task, X[:50].numpy(), batch_size=batch_size)
    assert model.training
    torch.testing.assert_close(found, model.eval()(X[:50]).softmax(1).detach())
    assert not found.requires_grad


def test_predictions_of_inputs_by_name_and_position() -> None:
    class Two(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a - b

    for inputs in ({"b": X[:, 1], "a": X[:, 0]}, (X[:, 0].numpy(), X[:, 1].numpy())):
        assert torch.equal(sw.predict(Two(), sw.Regression(), inputs, batch_size=64), X[:, 0] - X[:, 1])


def test_predictions_in_bf16_are_near() -> None:
    model, task = toys.network(), sw.Multiclass(classes=3)
    exact, half = (sw.predict(model, task, X[:50], precision=precision) for precision in ("fp32", "bf16"))
    torch.testing.assert_close(half.float(), exact, atol=0.02, rtol=0.02)


def test_there_have_to_be_rows_and_a_device() -> None:
    with pytest.raises(DataError, match=r"There are no rows to predict\."):
        sw.predict(toys.network(), sw.Multiclass(classes=3), X[:0])
    with pytest.raises(ModelError, match="device 'meta'"):
        sw.predict(nn.Linear(3, 3, device="meta"), sw.Multiclass(classes=3), X)
