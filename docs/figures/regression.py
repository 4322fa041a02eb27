"""Lines and curves through points."""

from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure

from figures.entry import entry
from figures.trained import trained
from stepwell import plots, predict
from stepwell.data.generators import curve, line, thermometer
from stepwell.training.minimise import minimise

_MERCURY = (0.387, 0.2056)
"""Its orbit's semi-major axis in astronomical units, and its eccentricity."""


def _line_data() -> tuple[np.ndarray, np.ndarray, torch.Tensor, torch.Tensor]:
    data = line()
    return data.x.numpy()[:, 0], data.y.numpy()[:, 0], data.train, data.val


@cache
def _line_walk() -> np.ndarray:
    """Intercept and slope before the first and after each of 1,000 updates by all training rows, from NumPy's draws at seed 42."""
    data = line()
    x, y = data.x[data.train], data.y[data.train]
    start = torch.tensor(np.random.RandomState(42).randn(2))
    return minimise(lambda p: ((p[0] + p[1] * x - y) ** 2).mean(), start, rate=0.1, steps=1000).points.numpy()


def _curve_fit(**parameters: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The wavy curve's points, and what the recipe's model makes of them."""
    training = trained("curve", **parameters)
    data = curve()
    found = predict(training.model, training.experiment.task, data.x.float())
    return data.x.numpy(), data.y.numpy(), found.numpy()


@entry("Godoy 0.1, 1.2, 2.1.1")
def line_data() -> Figure:
    """One hundred points on a noisy line, 80 to train and 20 to validate."""
    x, y, train, val = _line_data()
    return plots.panels(
        {
            "training": lambda ax: plots.groups({"train": (x[train], y[train])}, ax=ax),
            "validation": lambda ax: plots.groups({"validation": (x[val], y[val])}, ax=ax),
        },
        share="both",
    )


@entry("Godoy 0.2, 0.9, 0.18")
def line_steps() -> Figure:
    """The model's line before training, after one update at rate 0.1, and after a thousand."""
    x, y, train, _ = _line_data()
    ends, walk = np.array([0.0, 1.0]), _line_walk()
    return plots.groups(
        {"train": (x[train], y[train])},
        lines={f"b = {b:.2f}, w = {w:.2f}".replace("-", "−"): (ends, b + w * ends) for b, w in walk[[0, 1, 1000]]},
    )


@entry("Godoy 0.3")
def one_error() -> Figure:
    """The error of one point: the distance between what the model predicts and what is true."""
    x, y, train, _ = _line_data()
    b, w = _line_walk()[0]
    return plots.errors(x[train], y[train], b + w * x[train], rows=[0])


@entry("Godoy 1.3; Raff, plots 4 and 5", slow=True)
def fitted_line() -> Figure:
    """Lines fitted by gradient descent: to Godoy's points, and to Raff's, which wave around any line."""
    x, y, train, _ = _line_data()
    model = trained("line", split="numpy", parameters="numpy", batch_size=80, epochs=1000).model
    fitted = model(torch.tensor(x[train])).detach()
    return plots.panels(
        {
            "a line fits": lambda ax: plots.fit(x[train], y[train], fitted, ax=ax),
            "a line cannot follow": lambda ax: plots.fit(*_curve_fit(hidden=0, epochs=20), ax=ax),
        },
        size=(3.8, 2.6),
    )


@entry("Raff, plots 6 and 8", slow=True)
def bent_line() -> Figure:
    """Two linear layers make a line again; with tanh between them the model bends."""
    return plots.panels(
        {
            "linear, linear": lambda ax: plots.fit(*_curve_fit(activation="none", epochs=20), ax=ax),
            "linear, tanh, linear": lambda ax: plots.fit(*_curve_fit(epochs=200), ax=ax),
        },
        size=(3.8, 2.6),
    )


@entry("Stevens A:3726", slow=True)
def thermometer_line() -> Figure:
    """A thermometer without units, read against degrees Celsius: it shows Fahrenheit."""
    reading, celsius = thermometer()
    model = trained("thermometer", learning_rate=1e-2, epochs=5000).model
    return plots.fit(
        reading,
        celsius,
        model(0.1 * reading.float()).detach(),
        xlabel="temperature (°Fahrenheit)",
        ylabel="temperature (°Celsius)",
    )


@entry("Stevens A:4907", slow=True)
def thermometer_network() -> Figure:
    """A network with eight hidden units chases the noise of eleven readings.

    Crosses: what it says of the readings; line: of all between 20 and 89.
    """
    reading, celsius = thermometer()
    training = trained("thermometer", model="tanh", split="chapter6", scale="tenth", learning_rate=1e-3, epochs=5000)

    def says(t):
        return training.model(0.1 * t.reshape(-1, 1).float()).detach().flatten()

    between = torch.arange(20.0, 90.0)
    return plots.groups(
        {"readings": (reading, celsius), "predicted": (reading, says(reading))},
        lines={"network": (between, says(between))},
        xlabel="temperature (°Fahrenheit)",
        ylabel="temperature (°Celsius)",
    )


@entry("Stevens A:4107")
def overfitted() -> Figure:
    """Too simple, right, and too flexible: polynomials of degree 1, 3 and 11 through twelve points.

    The flexible one meets every point it was fitted to, and nothing between them. The points are made up: a sine and noise.
    """
    rng = np.random.default_rng(4)
    x = np.linspace(-1, 1, 12)
    y = np.sin(2.5 * x) + rng.normal(0, 0.25, len(x))
    fine = np.linspace(-1, 1, 301)
    fits = {degree: np.polynomial.Polynomial.fit(x, y, degree)(fine) for degree in (1, 3, 11)}
    return plots.panels(
        {
            f"degree {degree}": lambda ax, found=found: plots.groups(
                {"points": (x, y)}, lines={"": (fine, np.where(np.abs(found) < 2.5, found, np.nan))}, ax=ax
            )
            for degree, found in fits.items()
        },
        columns=3,
        size=(2.5, 2.3),
        share="both",
    )


@entry("Stevens A:3166")
def candidates() -> Figure:
    """Candidate models for a planet's places, as Kepler weighed them: circles do not fit, the ellipse does.

    Mercury's orbit, from its semi-major axis and eccentricity, as seen from above the Sun (at 0, 0).
    """
    size, flat = _MERCURY
    angle = np.linspace(0, 2 * np.pi, 181)
    distance = size * (1 - flat**2) / (1 + flat * np.cos(angle))
    orbit = np.stack([distance * np.cos(angle), distance * np.sin(angle)])
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return plots.groups(
        {"places of Mercury": orbit[:, ::12], "Sun": ([0.0], [0.0])},
        lines={"circle around the Sun": distance.mean() * circle, "ellipse": orbit},
        xlabel="astronomical units",
        ylabel="",
        equal=True,
    )
