"""Godoy, *Deep Learning with PyTorch Step-by-Step*: rows S17 (separability) and S24 (the feature-space lab)."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import Adam

from stepwell import ArraySource, Binary, Experiment, Splits, Training, fit, plots
from stepwell.data import whole
from stepwell.insight.boundary import decision_grid, straight_boundary
from stepwell.insight.features import spaces_of, transformed
from stepwell.insight.recorder import Recorder, model_at
from stepwell.insight.separability import separation
from stepwell.models import mlp
from stepwell.recipes.feature_space import feature_space

pytestmark = pytest.mark.xdist_group("feature-space")
row = partial(pytest.mark.book, "step-by-step-1")

ONE = ("sigmoid", "tanh", "relu", "prelu")
KINDS = [*({"activation": name} for name in ONE)]
KINDS += [
    {"layers": "two", "activation": "tanh", "epochs": 15},
    {"layers": "wide", "activation": "prelu", "epochs": 10},
]
LAST = {"one": "activation0", "two": "activation1", "wide": "hidden1"}


def right(training: Training) -> float:
    """The share of the training points on their side."""
    rows = whole(training.experiment.data.train)
    with torch.no_grad():
        outputs = training.model.eval()(rows.inputs)
    return float(((outputs > 0) == (rows.targets > 0.5)).float().mean())


def points(training: Training) -> tuple[Tensor, Tensor]:
    rows = whole(training.experiment.data.train)
    return rows.inputs, rows.targets[:, 0]


# --- S17 ------------------------------------------------------------------------------------------------------------------

X = torch.tensor([-3.0, -2.6, -2.1, -0.5, 0.1, 0.6, 1.9, 2.3, 2.8, 3.2])
BLUE = (X.abs() < 1).float()  # the book prints no coordinates: three blue points among seven red


@row("S17", recipe="insight.separability.separation", kind="property")
def test_s17_ten_points():
    """Three blue among seven red points: no point parts them on their line, and a line does with the squared feature."""
    assert (int(BLUE.sum()), int((1 - BLUE).sum())) == (3, 7)
    alone = separation(X, BLUE)
    assert not alone.separable
    squared = torch.stack([X, X**2], dim=1)
    found = separation(squared, BLUE)
    assert found.separable
    assert found.margin > 1
    assert ((squared.double().numpy() @ found.weight + found.bias > 0) == (BLUE.numpy() == 1)).all()
    assert plots.number_line(X, BLUE, classes=["red", "blue"]).axes
    assert plots.scatter(squared, BLUE, classes=["red", "blue"]).axes


@row("S17", recipe="models.mlp", kind="property")
@pytest.mark.parametrize(("squared", "share"), [(False, 0.7), (True, 1.0)])
def test_s17_logistic_regression(squared: bool, share: float):
    """A logistic regression of the ten points gets 7 right, and all of them with the squared feature."""
    inputs = torch.stack([X, X**2], dim=1) if squared else X[:, None]
    torch.manual_seed(0)
    model = mlp((inputs.shape[1], 1))
    made = Experiment(
        data=Splits(train=ArraySource(inputs, BLUE[:, None])),
        model=model,
        task=Binary(),
        optimizer=Adam(model.parameters(), lr=0.1),
        batch_size=10,
        epochs=300,
        train_metrics=(),
    )
    assert right(fit(made)) == pytest.approx(share)


# --- S24 ------------------------------------------------------------------------------------------------------------------


@row("S24", recipe="feature-space", kind="property")
def test_s24_two_parabolas():
    """2,000 points, half on each parabola, that no straight line parts; the best a line does is about 74 %."""
    inputs, labels = (whole(feature_space().data.train))[:2]
    assert inputs.shape == (2000, 2)
    assert labels.sum() == 1000
    assert torch.allclose(inputs[:, 1], inputs[:, 0] ** 2 - 0.5 * labels[:, 0], atol=1e-6)
    assert not separation(inputs, labels).separable
    torch.manual_seed(0)
    line = replace(feature_space(epochs=60), model=(model := mlp((2, 1))), optimizer=Adam(model.parameters(), lr=0.1))
    assert right(fit(replace(line, train_metrics=()))) == pytest.approx(0.744, abs=0.01)


@row("S24", recipe="feature-space", kind="tolerance")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_s24_all_points_are_parted(trained, kind):
    """Every network of the chapter gets all 2,000 points right, because its last space is one in which a line does."""
    training = trained("feature-space", **kind)
    assert right(training) == 1.0
    inputs, labels = points(training)
    assert not separation(inputs, labels).separable
    seen = transformed(training.model, LAST[kind.get("layers", "one")], inputs)
    assert separation(seen.after, labels).separable
    if kind.get("layers", "one") == "one":
        assert not separation(seen.before, labels).separable  # an affine map parts nothing


@row("S24", recipe="insight.features", kind="property")
@pytest.mark.parametrize("activation", ONE)
def test_s24_straight_in_the_activated_space_and_curved_in_the_input_space(trained, activation):
    """The boundary is a straight line behind the activation, and no straight line parts the plane that it came from."""
    training = trained("feature-space", activation=activation)
    grid = decision_grid(training.model, training.task, points(training)[0], points=60)
    places = torch.tensor(np.stack([each.reshape(-1) for each in np.meshgrid(grid.x, grid.y)], axis=1)).float()
    says = grid.classes.reshape(-1)
    seen = transformed(training.model, "activation0", places)
    intercept, slope = straight_boundary(training.model.output)
    side = seen.after[:, 1].double() - (intercept + slope * seen.after[:, 0].double())
    sure = side.abs() > 1e-4
    assert len(set(zip((side > 0)[sure].tolist(), says[sure.numpy()].tolist(), strict=True))) == 2
    assert not separation(places, says).separable
    assert not separation(seen.before, says).separable


@row("S24", recipe="insight.features.transformed", kind="property")
@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1), ("relu", 0, np.inf)])
def test_s24_ranges(trained, activation, low, high):
    """A sigmoid's space lies in (0, 1), a tanh's in (-1, 1), and that of ReLU has no negative numbers."""
    training = trained("feature-space", activation=activation)
    seen = transformed(training.model, "activation0", points(training)[0])
    assert low <= seen.after.min() < seen.after.max() <= high
    assert seen.before.min() < 0 < seen.before.max()
    assert (seen.after.min() == 0) == (activation == "relu")


@row("S24", recipe="feature-space", kind="property")
def test_s24_a_corner(trained):
    """Of ReLU the boundary in the input space is made of straight lines that meet in a corner."""
    training = trained("feature-space", activation="relu")
    grid = decision_grid(training.model, training.task, points(training)[0], points=400, margin=0.0)
    heights = _boundary(grid.x, grid.y, grid.outputs)
    slope = np.gradient(heights, grid.x)
    bend = np.abs(np.diff(slope))
    assert np.isfinite(heights).all()
    assert (bend > 0.05).sum() <= 4  # at the corner, and its neighbours in the grid
    assert np.median(bend) < 1e-3
    assert slope[0] < -0.5 < 0.5 < slope[-1]


def _boundary(x: np.ndarray, y: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Where each column of the grid crosses zero, by a straight line between its two neighbours there."""
    after = (np.diff(np.sign(logits), axis=0) != 0).argmax(axis=0)
    columns = np.arange(len(x))
    one, other = logits[after, columns], logits[after + 1, columns]
    return y[after] + (y[1] - y[0]) * one / (one - other)


@row("S24", recipe="insight.recorder.Recorder", kind="property")
def test_s24_parameters_of_every_epoch_are_kept():
    """So that early epochs can be drawn (figures B.5 and B.6): at first the points are mixed, and at last they are parted."""
    made, recorder = replace(feature_space(layers="wide", activation="prelu", epochs=10), train_metrics=()), Recorder()
    training = fit(made, hooks=[recorder])
    inputs, labels = points(training)
    assert len(recorder.states) == 11
    shares = []
    for state in (recorder.states[0], recorder.states[-1]):
        with torch.no_grad():
            outputs = model_at(made.model, state).eval()(inputs)[:, 0]
        shares.append(float(((outputs > 0) == (labels > 0.5)).float().mean()))
    assert shares[0] < 0.9
    assert shares[1] == 1.0


@row("S24", recipe="plots.spaces", kind="property")
def test_s24_figures(trained):
    """The three panels of figures B.4 to B.12, with the grid pushed through the layers, are one call."""
    training = trained("feature-space")
    inputs, labels = points(training)
    spaces = spaces_of(training.model, training.task, "activation0", inputs)
    assert list(spaces) == ["input space", "transformed space", "activated space"]
    figure = plots.spaces(spaces, labels)
    assert [len(part.lines) for part in figure.axes[0].child_axes] == [32, 32, 32]  # 30 grid lines and two classes
    deep = trained("feature-space", **KINDS[-1])
    assert list(spaces_of(deep.model, deep.task, "hidden1", inputs)) == ["input space", "space of hidden1"]
