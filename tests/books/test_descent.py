"""Godoy, *Deep Learning with PyTorch Step-by-Step*, chapter 0: row S00, the gradient-descent lab, without NumPy loops."""

from functools import partial

import numpy as np
import pytest
import torch

from stepwell import Regression, plots
from stepwell.data import whole
from stepwell.insight.descent import Path, descent_path
from stepwell.insight.plane import Plane
from stepwell.insight.surface import Surface, loss_surface, move, surface_of
from stepwell.models import Line
from stepwell.recipes.line import line
from stepwell.training.minimise import minimise

row = partial(pytest.mark.book, "step-by-step-1", "S00")
LAST_BIT = 5e-16  # torch adds the 80 rows in another order than NumPy
RANGES = ((-2.0, 4.0), (-1.0, 5.0))
GRID_STEPS = 0.12  # two of the grid, as in the book's figures

MADE = line(parameters="numpy", split="numpy", batch_size=80)
ROWS = whole(MADE.data.train)


@pytest.fixture(scope="module")
def surface() -> Surface:
    return loss_surface(MADE.model, MADE.task, ROWS.inputs, ROWS.targets, first="b", second="w", span=RANGES)


@pytest.fixture(scope="module")
def near(surface: Surface) -> torch.Tensor:
    """The place of the grid from which the book draws its steps: b 0.52, w -0.16, nearest to the start."""
    return torch.tensor([0.52, -0.16], dtype=torch.float64)


def plane_of(x: torch.Tensor) -> Plane:
    """The book's start over another feature."""
    return Plane(Line(0.49671415, -0.1382643, dtype=torch.float64), Regression(), x, ROWS.targets, "b", "w")


@row(recipe="insight.surface.loss_surface", kind="exact")
def test_s00_first_loss(surface):
    """Of b = 0.49671415 and w = -0.1382643 the loss of the 80 points is 2.7421577700550976."""
    assert surface.plane.start.tolist() == pytest.approx([0.49671415, -0.1382643], abs=5e-9)
    assert surface.start.loss == pytest.approx(2.7421577700550976, rel=LAST_BIT)
    with torch.no_grad():
        losses = MADE.task.losses(MADE.model(ROWS.inputs), ROWS.targets)
    assert losses.numpy().mean() == 2.7421577700550976  # added as NumPy does: to the last digit


@row(recipe="insight.plane.Plane", kind="exact")
def test_s00_gradients_and_first_update(surface):
    """Gradients -3.044811379650508 and -1.8337537171510832; an update at 0.1 leads to 0.80119529 and 0.04511107."""
    gradient = surface.plane.gradient().tolist()
    assert gradient == pytest.approx([-3.044811379650508, -1.8337537171510832], rel=LAST_BIT)
    updated = descent_path(surface.plane, rate=0.1, epochs=1).points[-1]
    assert [round(value, 8) for value in updated] == [0.80119529, 0.04511107]


@row(recipe="insight.surface.loss_surface", kind="exact")
def test_s00_surface(surface):
    """101 values each, from the truth minus 3 to plus 3; the lowest of the grid is 0.008214 at b = 1, w = 2."""
    assert surface.losses.shape == (101, 101)
    assert surface.x[1] - surface.x[0] == pytest.approx(0.06)
    assert (surface.x[0], surface.x[-1], surface.y[0], surface.y[-1]) == (-2, 4, -1, 5)
    errors = (
        surface.x[None, :, None] + surface.y[:, None, None] * ROWS.inputs[:, 0].numpy() - ROWS.targets[:, 0].numpy()
    )
    np.testing.assert_allclose(surface.losses, (errors**2).mean(axis=2), rtol=1e-12)
    assert surface.minimum == pytest.approx((1.0, 2.0, 0.008214), abs=5e-7)


@row(recipe="insight.surface.loss_surface", kind="exact")
def test_s00_place_of_the_grid(surface):
    """The place of the grid nearest to the start is b = 0.52, w = -0.16, and a cut goes through it."""
    place = surface.nearest(*surface.plane.start.tolist())
    assert place[:2] == pytest.approx((0.52, -0.16))
    cut = surface.cut("b", at=place.y)
    assert cut.at == place.y
    assert place.loss in cut.losses.tolist()


@row(recipe="insight.plane.Plane", kind="exact")
def test_s00_geometric_gradient(surface, near):
    """A step of 0.12: in w the loss changes by -0.21, a slope of -1.79; in b by -0.35, a slope of -2.90."""
    over_b, over_w = (surface.plane.rise(along, GRID_STEPS, near) for along in (0, 1))
    assert over_w == pytest.approx((-0.2145, -1.7875), abs=5e-5)
    assert over_b == pytest.approx((-0.3479, -2.8988), abs=5e-5)
    assert [round(value, 2) for value in (*over_w, *over_b)] == [-0.21, -1.79, -0.35, -2.90]


@row(recipe="insight.surface.move", kind="exact")
def test_s00_moves(surface, near):
    """At 0.2 w moves by 0.36 and b by 0.58, and both losses fall."""
    moves = [move(surface.plane, along, 0.2, near, step=GRID_STEPS) for along in (1, 0)]
    assert [round(value, 2) for value in moves] == [0.36, 0.58]
    assert _after(surface, near, 0.2)["b"] < float(surface.plane.loss(near))
    assert _after(surface, near, 0.2)["w"] < float(surface.plane.loss(near))


@row(recipe="insight.surface.move", kind="property")
def test_s00_rates_too_large(surface, near):
    """At 0.8 b crosses to the other side of its valley; at 1.1 the loss over b rises, and that over w still falls."""
    valley = surface.cut("b", at=-0.16)
    bottom = valley.values[valley.losses.argmin()]
    assert near[0] < bottom < near[0] + move(surface.plane, 0, 0.8, near, step=GRID_STEPS)
    before = float(surface.plane.loss(near))
    assert _after(surface, near, 0.8)["b"] < before
    assert _after(surface, near, 1.1)["b"] > before > _after(surface, near, 1.1)["w"]


def _after(surface: Surface, near: torch.Tensor, rate: float) -> dict[str, float]:
    """The loss after moving one parameter alone."""
    steps = torch.diag(torch.tensor([move(surface.plane, along, rate, near, step=GRID_STEPS) for along in (0, 1)]))
    return dict(zip(("b", "w"), surface.plane.losses(near + steps).tolist(), strict=True))


@row(recipe="insight.plane.Plane", kind="exact")
def test_s00_curvature(surface):
    """Eigenvalues 0.151 and 2.483, condition number 16.4: descent is stable below a rate of 0.806, and not above."""
    bend = surface.plane.curvature()
    assert [round(value, 3) for value in bend.eigenvalues.tolist()] == [0.151, 2.483]
    assert round(bend.condition, 1) == 16.4
    assert round(bend.largest_rate, 3) == 0.806
    below, above = (
        minimise(surface.plane.loss, surface.plane.start, rate=rate, steps=300).value for rate in (0.80, 0.81)
    )
    assert below < surface.start.loss < above


@row(recipe="insight.plane.Plane", kind="exact")
def test_s00_bad_feature(surface):
    """x ten times as large: condition 112, a largest rate of 0.0309, and where the surface was 3 high it is 50 and more."""
    bad = plane_of(10 * ROWS.inputs)
    assert 0 <= 10 * ROWS.inputs.min() < 10 * ROWS.inputs.max() <= 10
    assert round(bad.curvature().condition) == 112
    assert round(bad.curvature().largest_rate, 4) == 0.0309
    steep = surface_of(bad, span=((-2.0, 4.0), (-2.8, 3.2)))
    assert np.median(steep.losses[np.abs(surface.losses - 3) < 0.05]) > 50


@row(recipe="insight.plane.Plane", kind="exact")
def test_s00_standardised_feature():
    """Scaled by the training points' mean and deviation: -1.525 to 1.680, a round bowl that bears a rate of 1."""
    scaled = (ROWS.inputs - ROWS.inputs.mean()) / ROWS.inputs.std(correction=0)
    assert [round(float(end), 3) for end in (scaled.min(), scaled.max())] == [-1.525, 1.680]
    bend = plane_of(scaled).curvature()
    assert bend.eigenvalues.tolist() == pytest.approx([2, 2])
    assert (bend.condition, bend.largest_rate) == pytest.approx((1.0, 1.0))


@row(recipe="insight.descent.descent_path", kind="exact")
def test_s00_after_a_thousand_epochs(surface):
    """b = 1.0235 and w = 1.9690."""
    path = descent_path(surface.plane, rate=0.1, epochs=1000)
    assert [round(value, 8) for value in path.points[-1]] == [1.02354094, 1.96896411]


@pytest.fixture(scope="module")
def paths(surface: Surface) -> dict[int, Path]:
    epochs = {80: 100, 16: 100, 1: 20}  # single rows hover after one epoch already, and 8,000 updates take seconds
    return {
        size: descent_path(surface.plane, rate=0.1, batch_size=size, epochs=count, seed=1)
        for size, count in epochs.items()
    }


@row(recipe="insight.descent.descent_path", kind="property")
def test_s00_paths(surface, paths):
    """100 epochs are 100, 500 or 8,000 updates. Small batches end nearer to the minimum; single rows are near at once, and
    then hover.
    """
    assert {size: 100 * path.updates for size, path in paths.items()} == {80: 100, 16: 500, 1: 8000}
    assert {size: len(path.points) - 1 for size, path in paths.items()} == {80: 100, 16: 500, 1: 1600}
    best = np.array([1.02354075, 1.96896447])
    away = {size: np.linalg.norm(path.by_epoch - best, axis=1) for size, path in paths.items()}
    assert away[16][-1] < away[80][-1]
    assert away[1][1] < away[16][1] < away[80][1]
    assert away[1][1] < 0.3 * away[1][0]
    late = {size: path.points[len(path.points) // 2 :] for size, path in paths.items()}
    wander = {size: float(np.linalg.norm(points - points.mean(axis=0), axis=1).max()) for size, points in late.items()}
    assert 0.05 < wander[1] < 0.6
    assert np.abs(np.diff(paths[80].points, axis=0)[-1]).max() < np.abs(np.diff(late[1], axis=0)).max() / 10


@row(recipe="plots.surface", kind="property")
def test_s00_figures(surface, near, paths):
    """The figures 0.4 to 0.19: surface, contour, cuts with an update, and paths by epoch are one call each."""
    ends = {"start": surface.start[:2], "minimum": surface.minimum[:2], "xlabel": "b", "ylabel": "w"}
    ways = {f"batch of {size}": path.by_epoch for size, path in paths.items()}
    contour = plots.surface(surface.x, surface.y, surface.losses, paths=ways, at_x=0.52, **ends)
    assert {"batch of 80", "batch of 16", "batch of 1"} <= {text.get_text() for text in contour.axes[0].texts}
    assert plots.relief(surface.x, surface.y, surface.losses, **ends).axes
    cut, moved = surface.cut("b", at=-0.16), move(surface.plane, 0, 0.2, near, step=GRID_STEPS)
    after = (0.52 + moved, float(surface.plane.loss(near + torch.tensor([moved, 0.0]))))
    drawn = plots.cut(cut.values, cut.losses, xlabel="b", before=(0.52, float(surface.plane.loss(near))), after=after)
    assert "moved +0.58" in drawn.axes[0].texts[-1].get_text()
