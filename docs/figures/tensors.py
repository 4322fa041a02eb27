"""Tensors."""

import numpy as np
import torch
from matplotlib.figure import Figure

from figures.entry import entry
from stepwell import plots
from stepwell.models import DigitNet, mlp
from stepwell.models.describe import layers


@entry("Raff 1.4", "Stevens A:999")
def ranks() -> Figure:
    """Ranks: a number, a row, a table, and a row of tables."""
    matrix = torch.arange(1, 9).reshape(4, 2)
    cube = torch.arange(1, 25).reshape(4, 2, 3)
    return plots.tensors({"scalar": 3.14, "vector": [1, 2, 3, 4], "matrix": matrix, "rank 3": cube}, columns=3)


@entry("Raff 1.5")
def slices() -> Figure:
    """Slices: a row, a column, and a part of both."""
    x = np.arange(12).reshape(3, 4)
    row, column, part = (np.zeros_like(x, dtype=bool) for _ in range(3))
    row[1], column[:, 2], part[1:, 1:3] = True, True, True
    picked = {"x[1]": row, "x[:, 2]": column, "x[1:, 1:3]": part}
    return plots.tensors(dict.fromkeys(picked, x), picked=picked)


@entry("Raff 2.3")
def reshaped() -> Figure:
    """Six values in three shapes. Their order stays the same."""
    x = torch.arange(1, 7)
    return plots.tensors({"x": x, "x.reshape(2, 3)": x.reshape(2, 3), "x.reshape(3, 2)": x.reshape(3, 2)}, arrows=True)


@entry("Stevens A:1092, A:1525")
def storage() -> Figure:
    """A tensor is a storage, read with a size, a stride and an offset.

    The small number in a cell is its place in the storage.
    """
    points = torch.tensor([[4, 1], [5, 3], [2, 1]])
    return plots.storage(points, {"points": (points.size(), points.stride())})


@entry("Stevens A:1607, A:1774")
def views() -> Figure:
    """A transposed tensor and a row of it read the same storage in other ways: nothing is copied."""
    points = torch.tensor([[4, 1], [5, 3], [2, 1]])
    views = {"points": points, "points.t()": points.t(), "points[1]": points[1]}
    return plots.storage(
        points, {name: (view.size(), view.stride(), view.storage_offset()) for name, view in views.items()}
    )


@entry("Stevens A:1837")
def contiguous() -> Figure:
    """Made contiguous, the transposed tensor has a storage of its own, in the order of its rows."""
    turned = torch.tensor([[4, 1], [5, 3], [2, 1]]).t().contiguous()
    return plots.storage(turned, {"points.t().contiguous()": (turned.size(), turned.stride())})


@entry("Stevens A:3336")
def broadcasting() -> Figure:
    """Broadcasting: a column and a row are stretched to one shape. What is repeated is dashed."""
    column, row = torch.tensor([[10], [20], [30]]), torch.tensor([[1, 2, 3]])
    return plots.broadcast(column, row, "+")


@entry("Stevens A:2016")
def dispatcher() -> Figure:
    """One function, several kinds of tensors: the dispatcher finds the code for each."""
    backends = ["CPU", "CUDA", "MPS", "sparse CPU", "quantised CPU"]
    return plots.graph(
        [("torch.add(x, y)", "dispatcher"), *(("dispatcher", name) for name in backends)],
        kinds={"torch.add(x, y)": "operation", "dispatcher": "question"} | dict.fromkeys(backends, "result"),
        texts={"dispatcher": "dispatcher:\nwhat kind of tensors?"},
    )


@entry("Stevens A:988")
def representations() -> Figure:
    """A network turns a picture, step by step, into an answer: from pixels over features to one score a class."""
    stages = [("", (1, 1, 8, 8))]
    for layer in layers(DigitNet(), torch.zeros(1, 1, 8, 8)):
        if layer.parameters or layer.kind in ("MaxPool2d", "Flatten"):
            stages.append((layer.kind, layer.shapes[0]))
    return plots.flow(stages)


@entry("Stevens A:4613")
def batch() -> Figure:
    """A batch of three colour pictures becomes three rows of four numbers."""
    model = torch.nn.Sequential(torch.nn.Flatten(), mlp((3 * 28 * 28, 4)))
    pictures = torch.zeros(3, 3, 28, 28)
    return plots.flow([("", tuple(pictures.shape)), ("model", tuple(model(pictures).shape))])
