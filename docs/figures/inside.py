"""Inside networks for images."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mode
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from figures.entry import data_path, entry
from figures.trained import trained
from stepwell import plots
from stepwell.core.devices import seeded
from stepwell.data import read_picture
from stepwell.data.images.idx import FASHION, read_idx
from stepwell.data.lines import line_images
from stepwell.insight.classes import probabilities_of
from stepwell.insight.confused import disagreements, examples, most_confused, similar_pictures
from stepwell.insight.convolution import layer_costs
from stepwell.insight.filters import apply_kernel, feature_maps, filters_of
from stepwell.insight.gradcam import grad_cam
from stepwell.insight.occlusion import occlusion
from stepwell.insight.receptive import effective_field, seen_by
from stepwell.insight.saliency import saliency
from stepwell.insight.translation import translation_probe
from stepwell.models import DESIGNS, FromPixels
from stepwell.models.raff import raff_cnn, raff_pooled_cnn
from stepwell.plots.confused import Row

_CLOTHES = "fashion-mnist"
_TRAINED = 12_000


@cache
def _clothes() -> tuple[Tensor, Tensor]:
    """Fashion-MNIST: bytes and labels, the first 60,000 those of the training."""
    found = read_idx(data_path(_CLOTHES))
    return found.images, found.labels


@cache
def _network(pooled: bool = True) -> nn.Module:
    """One of Raff's networks after an epoch of 12,000 clothes."""
    images, labels = (each[:_TRAINED] for each in _clothes())
    with seeded(0):
        model = FromPixels((raff_pooled_cnn if pooled else raff_cnn)(), (0.286,), (0.353,))
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        for rows in torch.randperm(_TRAINED).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model.eval()


@cache
def _judged() -> tuple[Tensor, Tensor, Tensor]:
    """2,000 test clothes, what they are, and the probabilities that the pooled network gives."""
    images, labels = (each[60_000:62_000] for each in _clothes())
    return images, labels, probabilities_of(_network(), images)


@entry("Raff, chapter 3; Stevens, chapter 8", needs="images/bobby.jpg")
def kernels() -> Figure:
    """What kernels made by hand do to a picture: blur it, find its edges, only the level ones, or only the upright ones."""
    grey = read_picture(data_path("images/bobby.jpg"), size=(120, 160)).float().mean(dim=0) / 255
    names = ("identity", "blur", "sharpen", "edge", "horizontal edge", "vertical edge")
    return plots.images(torch.stack([apply_kernel(grey, name).clamp(0, 1) for name in names]).numpy(), names, columns=3)


@entry("Godoy, chapter 5", slow=True)
def line_network() -> Figure:
    """The first ten validation lines in every layer of Godoy's network: pictures 7 and 9 lose their line after the ReLU."""
    training = trained("lines")
    lines = training.experiment.data.val.batch(torch.arange(10), None).inputs
    found = feature_maps(training.model.net, training.model.normalised(lines))
    shown = {"lines": lines[:, 0]} | {each.name: each.values[:, 0] for each in found if each.values.dim() == 4}
    return plots.feature_maps({name: values.numpy() for name, values in shown.items()})


@entry("Godoy, chapter 5", slow=True)
def line_filter() -> Figure:
    """The one filter of that network, which erases the diagonals that fall to the right."""
    return plots.filters(filters_of(trained("lines").model).weights.numpy())


@entry(needs=_CLOTHES, slow=True)
def learned_filters() -> Figure:
    """The first filters of a network for clothes: above zero blue, below orange."""
    return plots.filters(filters_of(_network()).weights.numpy())


@entry(needs=_CLOTHES, slow=True)
def layer_by_layer() -> Figure:
    """A picture on its way through a network: a row is a layer, a square one of its maps."""
    picture = _clothes()[0][60_000:60_001]
    found = feature_maps(_network().net, _network().normalised(picture), [nn.Tanh, nn.MaxPool2d, nn.Linear])
    return plots.feature_maps({f"{each.kind} {each.name}": each.values[0].numpy() for each in found}, most=8)


@entry(needs=_CLOTHES, slow=True)
def where_it_looks() -> Figure:
    """Four of its worst mistakes: where the last convolution, squares that cover, and single pixels place the wrong answer."""
    images, labels, said = _judged()
    worst = disagreements(said, labels, 4)
    maps = {"Grad-CAM": grad_cam, "occlusion": occlusion, "gradient": saliency}
    found = {name: explain(_network(), images[worst]).values.numpy() for name, explain in maps.items()}
    return plots.panels(
        {
            f"{FASHION[labels[row]]} taken for {FASHION[said[row].argmax()]}": lambda ax, place=place: plots.overlays(
                images[worst[place]].numpy(), {name: values[place] for name, values in found.items()}, ax=ax
            )
            for place, row in enumerate(worst.tolist())
        },
        size=(4.4, 1.5),
    )


@entry(needs=_CLOTHES, slow=True)
def confused() -> Figure:
    """The classes that are taken for each other most, and what the network was taught that looks like the first to it."""
    images, labels, said = _judged()
    matrix = torch.zeros(10, 10).index_put_((labels, said.argmax(dim=1)), torch.ones(len(labels)), accumulate=True)
    rows = []
    for pair in most_confused(matrix, 4):
        wrong = examples(said, labels, pair, 3)
        near = similar_pictures(_network(), images[wrong[:1]], _clothes()[0][:_TRAINED], 3).rows[0]
        title = f"{FASHION[pair.true]}\ntaken for {FASHION[pair.predicted]}\n{pair.rows} rows, {pair.share:.0%}"
        rows.append(Row(title, images[wrong].numpy(), _clothes()[0][near].numpy()))
    return plots.confused(rows, headings=("the surest mistakes", "nearest in training"))


@entry("Raff, chapter 3", needs=_CLOTHES, slow=True)
def moved() -> Figure:
    """The probability of the true class when 200 clothes are moved by up to three pixels: pooling makes it fall less."""
    images, labels, _ = _judged()
    models = {"one convolution": _network(False), "six, and two poolings": _network()}
    probe = translation_probe(models, images[:200], labels[:200], reach=3)
    offsets = [f"{offset:+d}".replace("-", "−") for offset in probe.offsets]
    return plots.panels(
        {
            name: lambda ax, p=p: plots.heat(
                p.mean(dim=0).numpy(), rows=offsets, columns=offsets, xlabel="right", ylabel="down", ax=ax
            )
            for name, p in probe.probabilities.items()
        },
        size=(4.2, 3.3),
    )


@entry("Stevens, chapter 8")
def receptive_field() -> Figure:
    """What a unit sees behind a convolution, a pooling and a convolution: 8 × 8 pixels, at the padded corner 7 × 7.

    The boxes are calculated; the shades are measured, as mean gradients of a network that was not trained.
    """
    with seeded(0):
        model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(16, 8, 3))
    units = {"inside": (6, 6), "corner": (0, 0)}
    found = {name: effective_field(model, (1, 24, 24), at=at).strength for name, at in units.items()}
    return plots.field(
        np.maximum(found["inside"], found["corner"]), {name: seen_by(model, (24, 24), at) for name, at in units.items()}
    )


@entry("Godoy, chapter 5")
def shapes() -> Figure:
    """What a network for lines makes of their size, with each layer's multiply-adds."""
    costs = layer_costs(trained("lines", epochs=1).model.net, line_images(10, 1).images.float())
    names = ["lines", *(cost.name for cost in costs)]
    shapes = ["1 × 10 × 10", *(" × ".join(map(str, cost.shape)) for cost in costs)]
    return plots.graph(
        [
            (start, end, f"{cost.name}: {cost.multiply_adds:,}")
            for (start, end), cost in zip(pairwise(names), costs, strict=True)
        ],
        kinds=dict.fromkeys(names[1:-1], "layer") | {names[0]: "data", names[-1]: "result"},
        texts=dict(zip(names, shapes, strict=True)),
    )


@entry("Stevens, figure 8.13")
def eight_designs() -> Figure:
    """What designs of a network for birds and airplanes reach, on the rows that trained it and on others.

    Means and standard errors over three seeds (two of `deep`, whose epochs take six minutes), as `benchmarks/cifar2_designs.py`
    measured them. All start from the same footing: the gap between both sides, written at the right, tells a regularised design
    from one that remembers. A hundred blocks have hardly begun to learn when the others are nearly done.
    """
    rows = json.loads((Path(__file__).parents[2] / "benchmarks/results/cifar2_designs.json").read_text())["rows"]
    epochs = mode(row["epochs"] for row in rows)
    measured = [row for row in rows if row["epochs"] == epochs]
    scores = {name: [_of(measured, name, side) for side in ("train", "val")] for name in DESIGNS}
    return plots.designs({name: sides for name, sides in scores.items() if all(sides)}, xlabel=f"after {epochs} epochs")


def _of(rows: list[dict[str, Any]], design: str, side: str) -> list[float]:
    """The accuracies of a design on a side, one a seed."""
    return [row[f"{side}_accuracy"] for row in rows if row["design"] == design]
