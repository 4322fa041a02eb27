"""Feature spaces."""

import numpy as np
import torch
from matplotlib.figure import Figure

from figures.entry import entry
from figures.trained import trained
from stepwell import plots
from stepwell.insight.features import after, grid_lines, push, transformed
from stepwell.plots.space import Panel


def _spaces(training, layer: str) -> tuple[dict[str, Panel], np.ndarray]:
    """The rows and their grid in the input space, before and after a layer, with what the model makes of each space."""
    source = training.experiment.data.train
    rows = source.batch(torch.arange(0, len(source), 8), None)
    model, lines = training.model, grid_lines(rows.inputs, margin=0.05)
    seen, pushed = transformed(model, layer, rows.inputs), push(model, layer, lines)
    rest = after(model, layer)
    made = {
        "input space": (rows.inputs, lines, model),
        "transformed": (seen.before, pushed.before, lambda z: rest(dict(model.named_children())[layer](z))),
        "activated": (seen.after, pushed.after, rest),
    }
    return {name: _panel(*each) for name, each in made.items()}, rows.targets[:, 0].numpy()


def _panel(points: torch.Tensor, lines: torch.Tensor, rest) -> Panel:
    low, high = lines.reshape(-1, 2).min(0).values, lines.reshape(-1, 2).max(0).values
    x, y = (torch.linspace(float(a), float(b), 61) for a, b in zip(low, high, strict=True))
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    with torch.no_grad():
        probabilities = torch.sigmoid(rest(grid.reshape(-1, 2))).reshape(61, 61)
    return Panel(points.numpy(), lines.numpy(), x.numpy(), y.numpy(), probabilities.numpy())


@entry("Godoy B.4 to B.9", slow=True)
def sigmoid_space() -> Figure:
    """Two parabolas that no line parts, what a layer makes of them, and the space of its sigmoid, where a line does.

    The grid of the input space is pushed through the layer with the points.
    """
    panels, labels = _spaces(trained("feature-space"), "activation0")
    return plots.spaces(panels, labels)


@entry("Godoy B.11, B.12", slow=True)
def tanh_space() -> Figure:
    """Two layers of two units with tanh: before and after the second activation, the points are almost on a line."""
    panels, labels = _spaces(trained("feature-space", layers="two", activation="tanh"), "activation1")
    return plots.spaces(panels, labels)
