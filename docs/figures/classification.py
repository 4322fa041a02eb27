"""Classification."""

from functools import cache
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn import metrics

from figures.entry import entry
from figures.trained import losses, trained
from stepwell import plots
from stepwell.data.generators import moons as half_moons
from stepwell.insight.separability import separation
from stepwell.models import mlp

_CLASSES = ("upper", "lower")


def _rows(side: str) -> tuple[np.ndarray, np.ndarray]:
    """Godoy's moons, standardised: inputs and labels of training or validation."""
    source = getattr(trained("moons").experiment.data, side)
    batch = source.batch(torch.arange(len(source)), None)
    return batch.inputs.numpy(), batch.targets.numpy()[:, 0].astype(int)


@cache
def _plane(points: int = 101) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The moons' model over a grid: both axes, and its logits."""
    x = y = np.linspace(-2.3, 2.3, points)
    grid = torch.tensor(np.stack(np.meshgrid(x, y), axis=-1), dtype=torch.float32)
    with torch.no_grad():
        return x, y, trained("moons").model(grid)[..., 0].numpy()


@cache
def _judged() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truth of the twenty validation rows."""
    inputs, labels = _rows("val")
    with torch.no_grad():
        return torch.sigmoid(trained("moons").model(torch.tensor(inputs)))[:, 0].numpy(), labels


def _rates(threshold: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The point of a threshold on both curves: (false, true positive rate) and (recall, precision)."""
    probabilities, labels = _judged()
    called = probabilities >= threshold
    true, false = (called & (labels == 1)).sum(), (called & (labels == 0)).sum()
    recall = true / (labels == 1).sum()
    return (false / (labels == 0).sum(), recall), (recall, true / called.sum() if called.any() else 1.0)


def _ranked(scores: np.ndarray, mark: float | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """ROC and precision-recall curve of scores of the validation rows, with their areas by the trapezoid rule."""
    _, labels = _judged()
    false, true, _ = metrics.roc_curve(labels, scores)
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    at = (None, None) if mark is None else _rates(mark)
    roc = {"fpr": false, "tpr": true, "area": metrics.auc(false, true), "mark": at[0]}
    area = metrics.auc(recall, precision)
    return roc, {"precision": precision, "recall": recall, "area": area, "share": labels.mean(), "mark": at[1]}


@entry("Godoy 3.1")
def moons() -> Figure:
    """Two half-moons, standardised: 80 rows train and 20 validate."""
    return plots.panels(
        {
            "training": lambda ax: plots.scatter(*_rows("train"), classes=_CLASSES, ax=ax),
            "validation": lambda ax: plots.scatter(*_rows("val"), classes=_CLASSES, ax=ax),
        },
        share="both",
        size=(3.2, 2.9),
    )


@entry("Raff, plot 9")
def clean_moons() -> Figure:
    """Raff's moons: 200 points with little noise."""
    data = half_moons(200, noise=0.05)
    return plots.scatter(data.x, data.labels, classes=_CLASSES)


@entry("Godoy 3.2")
def odds() -> Figure:
    """The odds of a probability, on a linear and on a logarithmic scale: only the logarithm treats both classes alike."""
    p = np.linspace(0.01, 0.99, 99)
    marks = {"p = 0.75, odds 3": (0.75, 3.0), "p = 0.25, odds ⅓": (0.25, 1 / 3)}
    return plots.panels(
        {
            scale: lambda ax, log=log: plots.function(
                p, {"odds": p / (1 - p)}, xlabel="probability", log=log, marks=marks if log else {}, ax=ax
            )
            for scale, log in {"linear": False, "logarithmic": True}.items()
        },
        size=(3.6, 2.6),
    )


@entry("Godoy 3.3, 3.4")
def log_odds() -> Figure:
    """The log odds of a probability, and back: the sigmoid."""
    p, z = np.linspace(0.01, 0.99, 99), np.linspace(-5, 5, 101)
    logits = {"p = 0.75": (0.75, np.log(3)), "p = 0.25": (0.25, -np.log(3))}
    return plots.panels(
        {
            "log odds": lambda ax: plots.function(
                p, {"": np.log(p / (1 - p))}, xlabel="probability", marks=logits, ax=ax
            ),
            "sigmoid": lambda ax: plots.function(
                z,
                {"": 1 / (1 + np.exp(-z))},
                xlabel="log odds",
                marks={name: (logit, p) for name, (p, logit) in logits.items()},
                ax=ax,
            ),
        },
        size=(3.4, 2.5),
    )


@entry("Godoy 3.6", slow=True)
def moons_losses() -> Figure:
    """Losses of logistic regression: here the validation rows are the easier ones."""
    return plots.curves(range(1, 101), losses(trained("moons")), ylabel="binary cross-entropy")


@entry("Godoy 3.7, 3.8", slow=True)
def boundary() -> Figure:
    """A logistic regression of the moons: its logits, the probability as a hill, and the line where that is one half."""
    x, y, logits = _plane()
    probability = 1 / (1 + np.exp(-logits))
    return plots.panels(
        {
            "logits": lambda ax: plots.surface(x, y, logits, xlabel="x₁", ylabel="x₂", title="", even=True, ax=ax),
            "probability": lambda ax: plots.relief(x, y, probability, xlabel="x₁", ylabel="x₂", title="", ax=ax),
            "training rows": lambda ax: plots.regions(
                x, y, probability, points=_rows("train")[0], labels=_rows("train")[1], ax=ax
            ),
            "validation rows": lambda ax: plots.regions(
                x, y, probability, points=_rows("val")[0], labels=_rows("val")[1], ax=ax
            ),
        },
        size=(3.4, 3.0),
    )


@entry("Godoy, chapter 3, unnumbered")
def separable() -> Figure:
    """Ten points that no point on their line parts; with the squares as a second feature, a straight line parts them.

    The book prints no coordinates; these are made up. The line is the one of the largest margin.
    """
    x = np.array([-2.8, -2.2, -1.8, -0.5, 0.2, 0.6, 1.5, 2.0, 2.4, 2.9])
    labels = (np.abs(x) < 1).astype(int)
    found = separation(np.stack([x, x**2], axis=1), labels)
    ends = np.array([-3.0, 3.0])
    parted = -(found.bias + found.weight[0] * ends) / found.weight[1]
    return plots.panels(
        {
            "one feature": lambda ax: plots.number_line(x, labels, classes=("red", "blue"), ax=ax),
            "and its square": lambda ax: plots.groups(
                {name: (x[labels == n], x[labels == n] ** 2) for n, name in enumerate(("red", "blue"))},
                lines={"": (ends, parted)},
                ylabel="x²",
                ax=ax,
            ),
        },
        size=(3.4, 2.4),
    )


@entry("Godoy 3.9", slow=True)
def threshold() -> Figure:
    """A threshold calls probabilities positive: the fill is what is true, the edge what is said."""
    x, y, logits = _plane()
    probabilities, labels = _judged()
    return plots.panels(
        {
            "validation rows": lambda ax: plots.regions(
                x, y, 1 / (1 + np.exp(-logits)), points=_rows("val")[0], labels=labels, ax=ax
            ),
            "their probabilities": lambda ax: plots.probability_line(probabilities, labels, classes=_CLASSES, ax=ax),
        },
        size=(3.6, 2.8),
    )


@entry("Godoy 3.10, 3.11", slow=True)
def split_line() -> Figure:
    """The four kinds of answers at the threshold 0.5: true and false negatives, false and true positives."""
    probabilities, labels = _judged()
    return plots.probability_line(probabilities, labels, split=True, classes=_CLASSES)


@entry("Godoy 3.13, 3.15, 3.19", slow=True)
def thresholds() -> Figure:
    """Other thresholds make other mistakes."""
    probabilities, labels = _judged()
    return plots.probability_line(probabilities, labels, thresholds=(0.3, 0.5, 0.7), split=True, classes=_CLASSES)


@entry("Godoy 3.19", slow=True)
def precision_quirk() -> Figure:
    """Raising the threshold may lower the precision: between 0.40 and 0.50, a true positive is lost first."""
    probabilities, labels = _judged()
    return plots.probability_line(probabilities, labels, thresholds=(0.4, 0.5, 0.57), classes=_CLASSES)


@entry("Godoy 3.12, 3.14, 3.16", slow=True)
def few_thresholds() -> Figure:
    """One, two and three thresholds are points of the ROC curve and of the curve of precision and recall."""
    points = {str(each): _rates(each) for each in (0.5, 0.3, 0.7)}
    return plots.panels(
        {
            "ROC": lambda ax: plots.words(
                list(points),
                *zip(*(roc for roc, _ in points.values()), strict=True),
                xlabel="false positive rate",
                ylabel="true positive rate",
                ax=ax,
            ),
            "precision and recall": lambda ax: plots.words(
                list(points),
                *zip(*(curve for _, curve in points.values()), strict=True),
                xlabel="recall",
                ylabel="precision",
                ax=ax,
            ),
        },
        size=(3.4, 3.0),
    )


@entry("Godoy 3.17", slow=True)
def eleven_thresholds() -> Figure:
    """Eleven thresholds draw both curves roughly."""
    found = [_rates(each) for each in np.linspace(0, 1, 11)]
    return plots.panels(
        {
            "ROC": lambda ax: plots.roc(*zip(*(roc for roc, _ in found), strict=True), ax=ax),
            "precision and recall": lambda ax: plots.precision_recall(
                *list(zip(*(curve for _, curve in found), strict=True))[::-1], ax=ax
            ),
        },
        size=(3.2, 3.2),
    )


@entry("Godoy 3.18", slow=True)
def all_thresholds() -> Figure:
    """Every threshold that changes an answer: both curves in full, with the point of 0.5."""
    roc, found = _ranked(_judged()[0], mark=0.5)
    return plots.panels(
        {
            "ROC": lambda ax: plots.roc(**roc, ax=ax),
            "precision and recall": lambda ax: plots.precision_recall(**found, ax=ax),
        },
        size=(3.2, 3.2),
    )


@entry("Godoy 3.20", slow=True)
def perfect_scores() -> Figure:
    """Perfect scores: both curves are squares."""
    roc, found = _ranked(_judged()[1].astype(float))
    return plots.panels(
        {
            "ROC": lambda ax: plots.roc(**roc, ax=ax),
            "precision and recall": lambda ax: plots.precision_recall(**found, ax=ax),
        },
        size=(3.2, 3.2),
    )


@entry("Godoy 3.21", slow=True)
def random_scores() -> Figure:
    """Random scores: the curves hover about what guessing reaches (dashed)."""
    roc, found = _ranked(np.random.RandomState(39).rand(20))
    return plots.panels(
        {
            "ROC": lambda ax: plots.roc(**roc, ax=ax),
            "precision and recall": lambda ax: plots.precision_recall(**found, ax=ax),
        },
        size=(3.2, 3.2),
    )


@entry("Raff, plots 10 and 11", slow=True)
def soft_regions() -> Figure:
    """What logistic regression and a network of two hidden layers make of the plane.

    Batches of 8 at rate 0.1 for 100 epochs; the book takes single rows at 0.001, for 50 and for 250.
    """
    data = half_moons(200, noise=0.05)
    x, y = np.linspace(-1.6, 2.6, 81), np.linspace(-1.1, 1.6, 81)
    grid = torch.tensor(np.stack(np.meshgrid(x, y), axis=-1), dtype=torch.float32)

    def says(layers: int) -> np.ndarray:
        settings = {"points": 200, "val_points": 0, "noise": 0.05, "learning_rate": 0.1, "batch_size": 8}
        training = trained("moons-softmax", layers=layers, epochs=100, **settings)
        return training.model(grid).softmax(-1)[..., 1].detach().numpy()

    return plots.panels(
        {
            name: lambda ax, layers=layers: plots.regions(
                x, y, says(layers), points=data.x, labels=data.labels, classes=_CLASSES, ax=ax
            )
            for name, layers in {"one linear layer": 0, "two hidden layers": 2}.items()
        },
        size=(3.5, 3.0),
    )


@entry("Raff, plots 12 and 13", slow=True)
def loaded_model() -> Figure:
    """A new model knows nothing; with saved weights loaded into it, it is the trained one.

    Trained in batches of 8 at rate 0.008 for 20 epochs; the book takes single rows at 0.001 for 5.
    """
    training = trained("moons-softmax", metrics=True, batch_size=8, learning_rate=8e-3, epochs=20)
    data = half_moons(200, noise=0.4, seed=1)
    x, y = np.linspace(-2.4, 3.4, 81), np.linspace(-2, 2.4, 81)
    grid = torch.tensor(np.stack(np.meshgrid(x, y), axis=-1), dtype=torch.float32)
    torch.manual_seed(0)
    initial, loaded = (mlp((2, 30, 30, 2), activation=torch.nn.Tanh) for _ in range(2))
    loaded.load_state_dict(training.model.state_dict())
    models = {"initial model": initial, "loaded model": loaded}
    seen = {name: model(grid).softmax(-1)[..., 1].detach().numpy() for name, model in models.items()}
    return plots.panels(
        {
            name: lambda ax, found=found: plots.regions(x, y, found, points=data.x, labels=data.labels, ax=ax)
            for name, found in seen.items()
        },
        size=(3.5, 3.0),
    )


@entry("Raff 2.8")
def cross_entropy() -> Figure:
    """Cross-entropy compares two distributions: a model that says chicken of what is almost surely a turkey loses 1.16."""
    return plots.distributions(["chicken", "turkey"], {"truth p": [0.05, 0.95], "prediction q": [0.7, 0.3]})


@entry("Raff, row S-22")
def softmax() -> Figure:
    """Softmax turns scores into probabilities, and signs into small and large."""
    scores = {"of (3, 4, 1)": [3.0, 4.0, 1.0], "of (−3, −4, −1)": [-3.0, -4.0, -1.0]}
    return plots.distributions(
        ["first", "second", "third"], {name: torch.tensor(each).softmax(0) for name, each in scores.items()}
    )


@entry("Stevens A:5649 (announced there)")
def negative_log_likelihood() -> Figure:
    """The negative log likelihood punishes what was thought impossible without limit."""
    p = np.linspace(0.005, 1, 200)
    return plots.function(p, {"−log p": -np.log(p)}, xlabel="predicted probability of the true class", ylabel="loss")
