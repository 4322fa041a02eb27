"""Small data sets that are computed, or come with scikit-learn: the books' first examples, and data for tests.

Numbers are float64, as NumPy draws them; cast them to the model's dtype. Images are float32.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stepwell.core.keys import Key


class Line(NamedTuple):
    """Points on a noisy line: `x` and `y` float64 `(n, 1)`; `train` and `val`, the row numbers (int64) of a split."""

    x: Tensor
    y: Tensor
    train: Tensor
    val: Tensor


class Moons(NamedTuple):
    """Two half moons: `x` float64 `(n, 2)`, `labels` int64 `(n,)`, 0 or 1."""

    x: Tensor
    labels: Tensor


class Parabolas(NamedTuple):
    """Points of two parabolas: `x` float64 `(n, 2)`, `labels` int64 `(n,)`, 0 for the upper and 1 for the lower."""

    x: Tensor
    labels: Tensor


class Curve(NamedTuple):
    """Points on a noisy curve: `x` and `y` float64 `(n, 1)`."""

    x: Tensor
    y: Tensor


class Thermometer(NamedTuple):
    """Eleven readings, float64 `(11, 1)`: `unknown` on a thermometer without units, `celsius` in degrees Celsius."""

    unknown: Tensor
    celsius: Tensor


class Digits(NamedTuple):
    """Handwritten digits: `images` float32 `(1797, 1, 8, 8)` in `[0, 1]`, `labels` int64 `(1797,)`, 0 to 9."""

    images: Tensor
    labels: Tensor


def line(n: int = 100, seed: int = 42, *, b: float = 1.0, w: float = 2.0, noise: float = 0.1) -> Line:
    """Godoy's `simple_linear_regression`: y = b + w x + noise · N(0, 1), x uniform in [0, 1), split 80 to 20.

    Bit for bit the book's (rows S00, S01): NumPy's legacy generator draws x, then the noise, then shuffles the rows.
    """
    generator = np.random.RandomState(seed)
    x = generator.rand(n, 1)
    y = b + w * x + noise * generator.randn(n, 1)
    rows = np.arange(n)
    generator.shuffle(rows)
    order, border = torch.from_numpy(rows), int(n * 0.8)
    return Line(torch.from_numpy(x), torch.from_numpy(y), order[:border], order[border:])


def moons(n: int = 100, noise: float = 0.3, seed: int = 0) -> Moons:
    """Scikit-learn's `make_moons`: two classes that no straight line separates."""
    from sklearn.datasets import make_moons

    x, labels = make_moons(n_samples=n, noise=noise, random_state=seed)
    return Moons(torch.from_numpy(x), torch.from_numpy(labels).to(torch.int64))


def parabolas(n: int = 2000, seed: int = 13) -> Parabolas:
    """Godoy's two curves of the bonus chapter (row S24): y = x² and y = x² - 0.5, x evenly spaced from -1 to 1.

    Half of the `n` points lie on each, in the order of NumPy's legacy generator. No straight line parts them.
    """
    x = np.linspace(-1.0, 1.0, n // 2)
    points = np.concatenate([np.stack([x, x**2], axis=1), np.stack([x, x**2 - 0.5], axis=1)])
    labels = np.repeat(np.array([0, 1], dtype=np.int64), n // 2)
    order = np.random.RandomState(seed).permutation(len(points))
    return Parabolas(torch.from_numpy(points[order]), torch.from_numpy(labels[order]))


def curve(n: int = 200, low: float = 0.0, high: float = 20.0, noise: float = 1.0, seed: int = 0) -> Curve:
    """Raff's toy regression (row S-15): y = x + 2 sin x + noise · N(0, 1), x evenly spaced from low to high.

    The book sets no seed, so the noise is Stepwell's own.
    """
    x = torch.linspace(low, high, n, dtype=torch.float64).reshape(-1, 1)
    drawn = Key(seed)("curve").normal(torch.arange(n), (1,)).to(torch.float64)
    return Curve(x, x + 2.0 * torch.sin(x) + noise * drawn)


def thermometer() -> Thermometer:
    """The readings of *Deep Learning with PyTorch*, chapter 5; the truth is near celsius = (unknown - 32) · 5/9."""
    celsius = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
    unknown = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
    return Thermometer(*(torch.tensor(v, dtype=torch.float64).reshape(-1, 1) for v in (unknown, celsius)))


def digits() -> Digits:
    """Scikit-learn's 1,797 digits of 8×8 pixels (UCI, Alpaydin and Kaynak); the values 0 to 16 become 0 to 1."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(data.images).to(torch.float32).unsqueeze(1) / 16.0
    return Digits(images, torch.from_numpy(data.target).to(torch.int64))
