import numpy as np
import pytest
import torch
from torch import nn

from stepwell import Binary, Multiclass, Regression
from stepwell.core.errors import DataError, ModelError
from stepwell.insight.boundary import decision_grid, straight_boundary


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.9])
@pytest.mark.parametrize("bias", [True, False])
def test_points_on_the_line_have_the_threshold(threshold, bias):
    layer = nn.Linear(2, 1, bias=bias)
    intercept, slope = straight_boundary(layer, threshold)
    x1 = torch.linspace(-2, 2, 5)
    points = torch.stack([x1, intercept + slope * x1], dim=1)
    torch.testing.assert_close(layer(points).sigmoid(), torch.full((5, 1), threshold), atol=1e-5, rtol=0)


def test_other_layers_are_refused():
    with pytest.raises(ModelError, match="2 inputs and 1 output, not Linear"):
        straight_boundary(nn.Linear(3, 1))
    upright = nn.Linear(2, 1)
    nn.init.constant_(upright.weight, 0)
    with pytest.raises(ModelError, match="upright"):
        straight_boundary(upright)


def sums(*weights: float) -> nn.Linear:
    layer = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        layer.weight[0] = torch.tensor(weights)
    return layer


def test_a_grid_of_probabilities():
    x = torch.tensor([[0.0, -1.0], [10.0, 1.0]])
    found = decision_grid(sums(1.0, 2.0), Binary(), x, points=5, margin=0.5)
    assert found.x.tolist() == [-5, 0, 5, 10, 15]
    assert found.y.tolist() == [-2, -1, 0, 1, 2]
    np.testing.assert_allclose(found.outputs, found.x[None] + 2 * found.y[:, None], rtol=1e-6)
    np.testing.assert_allclose(found.predictions, 1 / (1 + np.exp(-found.outputs)), rtol=1e-6)
    assert found.classes.tolist() == (found.outputs >= 0).astype(int).tolist()


def test_other_features_are_held():
    x = torch.tensor([[0.0, 7.0, 0.0], [1.0, 8.0, 1.0], [2.0, 90.0, 2.0]])
    found = decision_grid(sums(1.0, 100.0, 10.0), Regression(), x, features=(2, 0), points=3, margin=0.0)
    assert found.outputs[0, 0] == 800.0  # of the median row
    assert found.outputs[0, 2] - found.outputs[0, 0] == 20.0  # the third feature goes across
    held = decision_grid(
        sums(1.0, 100.0, 10.0), Regression(), x, features=(2, 0), held=[0.0, 1.0, 0.0], points=3, margin=0.0
    )
    assert held.predictions[0, 0] == 100.0


def test_several_classes():
    model = nn.Linear(2, 3).train()
    found = decision_grid(model, Multiclass(classes=3), torch.rand(9, 2), points=4)
    assert found.predictions.shape == (4, 4, 3)
    np.testing.assert_allclose(found.predictions.sum(axis=-1), 1, rtol=1e-6)
    assert found.classes.tolist() == found.outputs.argmax(-1).tolist()
    assert model.training


def test_equal_values_still_make_a_grid():
    assert decision_grid(sums(1.0, 1.0), Binary(), torch.ones(3, 2), points=3).x.tolist() == [0, 1, 2]


def test_grids_that_cannot_be_are_refused():
    with pytest.raises(DataError, match=r"features \(0, 2\) takes inputs .* given: \(3, 2\)"):
        decision_grid(sums(1.0, 1.0), Binary(), torch.ones(3, 2), features=(0, 2))
    with pytest.raises(DataError, match="given: dict"):
        decision_grid(sums(1.0, 1.0), Binary(), {"x": torch.ones(3, 2)})
    with pytest.raises(DataError, match="one row of 2 features"):
        decision_grid(sums(1.0, 1.0), Binary(), torch.ones(3, 2), held=[1.0])
