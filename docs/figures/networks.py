"""Graphs and networks."""

from itertools import pairwise

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from figures.entry import entry
from figures.trained import trained
from stepwell import plots
from stepwell.data.generators import line, thermometer
from stepwell.insight.backward import backward_graph
from stepwell.insight.functions import slopes
from stepwell.insight.graph import record
from stepwell.models.activations import ACTIVATIONS
from stepwell.models.describe import layers


@entry("Raff 1.1")
def fields() -> Figure:
    """Deep learning is a part of machine learning, which is a part of artificial intelligence."""
    return plots.nested(
        [
            ("Artificial intelligence", "machines that do what seems to take a mind"),
            ("Machine learning", "rules that are found from examples"),
            ("Deep learning", "many layers, trained by gradient descent"),
        ]
    )


@entry("Raff 1.2")
def blocks() -> Figure:
    """Blocks for kinds of data: what fits a picture, a text and both together."""
    arrows = [
        ("picture", "convolutions"),
        ("text", "words"),
        ("words", "recurrent layer"),
        ("video", "convolutions"),
        ("convolutions", "recurrent layer", "picture by\npicture"),
        ("convolutions", "linear layers"),
        ("recurrent layer", "linear layers"),
        ("linear layers", "answer"),
    ]
    kinds = dict.fromkeys(("convolutions", "words", "recurrent layer", "linear layers"), "layer")
    return plots.graph(arrows, kinds=kinds | {"answer": "result"}, texts={"words": "embedding"})


@entry("Raff 1.3")
def parts() -> Figure:
    """Parts that can be exchanged, as those of a car can: each does one thing, and the others do not ask how."""
    arrows = [
        ("data", "model", "batches"),
        ("model", "loss", "predictions"),
        ("loss", "optimizer", "gradients"),
        ("optimizer", "model", "updates"),
    ]
    kinds = {"data": "data", "model": "layer", "loss": "loss", "optimizer": "operation"}
    texts = {
        "data": "data\npictures, tables, texts",
        "model": "model\nlinear, convolutional, …",
        "loss": "loss\nMSE, cross-entropy, …",
        "optimizer": "optimizer\nSGD, Adam, …",
    }
    return plots.graph(arrows, kinds=kinds, texts=texts)


@entry("Godoy 1.1, 1.8; Raff 2.5; Stevens A:4362")
def three_layers() -> Figure:
    """A line is a network of one neuron; a layer between inputs and output makes it a network of three layers."""
    return plots.panels(
        {
            "one neuron": lambda ax: plots.network([["x"], ["ŷ"]], names=["input", "output"], ax=ax),
            "3, 4 and 1": lambda ax: plots.network(
                [["x₁", "x₂", "x₃"], 4, ["ŷ"]], names=["input", "hidden", "output"], ax=ax
            ),
        }
    )


@entry("Raff 2.6; Stevens A:4342")
def neuron() -> Figure:
    """A neuron with its numbers: tanh(2 · x + 6) of x = −2.79.

    The graph is the recorded function's, and each box has the value that came out.
    """
    recorded = record(lambda x, w, b: torch.tanh(w * x + b))
    values = recorded.values(torch.tensor(-2.79), torch.tensor(2.0), torch.tensor(6.0))
    arrows = [(source, step.name) for step in recorded.operations for source in step.inputs]
    kinds = {"x": "data", "w": "parameter", "b": "parameter"} | {step.name: "operation" for step in recorded.operations}
    texts = {name: f"{name}\n{float(value):.3g}".replace("-", "−") for name, value in values.items()}
    return plots.graph(arrows, kinds=kinds, texts=texts, across=True)


@entry("Raff 2.4")
def model_box() -> Figure:
    """A model is a box: an input and parameters go in, a prediction comes out. The loss compares it with the truth."""
    return plots.graph(
        [("x", "f"), ("Θ", "f"), ("f", "ŷ"), ("ŷ", "ℓ"), ("y", "ℓ")],
        kinds={"x": "data", "Θ": "parameter", "f": "layer", "ŷ": "result", "y": "data", "ℓ": "loss"},
        texts={
            "x": "input x",
            "Θ": "parameters Θ",
            "f": "model f(x; Θ)",
            "ŷ": "prediction ŷ",
            "y": "truth y",
            "ℓ": "loss ℓ(y, ŷ)",
        },
        across=True,
    )


@entry("Raff 2.7")
def sequential() -> Figure:
    """A network and its layers, as `nn.Sequential` has them, with the shape of what each gives for a batch of 16."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    named = [
        (layer.name, f"{layer.kind}\n{layer.parameters} parameters") for layer in layers(model, torch.zeros(16, 3))
    ]
    shapes = [" × ".join(map(str, layer.shapes[0])) for layer in layers(model, torch.zeros(16, 3))]
    names = ["input", *(name for name, _ in named), "output"]
    return plots.graph(
        [(start, end, shape) for (start, end), shape in zip(pairwise(names), ["16 × 3", *shapes], strict=True)],
        kinds=dict.fromkeys(names[1:-1], "layer"),
        texts=dict(named),
        across=True,
    )


@entry("Godoy 1.5")
def backward_line() -> Figure:
    """What autograd wrote down while a line's predictions were computed: the way back to both parameters."""
    b, w = (torch.randn(1, requires_grad=True) for _ in range(2))
    found = backward_graph(b + w * line().x[:80].float(), {"b": b, "w": w})
    return plots.graph(found.arrows, kinds=found.kinds, texts=found.texts)


@entry("Godoy 1.6")
def backward_frozen() -> Figure:
    """The same where b needs no gradient: its box is gone."""
    b, w = torch.randn(1), torch.randn(1, requires_grad=True)
    found = backward_graph(b + w * line().x[:80].float(), {"w": w})
    return plots.graph(found.arrows, kinds=found.kinds, texts=found.texts)


@entry("Godoy 1.7")
def backward_branch() -> Figure:
    """A computation may branch: where the loss is above 0, a second error is added, and the graph knows it."""
    data = line()
    b, w = (torch.randn(1, requires_grad=True) for _ in range(2))
    error = b + w * data.x.float() - data.y.float()
    loss = (error**2).mean()
    loss = loss + (4 * error).mean() if loss > 0 else loss
    found = backward_graph(loss, {"b": b, "w": w})
    return plots.graph(found.arrows, kinds=found.kinds, texts=found.texts)


@entry("Stevens A:3817")
def forward_backward() -> Figure:
    """Forward, values are computed; backward, autograd multiplies the slopes of the same steps.

    The thermometer's line at w = 1 and b = 0: the gradient of the loss is 4,517.3 for w and 82.6 for b.
    """
    reading, celsius = (column.float() for column in thermometer())
    w, b = torch.tensor(1.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    predicted = w * reading + b
    predicted.retain_grad()
    loss = ((predicted - celsius) ** 2).mean()
    loss.backward()
    texts = {
        "t": "reading t",
        "w": f"w = 1\ngradient {w.grad:,.1f}",
        "b": f"b = 0\ngradient {b.grad:,.1f}",
        "p": "w · t + b",
        "loss": f"loss {loss:,.1f}",
        "dp": f"∂loss/∂p\nmean {predicted.grad.mean():.2f}",
    }
    kinds = {"t": "data", "w": "parameter", "b": "parameter", "p": "operation", "loss": "loss", "dp": "gradient"}
    return plots.graph(
        [("t", "p"), ("w", "p"), ("b", "p"), ("p", "loss"), ("loss", "dp"), ("dp", "w", "× t"), ("dp", "b", "× 1")],
        kinds=kinds,
        texts=texts,
    )


@entry("Stevens A:3936")
def optimizer() -> Figure:
    """An optimizer holds the very parameters that the model computes with, and moves them by their gradients."""
    return plots.graph(
        [
            ("input", "model"),
            ("parameters", "model"),
            ("model", "loss"),
            ("loss", "gradients", "backward()"),
            ("gradients", "optimizer"),
            ("optimizer", "parameters", "step()"),
        ],
        kinds={
            "input": "data",
            "parameters": "parameter",
            "model": "layer",
            "loss": "loss",
            "gradients": "gradient",
            "optimizer": "operation",
        },
    )


@entry("Stevens A:4231")
def two_losses() -> Figure:
    """Two losses share the parameters, but only the training loss sends gradients back to them."""
    return plots.graph(
        [
            ("training rows", "model 1"),
            ("parameters", "model 1"),
            ("parameters", "model 2"),
            ("validation rows", "model 2"),
            ("model 1", "training loss"),
            ("model 2", "validation loss", "no gradient"),
            ("training loss", "parameters", "gradients"),
        ],
        kinds={"parameters": "parameter", "training loss": "loss", "validation loss": "result"}
        | dict.fromkeys(("model 1", "model 2"), "layer"),
        texts={"model 1": "model", "model 2": "the same model"},
    )


@entry("Raff, plot 7; Raff's overview; Stevens A:4415; Godoy 3.4")
def activations() -> Figure:
    """Activations and their slopes. Where a slope is near zero, little is learned."""
    x = torch.linspace(-4, 4, 201)
    with torch.no_grad():
        made = {"identity": nn.Identity()} | {name: make() for name, make in ACTIVATIONS.items()}
    return plots.panels(
        {
            name: lambda ax, f=f: plots.function(x, dict(zip(("f", "f'"), slopes(f, x), strict=True)), ax=ax)
            for name, f in made.items()
        },
        columns=4,
        size=(2.2, 1.9),
        share="both",
    )


@entry("Stevens A:4389")
def squashed() -> Figure:
    """Tanh tells likely from unlikely: what is far from the middle is almost sure, and only the middle is open."""
    x = torch.linspace(-4, 4, 201)
    seen = {"truck −2.2": -2.2, "bear 0.1": 0.1, "dog 2.5": 2.5}
    return plots.function(
        x,
        {"tanh": torch.tanh(x)},
        xlabel="score: how much like a dog",
        marks={f"{name} → {np.tanh(at):.2f}".replace("-", "−"): (at, float(np.tanh(at))) for name, at in seen.items()},
    )


@entry("Stevens A:4453")
def tanh_sums() -> Figure:
    """Four neurons, their sums, one put into another, and the sum of those: a few bends make many.

    The weights are chosen by hand.
    """
    x = torch.linspace(-5, 5, 301)
    a, b = torch.tanh(-2 * x - 1.5), torch.tanh(x + 3)
    neurons = {"C": lambda z: torch.tanh(4 * z - 2), "D": lambda z: torch.tanh(-3 * z + 4)}
    c, d = (neuron(x) for neuron in neurons.values())
    both = neurons["C"](a + b), neurons["D"](a + b)
    shown = {"A": a, "B": b, "A + B": a + b, "C": c, "D": d, "C + D": c + d, "C(A + B)": both[0], "D(A + B)": both[1]}
    shown["C(A + B) + D(A + B)"] = both[0] + both[1]
    return plots.panels(
        {name: lambda ax, y=y: plots.function(x, {"": y}, ax=ax) for name, y in shown.items()},
        columns=3,
        size=(2.3, 1.7),
        share="both",
    )


@entry("Raff's overview 1.19")
def convolutional() -> Figure:
    """The overview's network for 28 × 28 digits, 300,426 parameters, as a batch of one goes through it."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.1)),
        *(nn.Flatten(), nn.Linear(4608, 64), nn.ReLU(), nn.Dropout(0.25), nn.Linear(64, 10)),
    )
    changing = ("Conv2d", "MaxPool2d", "Flatten", "Linear")
    found = [layer for layer in layers(model, torch.zeros(1, 1, 28, 28)) if layer.kind in changing]
    return plots.flow([("", (1, 1, 28, 28)), *((layer.kind, layer.shapes[0]) for layer in found)])


@entry(slow=True)
def weights() -> Figure:
    """What a network of five hidden units learned of the two moons: thick lines are large weights, dashed ones negative."""
    model = trained("moons", hidden=5).model
    return plots.network(
        [["x₁", "x₂"], 5, ["logit"]],
        names=["input", "hidden, ReLU", "output"],
        weights=[layer.weight.detach() for layer in model if isinstance(layer, nn.Linear)],
    )
