"""Gradient descent."""

from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure

from figures.entry import entry
from stepwell import Regression, plots
from stepwell.data.generators import line, thermometer
from stepwell.insight.descent import descent_path
from stepwell.insight.functions import slopes
from stepwell.insight.plane import Plane
from stepwell.insight.surface import Surface, surface_of
from stepwell.models import Line
from stepwell.training.minimise import minimise

_SPAN = ((-2.0, 4.0), (-1.0, 5.0))


def _parabola(x: torch.Tensor) -> torch.Tensor:
    return (x - 2) ** 2


def _points(scale: str = "as it is") -> tuple[torch.Tensor, torch.Tensor]:
    """The feature and the target of Godoy's 80 training points; the feature as it is, ten times as large, or standardised."""
    data = line()
    x, y = data.x[data.train], data.y[data.train]
    sizes = {"as it is": x, "ten times as large": 10 * x, "standardised": (x - x.mean()) / x.std(correction=0)}
    return sizes[scale], y


@cache
def _bowl(scale: str = "as it is") -> Surface:
    """The loss over b and w, from NumPy's draws at seed 42."""
    b, w = np.random.RandomState(42).randn(2)
    x, y = _points(scale)
    plane = Plane(Line(b, w, dtype=torch.float64), Regression(), x, y, "b", "w")
    return surface_of(plane, span=_SPAN)


def _seconds(at: float, rate: float, along: int, surface: Surface) -> tuple[tuple[float, float], tuple[float, float]]:
    """A point of a cut before and after an update of one parameter, each (value, loss)."""
    start = surface.plane.start
    after = start.clone()
    after[along] -= rate * surface.plane.gradient()[along]
    return tuple((float(point[along]), float(surface.plane.loss(point))) for point in (start, after))  # type: ignore[return-value]


@entry("Raff, plots 1 and 2")
def slope() -> Figure:
    """A function and its slope: where f' crosses zero, f turns."""
    x = torch.linspace(-7, 9, 100)
    f, slope_of_f = slopes(_parabola, x)
    return plots.function(x, {"f": f, "f'": slope_of_f})


@entry("Raff 1.7")
def learning_rates() -> Figure:
    """Learning rates: too small takes many steps, the ideal one a single step, and too large a one leaves the bowl.

    f(x) = (x − 2)² from −3.5, until a step is shorter than 0.00001.
    """
    x = np.linspace(-7, 11, 200)
    rates = {"0.01, small": 0.01, "0.1": 0.1, "0.5, ideal": 0.5, "1.05, diverges": 1.05}
    walks = {name: minimise(_parabola, -3.5, rate=rate, tolerance=1e-5) for name, rate in rates.items()}
    return plots.panels(
        {
            f"rate {name}": lambda ax, walk=walk: plots.descent(x, (x - 2) ** 2, walk.points, walk.values, ax=ax)
            for name, walk in walks.items()
        }
    )


@entry("Raff 1.6")
def descent_chart() -> Figure:
    """Gradient descent as a flow chart."""
    return plots.graph(
        [
            ("start", "gradient"),
            ("gradient", "step"),
            ("step", "small?"),
            ("small?", "gradient", "no"),
            ("small?", "end", "yes"),
        ],
        kinds={"gradient": "gradient", "step": "operation", "small?": "question", "end": "result"},
        texts={
            "start": "choose a start x",
            "gradient": "gradient of f at x",
            "step": "x ← x − rate · gradient",
            "small?": "was the step tiny?",
            "end": "x is the answer",
        },
    )


@entry("Stevens A:3371, A:3417")
def tangents() -> Figure:
    """The gradient at a point says which way to turn a knob, and how far.

    The mean squared error of the thermometer over its slope w, with the other parameter at −17.3.
    """
    reading, celsius = thermometer()
    w = torch.linspace(2, 9, 100, dtype=torch.float64)
    loss, _ = slopes(lambda w: ((0.1 * w * reading - 17.3 - celsius) ** 2).mean(0), w)
    places = torch.tensor([3.0, 5.37, 8.0], dtype=torch.float64)
    _, steepness = slopes(lambda w: ((0.1 * w * reading - 17.3 - celsius) ** 2).mean(0), places)
    return plots.tangents(w, loss, places, steepness, xlabel="w", ylabel="loss")


@entry("Stevens A:3264")
def loss_shapes() -> Figure:
    """The absolute loss has one steepness; the squared loss is steeper the larger the error is."""
    error = torch.linspace(-3, 3, 121)
    losses = {"|error|": torch.abs, "error²": torch.square}
    return plots.panels(
        {
            name: lambda ax, f=f: plots.function(
                error, dict(zip(("loss", "slope"), slopes(f, error), strict=True)), xlabel="error", ax=ax
            )
            for name, f in losses.items()
        },
        share="both",
    )


@entry("Stevens A:3570")
def diverging() -> Figure:
    """Descent that diverges, creeps, or arrives: the same thermometer with the same start, at two rates and two scales.

    Raw readings at rate 0.01 throw the loss beyond any number within eleven updates. At 0.0001 it falls and creeps; with
    readings a tenth as large, 0.01 goes on falling.
    """
    reading, celsius = thermometer()

    def walk(scale: float, rate: float, steps: int) -> torch.Tensor:
        return minimise(
            lambda p: ((p[0] * scale * reading.float() + p[1] - celsius.float()) ** 2).mean(),
            [1.0, 0.0],
            rate=rate,
            steps=steps,
        ).values

    walks = {
        "diverging": {"raw, 0.01": walk(1, 1e-2, 10)},
        "converging": {"raw, 0.0001": walk(1, 1e-4, 100), "tenth, 0.01": walk(0.1, 1e-2, 100)},
    }
    return plots.panels(
        {
            name: lambda ax, these=these: plots.progress(
                {each: (range(len(values)), values) for each, values in these.items()},
                xlabel="update",
                ylabel="squared error, log scale",
                log=True,
                ax=ax,
            )
            for name, these in walks.items()
        },
        size=(3.6, 2.6),
    )


@entry("Godoy 0.4")
def loss_surface() -> Figure:
    """The loss of a line over its two parameters, from the side and from above. Ring: the start; cross: the minimum."""
    bowl = _bowl()
    start, minimum = bowl.start[:2], bowl.minimum[:2]
    return plots.panels(
        {
            "from the side": lambda ax: plots.relief(
                bowl.x, bowl.y, bowl.losses, xlabel="b", ylabel="w", start=start, minimum=minimum, ax=ax
            ),
            "from above": lambda ax: plots.surface(
                bowl.x, bowl.y, bowl.losses, xlabel="b", ylabel="w", start=start, minimum=minimum, ax=ax
            ),
        },
        size=(3.7, 3.2),
    )


@entry("Godoy 0.5, 0.6")
def cross_sections() -> Figure:
    """The surface cut along each parameter through the start, and what is seen there."""
    bowl = _bowl()
    b, w = bowl.start[:2]
    along_w, along_b = bowl.cut("w", at=b), bowl.cut("b", at=w)
    return plots.panels(
        {
            "cut at the start's b": lambda ax: plots.surface(
                bowl.x, bowl.y, bowl.losses, xlabel="b", ylabel="w", start=(b, w), at_x=along_w.at, ax=ax
            ),
            "loss over w": lambda ax: plots.cut(along_w.values, along_w.losses, xlabel="w", ax=ax),
            "cut at the start's w": lambda ax: plots.surface(
                bowl.x, bowl.y, bowl.losses, xlabel="b", ylabel="w", start=(b, w), at_y=along_b.at, ax=ax
            ),
            "loss over b": lambda ax: plots.cut(along_b.values, along_b.losses, xlabel="b", ax=ax),
        },
        size=(3.6, 2.9),
    )


@entry("Godoy 0.7, 0.8")
def geometric_gradient() -> Figure:
    """A gradient by geometry: a step of 0.12, what it does to the loss, and the ratio of both.

    From the grid's point next to the start, b = 0.52 and w = −0.16. Autograd says −1.83 for w and −3.04 for b.
    """
    bowl = _bowl()
    here = torch.tensor(bowl.nearest(*bowl.start[:2])[:2], dtype=torch.float64)

    def zoom(ax, along):
        values = here[along] + torch.linspace(-0.06, 0.2, 27, dtype=torch.float64)
        points = here.repeat(27, 1)
        points[:, along] = values
        before, after = (
            (float(here[along]) + step, float(bowl.plane.loss(here + step * torch.eye(2)[along]))) for step in (0, 0.12)
        )
        return plots.cut(values, bowl.plane.losses(points), xlabel="bw"[along], before=before, after=after, ax=ax)

    return plots.panels({"over w": lambda ax: zoom(ax, 1), "over b": lambda ax: zoom(ax, 0)}, share="y")


@entry("Godoy 0.10, 0.11, 0.12")
def update_sizes() -> Figure:
    """One update of each parameter at learning rates 0.2, 0.8 and 1.1.

    At 0.8, b lands on the other side of its valley; at 1.1 it lands higher than it was, while w is still well: the steepest
    parameter limits the rate.
    """
    bowl = _bowl()
    cuts = {"w": (1, bowl.cut("w", at=bowl.start.x)), "b": (0, bowl.cut("b", at=bowl.start.y))}

    def updated(ax, name, rate):
        along, cut = cuts[name]
        before, after = _seconds(0.0, rate, along, bowl)
        return plots.cut(cut.values, cut.losses, xlabel=name, before=before, after=after, ax=ax)

    return plots.panels(
        {
            f"rate {rate}, {name}": lambda ax, name=name, rate=rate: updated(ax, name, rate)
            for rate in (0.2, 0.8, 1.1)
            for name in cuts
        },
        size=(3.6, 2.3),
    )


@entry("Godoy 0.13, 0.16")
def feature_scales() -> Figure:
    """The same data with the feature as it is, ten times as large, and standardised."""
    sizes = ("as it is", "ten times as large", "standardised")
    return plots.panels(
        {size: lambda ax, size=size: plots.groups({"train": _points(size)}, ax=ax) for size in sizes},
        columns=3,
        size=(2.6, 2.3),
        share="both",
    )


@entry("Godoy 0.14, 0.17")
def bowls_by_scale() -> Figure:
    """What the feature's scale does to the surface: a valley, a gorge, and a round bowl."""
    bowls = {size: _bowl(size) for size in ("as it is", "ten times as large", "standardised")}
    return plots.panels(
        {
            f"{size}: condition {bowl.plane.curvature().condition:.0f}": lambda ax, bowl=bowl: plots.surface(
                bowl.x, bowl.y, bowl.losses, xlabel="b", ylabel="w", minimum=bowl.minimum[:2], ax=ax
            )
            for size, bowl in bowls.items()
        },
        columns=3,
        size=(3.1, 2.9),
    )


@entry("Godoy 0.15")
def cuts_by_scale() -> Figure:
    """The cuts through the start for the feature as it is, ten times as large, and standardised.

    Over b the loss bends as it did; over w it bends a hundred times as much.
    """
    bowls = {size: _bowl(size) for size in ("as it is", "ten times as large", "standardised")}

    def over(ax, name):
        held = "x" if name == "w" else "y"
        cuts = {size: bowl.cut(name, at=getattr(bowl.start, held)) for size, bowl in bowls.items()}
        lines = {size: (cut.values, cut.losses) for size, cut in cuts.items()}
        return plots.progress(lines, xlabel=name, ylabel="loss (logarithmic scale)", log=True, ax=ax)

    return plots.panels(
        {"over b": lambda ax: over(ax, "b"), "over w": lambda ax: over(ax, "w")}, share="y", size=(3.8, 2.9)
    )


@entry("Godoy 0.19", slow=True)
def descent_paths() -> Figure:
    """Three ways down the same surface in 20 epochs at rate 0.1: with all rows a step, with 16, and with one.

    All rows: a smooth way, far from done. One row: near the minimum after the first epoch, and then never still.
    """
    bowl = _bowl()
    sizes = {"batch of 80": 80, "mini-batch of 16": 16, "stochastic, 1": 1}
    ways = {
        name: descent_path(bowl.plane, rate=0.1, batch_size=size, epochs=20).by_epoch for name, size in sizes.items()
    }
    return plots.panels(
        {
            name: lambda ax, way=way: plots.surface(
                bowl.x,
                bowl.y,
                bowl.losses,
                xlabel="b",
                ylabel="w",
                minimum=bowl.minimum[:2],
                paths={"epochs": way},
                ax=ax,
            )
            for name, way in ways.items()
        },
        columns=3,
        size=(3.1, 2.9),
    )


@entry("Raff 2.9")
def four_epochs() -> Figure:
    """Gradient descent and stochastic gradient descent for four epochs: four updates, or twenty of 16 rows each."""
    bowl = _bowl()
    whole, few = (descent_path(bowl.plane, rate=0.2, batch_size=size, epochs=4).points for size in (80, 16))
    return plots.surface(
        bowl.x,
        bowl.y,
        bowl.losses,
        xlabel="b",
        ylabel="w",
        minimum=bowl.minimum[:2],
        paths={"all rows": whole, "16 rows": few},
    )
