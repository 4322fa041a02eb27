"""Surfaces, cuts, and the ways of trainings over them."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import SGD, Adam

from stepwell import ArraySource, Experiment, Regression, Splits, fit
from stepwell.core.errors import ModelError
from stepwell.insight.descent import Path, Trace, descent_path
from stepwell.insight.plane import Plane
from stepwell.insight.recorder import Recorder, model_at
from stepwell.insight.surface import Surface, loss_surface, move
from stepwell.models import Line
from stepwell.training.minimise import minimise

X = torch.linspace(0, 1, 20, dtype=torch.float64).reshape(-1, 1)
Y = 1 + 2 * X


def bowl(**settings: object) -> Surface:
    model = Line(0.5, -0.1, dtype=torch.float64)
    return loss_surface(model, Regression(), X, Y, **{"first": "b", "second": "w", **settings})


def test_losses_lie_over_y_down_and_x_across() -> None:
    found = bowl(points=7, span=((-1, 3), (0, 6)))
    assert found.losses.shape == (7, 7)
    assert (found.x[0], found.x[-1], found.y[0], found.y[-1]) == (-1, 3, 0, 6)
    due = ((found.x[4] + found.y[2] * X.numpy() - Y.numpy()) ** 2).mean()
    assert found.losses[2, 4] == pytest.approx(due)
    assert found.start == pytest.approx((0.5, -0.1, ((0.5 - 0.1 * X - Y) ** 2).mean().item()))


def test_the_minimum_and_the_nearest_place() -> None:
    found = bowl(points=61, span=((-2, 4), (-1, 5)))
    assert found.minimum == pytest.approx((1.0, 2.0, 0.0), abs=1e-12)
    assert found.nearest(0.52, -0.14)[:2] == pytest.approx((0.5, -0.1))


def test_a_span_is_counted_from_the_model() -> None:
    found = bowl(points=3, span=2.0)
    assert found.x.tolist() == pytest.approx([-1.5, 0.5, 2.5])
    assert found.losses[1, 1] == pytest.approx(found.start.loss)


def test_cuts_hold_the_other_number() -> None:
    found = bowl(points=13, span=((-2, 4), (-1, 5)))
    over_b, over_w = found.cut("b", at=-0.1), found.cut("w", at=0.9)
    assert (over_b.along, over_b.held, over_b.at) == ("b", "w", 0.0)
    assert (over_w.along, over_w.held, over_w.at) == ("w", "b", 1.0)
    assert over_b.losses.tolist() == found.losses[2].tolist()
    assert over_w.losses.tolist() == found.losses[:, 6].tolist()
    assert over_w.values[over_w.losses.argmin()] == 2.0
    with pytest.raises(ModelError, match="is over b and w, not 'c'"):
        found.cut("c", 0.0)


def test_a_move_is_minus_the_rate_times_the_slope() -> None:
    plane = bowl(points=2).plane
    assert move(plane, 0, 0.2) == pytest.approx(-0.2 * plane.gradient()[0].item())
    assert move(plane, 1, 0.2, step=0.1) == pytest.approx(-0.2 * plane.rise(1, 0.1).slope)


def test_full_batch_descent_is_gradient_descent_of_the_plane() -> None:
    plane = bowl(points=2).plane
    path = descent_path(plane, rate=0.3, epochs=40)
    walked = minimise(plane.loss, plane.start, rate=0.3, steps=40)
    np.testing.assert_allclose(path.points, walked.points.numpy(), rtol=1e-12)
    assert path.updates == 1
    assert path.by_epoch.shape == (41, 2)


@pytest.mark.parametrize(("batch", "updates"), [(None, 1), (8, 3), (1, 20), (50, 1)])
def test_updates_of_an_epoch(batch: int | None, updates: int) -> None:
    plane = bowl(points=2).plane
    path = descent_path(plane, rate=0.05, batch_size=batch, epochs=3)
    assert path.updates == updates
    assert path.points.shape == (3 * updates + 1, 2)
    assert path.by_epoch.tolist() == path.points[::updates].tolist()
    assert plane.locate(plane.model).tolist() == plane.start.tolist()


def test_other_optimizers_take_other_ways() -> None:
    plane = bowl(points=2).plane
    ends = [
        tuple(descent_path(plane, rate=0.05, epochs=5, optimizer=each).points[-1])
        for each in (SGD, Adam, partial(SGD, momentum=0.9))
    ]
    assert len(set(ends)) == 3


def test_a_trace_and_a_recorder_watch_any_training() -> None:
    model = Line(0.5, -0.1, dtype=torch.float64)
    plane = Plane(model, Regression(), X, Y, "b", "w")
    made = Experiment(
        data=Splits(train=ArraySource(X, Y)),
        model=model,
        task=Regression(),
        optimizer=SGD(model.parameters(), lr=0.1),
        batch_size=10,
        epochs=4,
    )
    trace, recorder = Trace(plane), Recorder()
    fit(made, hooks=[trace, recorder])
    assert isinstance(trace.path, Path)
    assert trace.path.points[-1].tolist() == [model.b.item(), model.w.item()]
    assert trace.path.points[0].tolist() == [0.5, -0.1]
    assert [[state["b"].item(), state["w"].item()] for state in recorder.states] == trace.path.by_epoch.tolist()
    second = model_at(model, recorder.states[2])
    assert plane.locate(second).tolist() == trace.path.by_epoch[2].tolist()
    assert plane.locate(model).tolist() == trace.path.points[-1].tolist()
