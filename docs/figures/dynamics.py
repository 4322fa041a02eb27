"""Learning dynamics."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim import lr_scheduler as lr

from figures.entry import entry
from stepwell import ArraySource, Binary, Experiment, Splits, fit, plots
from stepwell.core.devices import seeded
from stepwell.data import whole
from stepwell.data.ball import ball
from stepwell.insight.descent import Trace
from stepwell.insight.gradients import GradientRecorder
from stepwell.insight.layers import LayerStatistics, Statistics, spread_of
from stepwell.insight.plane import Plane
from stepwell.insight.surface import Surface, surface_of
from stepwell.models.schemes import initialise
from stepwell.recipes.line import line
from stepwell.recipes.recipe import load
from stepwell.training.averages import adapted_gradients, beta_of, ewma
from stepwell.training.clipping import clipped
from stepwell.training.range_test import range_test as test_range
from stepwell.training.rates import rates_of

_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "SGD": SGD,
    "Adam": Adam,
    "momentum": partial(SGD, momentum=0.9),
    "Nesterov": partial(SGD, momentum=0.9, nesterov=True),
}


@entry("Godoy 6.14, 6.27, 6.30")
def range_test() -> Figure:
    """A learning-rate range test: the loss falls, and then breaks.

    A hundred steps of the digits' network, each at a larger rate than the last; `stepwell find-rate digits` draws it.
    """
    found = test_range(load("digits").build({}))
    return plots.range_test(
        found.rates, found.losses, found.smoothed, suggestion=found.suggestion, diverged=found.diverged
    )


@entry("Godoy 6.24, 6.25")
def schedules() -> Figure:
    """Schedules, drawn before they run: the rate of each epoch.

    The plateau is told twelve equal losses; its first epoch only sets the best value, so that six are trained at 0.01.
    """
    makers = {
        "StepLR": lambda optimizer: lr.StepLR(optimizer, step_size=4, gamma=0.1),
        "LambdaLR": lambda optimizer: lr.LambdaLR(optimizer, lambda epoch: 0.7**epoch),
        "ReduceLROnPlateau": lambda optimizer: lr.ReduceLROnPlateau(optimizer, patience=4, factor=0.1),
    }
    return plots.rates(
        {name: rates_of(make, epochs=12, losses=[1.0] * 12).rates for name, make in makers.items()},
        per_epoch=1,
        log=True,
    )


@entry("Godoy 6.26")
def cycles() -> Figure:
    """Three kinds of cycles, and one cycle for the whole training."""
    modes = ("triangular", "triangular2", "exp_range")
    makers = {
        mode: lambda optimizer, mode=mode: lr.CyclicLR(optimizer, 1e-4, 1e-3, step_size_up=20, mode=mode, gamma=0.98)
        for mode in modes
    }
    one = {"OneCycleLR": lambda optimizer: lr.OneCycleLR(optimizer, 1e-3, total_steps=120)}
    drawn = {name: rates_of(make, steps=120).rates for name, make in (makers | one).items()}
    return plots.panels({name: lambda ax, r=r: plots.rates({"": r}, ax=ax) for name, r in drawn.items()}, share="both")


@entry("Godoy 6.26")
def momentum_of_a_cycle() -> Figure:
    """A cycle moves the momentum against the rate."""
    drawn = rates_of(lambda optimizer: lr.CyclicLR(optimizer, 0.025, 0.1, step_size_up=10), steps=40)
    return plots.panels(
        {
            "the rate": lambda ax: plots.rates({"": drawn.rates}, ax=ax),
            "the momentum": lambda ax: plots.rates({"": drawn.momenta}, ylabel="momentum", ax=ax),
        }
    )


@entry("Godoy 6.16")
def averages() -> Figure:
    """A moving average starts too low; corrected, it is right from the first value on. Made-up temperatures, 19 periods."""
    days = np.arange(60)
    degrees = torch.from_numpy(8 + 4 * np.sin(days / 9) + np.random.default_rng(0).normal(0, 1.5, 60))
    beta = beta_of(19)
    return plots.function(
        days,
        {"temperature": degrees, "average": ewma(degrees, beta), "corrected": ewma(degrees, beta, corrected=True)},
        xlabel="day",
        ylabel="°C",
    )


@cache
def _adam() -> torch.Tensor:
    """The gradients of the line's weight in ten epochs of Adam."""
    recorder = GradientRecorder()
    fit(_line("Adam"), hooks=[recorder])
    return recorder.gradients["0.weight"].flatten()


def _line(optimizer: str) -> Experiment:
    made = line(order="torch", epochs=10)
    return replace(
        made, optimizer=_OPTIMIZERS[optimizer](made.model.parameters(), lr=0.1), metrics=(), train_metrics=()
    )


@entry("Godoy 6.17")
def adam() -> Figure:
    """What Adam makes of gradients: their average, over the root of the average of their squares.

    The line's weight, in fifty steps.
    """
    gradients, steps = _adam(), np.arange(1, 51)
    averages = {"gradient": gradients, "average": ewma(gradients, 0.9, corrected=True)}
    scale = 1 / (ewma(gradients.square(), 0.999, corrected=True).sqrt() + 1e-8)
    return plots.panels(
        {
            "gradients": lambda ax: plots.function(steps, averages, xlabel="step", ax=ax),
            "factor": lambda ax: plots.function(steps, {"": scale}, xlabel="step", ax=ax),
            "adapted": lambda ax: plots.function(steps, {"": adapted_gradients(gradients)}, xlabel="step", ax=ax),
        }
    )


@cache
def _paths() -> tuple[Surface, dict[str, np.ndarray]]:
    ways = {}
    for name in _OPTIMIZERS:
        made = _line(name)
        rows = whole(made.data.train)
        plane = Plane(made.model, made.task, rows.inputs, rows.targets, "0.bias[0]", "0.weight[0,0]")
        trace = Trace(plane)
        fit(made, hooks=[trace])
        ways[name] = trace.path.points
    return surface_of(plane, span=((-0.2, 2.6), (-0.4, 2.6))), ways


@entry("Godoy 6.18, 6.20, 6.22, 6.28")
def optimizer_paths() -> Figure:
    """The paths of four optimizers over the line's loss, at one learning rate: momentum overshoots, Nesterov's less."""
    bowl, ways = _paths()
    return plots.panels(
        {
            name: lambda ax, name=name: plots.surface(
                bowl.x, bowl.y, bowl.losses, paths={name: ways[name]}, xlabel="bias", ylabel="weight", ax=ax
            )
            for name in ways
        },
        share="both",
    )


def _blocks(activation: type[nn.Module], scheme: str, *, norm: bool = False) -> nn.Sequential:
    """Five hidden layers of 100 units, initialised by a scheme."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    with seeded(11):
        for number in range(1, 6):
            layers[f"h{number}"] = nn.Linear(10 if number == 1 else 100, 100, bias=not norm)
            layers[f"a{number}"] = activation()
            if norm:
                layers[f"n{number}"] = nn.BatchNorm1d(100, affine=False)
        layers["o"] = nn.Linear(100, 1)
    model = nn.Sequential(layers)
    initialise(model, scheme, std=0.1, seed=13)
    return model


def _spread(activation: type[nn.Module], scheme: str, *, norm: bool = False) -> dict[str, dict[str, torch.Tensor]]:
    points, model = ball(), _blocks(activation, scheme, norm=norm)
    x, y = points.x.float(), points.labels.float()[:, None]
    return spread_of(
        model, lambda: nn.functional.binary_cross_entropy_with_logits(model(x), y).backward(), ["h*", "a*"]
    )


@entry("Godoy E.2, E.3")
def vanishing_gradients() -> Figure:
    """Activations that shrink on the way forward, and gradients that vanish on the way back.

    Sigmoids behind weights of a deviation of 0.1: in the first layer the gradients are a thousandth of those in the last.
    """
    spread = _spread(nn.Sigmoid, "normal")
    spread["activations"] = {name: each for name, each in spread["activations"].items() if name.startswith("a")}
    gradients = {name: each.flatten() / spread["gradients"]["h5"].std() for name, each in spread["gradients"].items()}
    return plots.panels(
        {
            "activations": lambda ax: plots.violins(spread["activations"], ylabel="a1 to a5", ax=ax),
            "weights": lambda ax: plots.violins(spread["weights"], ylabel="h1 to h5", ax=ax),
            "gradients": lambda ax: plots.violins(gradients, ylabel="in deviations of h5's", ax=ax),
        }
    )


@entry("Godoy E.4, E.5")
def schemes() -> Figure:
    """Activations of five layers, by how the weights were initialised: a scheme that fits its activation keeps them apart."""
    made = {
        "ReLU, normal of 0.1": _spread(nn.ReLU, "normal"),
        "ReLU, kaiming": _spread(nn.ReLU, "kaiming-uniform"),
        "ReLU, normal of 0.1, norms": _spread(nn.ReLU, "normal", norm=True),
    }
    kept = {
        name: {layer: each for layer, each in spread["activations"].items() if layer.startswith("a")}
        for name, spread in made.items()
    }
    return plots.panels(
        {
            name: lambda ax, layers=layers: plots.violins(layers, ylabel="activations", boxes=True, zeros=True, ax=ax)
            for name, layers in kept.items()
        }
    )


@cache
def _watched() -> Statistics:
    points, model, watch = ball(), _blocks(nn.Sigmoid, "normal"), LayerStatistics("h*")
    data = Splits(train=ArraySource(points.x.float(), points.labels.float()[:, None]))
    adam = Adam(model.parameters(), lr=3e-3)
    fit(
        Experiment(
            data=data, model=model, task=Binary(), optimizer=adam, batch_size=1000, epochs=300, train_metrics=()
        ),
        hooks=[watch],
    )
    return watch.statistics


@entry("Godoy E.2")
def gradients_over_time() -> Figure:
    """The gradients of five layers while they train: a thousandth of the last layer's in the first, until they wake up."""
    watched = _watched()
    return plots.progress(
        watched.over("gradients", "std"), xlabel="step", ylabel="deviation of the gradients", log=True
    )


@entry("Godoy E.7, E.8")
def clipping() -> Figure:
    """Clipping by value turns a gradient, clipping by norm keeps its direction."""
    gradient = torch.tensor([2.5, 0.8])
    arrows = {"gradient": gradient, "by value": clipped(gradient, value=1.0), "by norm": clipped(gradient, norm=1.0)}
    return plots.progress(
        {name: ([0, end[0]], [0, end[1]]) for name, end in arrows.items()},
        xlabel="first number",
        ylabel="second number",
    )
