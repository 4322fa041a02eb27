import pytest
import torch
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.insight.boundary import straight_boundary


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
