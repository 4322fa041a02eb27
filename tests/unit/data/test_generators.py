import numpy as np
import pytest
import torch

from stepwell.data import generators


def test_line_is_the_book_s_bit_for_bit():
    np.random.seed(42)
    x = np.random.rand(100, 1)
    y = 1.0 + 2.0 * x + 0.1 * np.random.randn(100, 1)
    rows = np.arange(100)
    np.random.shuffle(rows)
    data = generators.line()
    assert torch.equal(data.x, torch.from_numpy(x))
    assert torch.equal(data.y, torch.from_numpy(y))
    assert data.train.tolist() == rows[:80].tolist()
    assert data.val.tolist() == rows[80:].tolist()
    assert data.train.dtype == torch.int64


def test_line_begins_with_the_point_that_the_book_prints():
    data = generators.line()
    first = data.train[0]
    assert f"{data.x[first].item():.4f} {data.y[first].item():.4f}" == "0.7713 2.4745"


def test_line_has_the_book_s_loss_and_least_squares():
    """Rows S00 and S01: the loss at the initial b, w, and scikit-learn's fit, on the 80 training points."""
    data = generators.line()
    x, y = data.x[data.train], data.y[data.train]
    assert ((0.49671415 - 0.1382643 * x - y) ** 2).mean().item() == pytest.approx(2.7421577700550976, abs=1e-7)
    solution = torch.linalg.lstsq(torch.cat([torch.ones_like(x), x], 1), y).solution.flatten()
    assert solution.tolist() == pytest.approx([1.02354075, 1.96896447], abs=1e-8)


def test_moons():
    data = generators.moons(101, noise=0.1, seed=3)
    assert (data.x.shape, data.x.dtype) == ((101, 2), torch.float64)
    assert (data.labels.dtype, data.labels.bincount().tolist()) == (torch.int64, [50, 51])
    assert torch.equal(data.x, generators.moons(101, noise=0.1, seed=3).x)


def test_curve_has_the_book_s_line_through_it():
    """Row S-15: slope 0.962, intercept 0.439, mean squared error 1.91 without noise, about 2.9 with it."""
    data = generators.curve(noise=0.0)
    design = torch.cat([data.x, torch.ones_like(data.x)], 1)
    solution = torch.linalg.lstsq(design, data.y).solution
    assert solution.flatten().tolist() == pytest.approx([0.962, 0.439], abs=5e-4)
    assert (design @ solution - data.y).square().mean().item() == pytest.approx(1.91, abs=5e-3)


def test_curve_noise_is_normal_and_seeded():
    noise = generators.curve(seed=1).y - generators.curve(noise=0.0).y
    assert noise.std().item() == pytest.approx(1.0, abs=0.15)
    assert torch.equal(generators.curve(seed=1).y, generators.curve(seed=1).y)
    assert not torch.equal(generators.curve(seed=1).y, generators.curve(seed=2).y)
    assert generators.curve(n=7, low=1, high=4).x.flatten().tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def test_thermometer_reads_about_fahrenheit():
    data = generators.thermometer()
    assert data.unknown.shape == data.celsius.shape == (11, 1)
    assert (data.unknown[0].item(), data.celsius[0].item()) == (35.7, 0.5)
    assert ((data.unknown - 32) * 5 / 9 - data.celsius).abs().max() < 3.5


def test_digits():
    data = generators.digits()
    assert (data.images.shape, data.images.dtype) == ((1797, 1, 8, 8), torch.float32)
    assert (data.images.min().item(), data.images.max().item()) == (0.0, 1.0)
    assert (data.labels.shape, data.labels.dtype) == ((1797,), torch.int64)
    assert data.labels[:10].tolist() == list(range(10))
