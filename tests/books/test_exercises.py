"""Raff, *Inside Deep Learning*: the exercises of chapter 2, as a user of Stepwell solves them."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.optim import SGD

from stepwell import ArraySource, Experiment, Regression, Splits, evaluate, fit, open_run
from stepwell.core.devices import seeded
from stepwell.data import whole
from stepwell.data.generators import curve as noisy_curve
from stepwell.models import mlp
from stepwell.recipes import launch
from stepwell.recipes.breast_cancer import breast_cancer, breast_cancer_data
from stepwell.recipes.member import Member
from stepwell.recipes.recipe import load
from stepwell.recipes.sweep import PAGE, sweep
from stepwell.reports.trials import outcomes

row = partial(pytest.mark.book, "inside-dl")
GUESSING = math.log(2)  # the loss of who knows nothing about two equal classes


def same(first: nn.Module, second: nn.Module) -> bool:
    """Whether two models have the same bits."""
    return all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


# --- 2.1 ------------------------------------------------------------------------------------------------------------------


def error_of_curve(*, scaled: bool, learning_rate: float, seed: int) -> float:
    """The last training epoch's mean squared error in the targets' own unit, of the book's network with tanh."""
    data = noisy_curve(200, noise=1.0, seed=seed)
    targets = data.y.float()
    mean, std = (targets.mean(), targets.std(correction=0)) if scaled else (torch.tensor(0.0), torch.tensor(1.0))
    with seeded(seed):
        model = mlp((1, 10, 1), activation=nn.Tanh)
    experiment = Experiment(
        data=Splits(train=ArraySource(data.x.float(), (targets - mean) / std)),
        model=model,
        task=Regression(),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=10,
        epochs=100,
        metrics=(),
        train_metrics=(),
        seed=seed,
    )
    return float(fit(experiment).history[-1]["train"]["loss"] * std**2)


@row("exercise 2.1", recipe="stepwell.fit", kind="property")
@pytest.mark.parametrize("seed", [0, 1])
def test_exercise_2_1_scaled_targets(seed: int):
    """At a step size of 0.01, the curve's targets scaled end at an error below 5, as they are (up to 20) above 8."""
    assert error_of_curve(scaled=True, learning_rate=0.01, seed=seed) < 5
    assert error_of_curve(scaled=False, learning_rate=0.01, seed=seed) > 8


@row("exercise 2.1", recipe="stepwell.fit", kind="property")
def test_exercise_2_1_it_is_the_step_size():
    """At a tenth of that step size both come to 4 to 6.5: large targets need small steps, and no more than that."""
    found = [error_of_curve(scaled=scaled, learning_rate=0.001, seed=0) for scaled in (True, False)]
    assert 4 < min(found) < max(found) < 6.5


# --- 2.2 ------------------------------------------------------------------------------------------------------------------


@row("exercise 2.2", recipe="metrics.Ranking", kind="exact")
def test_exercise_2_2_area_under_the_roc_curve():
    """The area in every line of the history is scikit-learn's `roc_auc_score` of the same rows."""
    made = breast_cancer(epochs=2, batch_size=128)
    history = fit(made).history
    val = whole(made.data.val)
    with torch.no_grad():
        scores = made.model.eval()(val.inputs)
    exact = roc_auc_score(val.targets.flatten(), scores.flatten())
    assert all(0.5 < line["val"]["roc_area"] <= 1 for line in history)
    assert history[-1]["val"]["roc_area"] == pytest.approx(exact, abs=1e-12)
    assert evaluate(made).metrics["roc_area"] == pytest.approx(exact, abs=1e-12)


# --- 2.3, 2.4 -------------------------------------------------------------------------------------------------------------

QUICK = {"points": 64, "val_points": 16, "batch_size": 16, "learning_rate": 0.1, "layers": 1}


@row("exercise 2.3", recipe="launch.resume", kind="exact")
def test_exercise_2_3_resume_to_a_total(tmp_path: Path):
    """20 epochs saved, 30 asked for: 10 more are trained, and the bits are those of 30 at once."""
    recipe = load("moons-softmax")
    at_once = launch.train(recipe, {**QUICK, "epochs": 30}, out=str(tmp_path))
    run = launch.train(recipe, {**QUICK, "epochs": 20}, out=str(tmp_path)).run
    assert len(run.lines("history.jsonl")) == 20
    resumed = launch.resume(open_run(run.folder), changes={"epochs": 30})
    assert resumed.training.step == 30 * 4
    assert run.lines("history.jsonl") == at_once.run.lines("history.jsonl")
    assert same(resumed.training.model, at_once.training.model)


@row("exercise 2.4", recipe="stepwell.Checkpoints", kind="exact")
def test_exercise_2_4_checkpoints_of_every_x_epochs(tmp_path: Path):
    """Every second epoch, a checkpoint named by its step; each gives the weights of a training that ended there."""
    recipe, saving = load("moons-softmax"), {"every_epochs": 2, "every_seconds": None, "keep": 9, "best": False}
    run = launch.train(recipe, {**QUICK, "epochs": 6}, out=str(tmp_path), checkpoints=saving).run
    assert [path.name for path in run.checkpoints()] == ["8", "16", "24"]
    for epochs in (2, 4, 6):
        experiment = launch.rebuild(run)
        launch.load_weights(run, experiment, epochs * 4)
        assert same(experiment.model, fit(recipe.build({**QUICK, "epochs": epochs})).model)


# --- 2.5, 2.6, 2.8 --------------------------------------------------------------------------------------------------------


def swept(varied: dict[str, list[Any]], parameters: dict[str, Any], out: Path) -> list[Member]:
    members = sweep(load("moons-softmax"), varied, {"val_points": 400, **parameters}, out=str(out))
    assert [member.status for member in members] == ["done"] * len(members)
    return members


def last(member: Member, side: str, name: str) -> float:
    return float(member.trial.history[-1][side][name])


@row("exercise 2.5", recipe="recipes.sweep", kind="property")
def test_exercise_2_5_depth(tmp_path: Path):
    """With SGD at 0.001, one hidden layer learns, and twenty with tanh stay at guessing: hardly a gradient gets through."""
    members = swept({"layers": [1, 20]}, {"points": 500, "epochs": 2, "batch_size": 1}, tmp_path)
    shallow, deep = ([last(member, side, "loss") for side in ("train", "val")] for member in members)
    assert max(shallow) < 0.6
    assert deep == pytest.approx([GUESSING, GUESSING], abs=0.02)
    assert last(members[0], "val", "accuracy") > 0.75
    assert last(members[1], "val", "accuracy") < 0.6


@row("exercise 2.6", recipe="recipes.sweep", kind="property")
def test_exercise_2_6_width(tmp_path: Path):
    """One unit draws a straight boundary; thirty and a hundred fit the training rows better, and are within 5 points."""
    settings = {"points": 2000, "epochs": 6, "batch_size": 8, "learning_rate": 0.05, "layers": 1}
    one, thirty, hundred = swept({"hidden": [1, 30, 100]}, settings, tmp_path)
    assert max(last(each, "train", "loss") for each in (thirty, hundred)) < last(one, "train", "loss")
    accuracies = [last(each, "val", "accuracy") for each in (one, thirty, hundred)]
    assert min(accuracies) > 0.78
    assert max(accuracies) - min(accuracies) < 0.05


@row("exercise 2.8", recipe="recipes.sweep", kind="property")
def test_exercise_2_8_batch_sizes(tmp_path: Path):
    """All powers of two below the 64 rows: half the updates, less learnt; accuracy and time over the size are drawn."""
    sizes = [2**power for power in range(6)]
    settings = {"points": 64, "epochs": 4, "learning_rate": 0.02}
    members = swept({"batch_size": sizes}, settings, tmp_path)
    assert [member.trial.history[-1]["step"] for member in members] == [4 * 64 // size for size in sizes]
    losses = [last(member, "val", "loss") for member in members]
    assert losses[0] < 0.5 < losses[-1]
    assert losses[0] < losses[2] < losses[-1]
    assert all(outcome.seconds > 0 for outcome in outcomes([member.trial for member in members]))
    page = (members[0].run.folder.parent / PAGE).read_text()
    for title in ("validation accuracy over batch size", "seconds of training over batch size"):
        assert title in page


# --- 2.7 ------------------------------------------------------------------------------------------------------------------


@row("exercise 2.7", recipe="breast-cancer", kind="exact")
def test_exercise_2_7_the_table():
    """569 tumours of 30 measures, 212 malignant; 80/20, both kinds alike on both sides, scaled by the training rows."""
    data = breast_cancer_data()
    train, val = whole(data.train), whole(data.val)
    assert (train.inputs.shape, val.inputs.shape) == ((456, 30), (113, 30))
    assert (int(train.targets.sum()), int(val.targets.sum())) == (170, 42)
    assert train.inputs.mean(0).abs().max() < 1e-5
    assert train.inputs.std(0, correction=0).numpy() == pytest.approx(np.ones(30), abs=1e-4)


@row("exercise 2.7", recipe="breast-cancer", kind="tolerance")
def test_exercise_2_7_accuracy_and_area():
    """Over five seeds, each with a split of its own: 96 % or more of the held-out rows right, and an area of 0.99 or more."""
    found = []
    for seed in range(5):
        made = replace(breast_cancer(seed=seed), metrics=(), train_metrics=())
        fit(made)
        found.append(evaluate(made).metrics)
    assert np.mean([metrics["accuracy"] for metrics in found]) >= 0.96
    assert np.mean([metrics["roc_area"] for metrics in found]) >= 0.99
    assert min(metrics["accuracy"] for metrics in found) >= 0.93
