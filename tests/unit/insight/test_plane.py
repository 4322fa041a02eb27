"""A model's loss over two of its numbers, and over two directions."""

import copy

import pytest
import torch
from torch import Tensor, nn

from stepwell import Binary, Multiclass, Regression
from stepwell.core.errors import ModelError
from stepwell.insight.directions import one_number, random_direction
from stepwell.insight.plane import Plane
from stepwell.models import Line, mlp
from stepwell.training.minimise import minimise

X = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(-1, 1)
Y = 1 + 2 * X


def line(b: float = 0.5, w: float = -0.1) -> Plane:
    return Plane(Line(b, w, dtype=torch.float64), Regression(), X, Y, "b", "w")


def deep(**settings: object) -> tuple[nn.Module, Plane]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 1)).double()
    return model, Plane(model, Regression(), X, Y, "0.weight[2,0]", "4.bias", **settings)


def by_hand(b: Tensor, w: Tensor) -> Tensor:
    return ((b + w * X - Y) ** 2).mean()


def test_coordinates_are_the_parameters_values() -> None:
    plane = line()
    assert plane.names == ("b", "w")
    assert plane.start.tolist() == [0.5, -0.1]
    points = torch.tensor([[1.0, 2.0], [0.3, 0.7], [-40.0, 3.0]], dtype=torch.float64)
    due = torch.stack([by_hand(*point) for point in points])
    torch.testing.assert_close(plane.losses(points), due)
    assert plane.losses(points)[0] == 0.0


def test_gradient_and_curvature_are_those_of_the_formula() -> None:
    plane = line()
    due = torch.autograd.functional.jacobian(lambda p: by_hand(*p), plane.start)
    torch.testing.assert_close(plane.gradient(), due)
    mean = (X**2).mean().item()
    torch.testing.assert_close(plane.hessian(), torch.tensor([[2.0, 0.0], [0.0, 2 * mean]], dtype=torch.float64))
    bend = plane.curvature()
    assert bend.eigenvalues.tolist() == pytest.approx([2 * mean, 2])
    assert bend.condition == pytest.approx(1 / mean)
    assert bend.largest_rate == pytest.approx(1.0)


@pytest.mark.parametrize(("rate", "grows"), [(0.99, False), (1.01, True)])
def test_the_largest_rate_is_where_descent_turns_into_ascent(rate: float, grows: bool) -> None:
    plane = line()
    values = minimise(plane.loss, plane.start, rate=rate * plane.curvature().largest_rate, steps=200).values
    assert (values[-1] > values[0]) == grows


def test_a_saddle_bears_no_condition() -> None:
    model = Line(1.0, 1.0, dtype=torch.float64)

    class Saddle(Regression):
        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return outputs[0, 0] ** 2 - outputs[1, 0] ** 2

    plane = Plane(model, Saddle(), torch.tensor([[0.0], [1.0]], dtype=torch.float64), Y[:2], "b", "w")
    assert plane.curvature().condition == float("inf")
    assert plane.curvature().eigenvalues[0] < 0


def test_a_finite_step_nears_the_gradient() -> None:
    plane = line()
    assert plane.rise(1, 1e-6).slope == pytest.approx(plane.gradient()[1].item(), abs=1e-5)
    rise = plane.rise(0, 0.5, torch.tensor([1.0, 2.0]))
    assert rise == pytest.approx((0.25, 0.5))


def test_the_model_is_left_as_it_is() -> None:
    model, plane = deep()
    model.train()
    before = copy.deepcopy(model.state_dict())
    plane.losses(torch.zeros(5, 2))
    plane.gradient()
    plane.curvature()
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert model.training
    assert model[2].training
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("at_once", [1, 2, None])
def test_points_together_and_alone_have_one_loss(at_once: int | None) -> None:
    """That of a model whose number was set, in eval mode."""
    model, plane = deep(at_once=at_once)
    points = torch.tensor([[0.0, 0.0], [1.0, -2.0], [0.3, 0.4]])
    due = []
    for first, second in points.tolist():
        other = copy.deepcopy(model).eval()
        with torch.no_grad():
            other[0].weight[2, 0], other[4].bias[0] = first, second
            due.append(Regression().loss(other(X), Y))
    torch.testing.assert_close(plane.losses(points), torch.stack(due))
    torch.testing.assert_close(plane.loss(plane.start), Regression().loss(model.eval()(X), Y))


def test_the_plane_stays_when_the_model_goes_on() -> None:
    model, plane = deep()
    before = plane.losses(torch.zeros(1, 2))
    with torch.no_grad():
        model[4].weight.add_(1.0)
        model[0].weight[2, 0] = 7.0
    assert torch.equal(plane.losses(torch.zeros(1, 2)), before)
    assert plane.locate(model)[0] == 7.0
    assert plane.locate(plane.model_at_start()).tolist() == plane.start.tolist()


def test_directions_count_from_the_model() -> None:
    torch.manual_seed(1)
    model = mlp((1, 5, 1)).double()
    ways = random_direction(model, 0), random_direction(model, 1)
    plane = Plane(model, Regression(), X, Y, *ways)
    assert plane.names == ("direction 1", "direction 2")
    assert plane.start.tolist() == [0, 0]
    moved = plane.model_at_start()
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            if name in ways[0]:
                parameter += 0.3 * ways[0][name] - 2 * ways[1][name]
    assert plane.locate(moved).tolist() == pytest.approx([0.3, -2.0])
    torch.testing.assert_close(plane.losses(torch.tensor([[0.3, -2.0]]))[0], Regression().loss(moved(X), Y))


def test_a_random_direction_is_as_long_as_each_filter() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    model[2].weight.requires_grad_(False)
    way = random_direction(model, 5)
    assert list(way) == ["0.weight"]
    torch.testing.assert_close(way["0.weight"].flatten(1).norm(dim=1), model[0].weight.detach().flatten(1).norm(dim=1))
    assert torch.equal(way["0.weight"], random_direction(model, 5)["0.weight"])
    assert not torch.equal(way["0.weight"], random_direction(model, 6)["0.weight"])


def test_other_tasks() -> None:
    torch.manual_seed(0)
    model, labels = mlp((1, 3)).double(), torch.arange(20) % 3
    assert Plane(model, Multiclass(classes=3), X, labels, "0.bias[0]", "0.bias[2]").losses(torch.rand(4, 2)).shape == (
        4,
    )
    logits = mlp((1, 1)).double()
    plane = Plane(logits, Binary(positive_weight=2.0), X, (X > 0).double(), "0.bias", "0.weight")
    torch.testing.assert_close(plane.losses(plane.start[None])[0], plane.loss(plane.start))


def test_inputs_that_are_a_dict() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))

        def forward(self, one: Tensor, other: Tensor) -> Tensor:
            return self.a * one + self.b * other

    plane = Plane(Sum(), Regression(), {"one": X.float(), "other": Y.float()}, Y.float(), "a", "b")
    assert plane.losses(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).tolist() == pytest.approx([0.0, (X**2).mean().item()])


class Choosy(nn.Module):
    """A model that looks at a number to decide."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b[0] if float(self.b[1]) > 0 else x - self.b[0]


def test_a_model_that_vmap_cannot_follow_is_taken_point_by_point() -> None:
    data = (X.float(), X.float())
    with pytest.raises(ModelError, match="at_once=1"):
        Plane(Choosy(), Regression(), *data, "b[0]", "b[1]").losses(torch.ones(3, 2))
    alone = Plane(Choosy(), Regression(), *data, "b[0]", "b[1]", at_once=1)
    assert alone.losses(torch.ones(3, 2)).tolist() == pytest.approx([1.0] * 3)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("0.weigth[0,0]", "2.bias", "no parameter '0.weigth'.*Did you mean '0.weight'"),
        (
            "0.weight",
            "2.bias",
            r"names no single number: 0.weight has the shape \(5, 1\). Write such as '0.weight\[0,0\]'",
        ),
        ("0.weight[5,0]", "2.bias", "names no single number"),
        ("0.weight[1]", "2.bias", "names no single number"),
        ("0.weight[", "2.bias", "no parameter"),
        ("2.bias", "2.bias[0]", "one and the same"),
        ("2.bias", {"2.bias": torch.ones(1)}, "not by one of each"),
    ],
)
def test_names_that_say_nothing_are_refused(first: str, second: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Plane(mlp((1, 5, 1)).double(), Regression(), X, Y, first, second)


def test_a_scalar_and_a_vector_of_one_need_no_place() -> None:
    model = nn.ParameterDict({"a": nn.Parameter(torch.tensor(3.0)), "b": nn.Parameter(torch.ones(1, 1))})
    assert one_number(model, "a")["a"].shape == ()
    assert one_number(model, "b")["b"].tolist() == one_number(model, "b[0, 0]")["b"].tolist() == [[1.0]]
