import pytest
import torch

from stepwell.core.errors import TaskError
from stepwell.tasks import Binary, positive_weight


def test_both_classes_weigh_alike():
    targets = torch.tensor([1.0, 0, 0, 1, 0, 0, 0, 0])
    weight = positive_weight(targets)
    assert weight == 3
    each = Binary(positive_weight=weight).losses(torch.zeros(8), targets)
    assert each[targets == 1].sum().item() == pytest.approx(each[targets == 0].sum().item())


@pytest.mark.parametrize("targets", [torch.zeros(3), torch.ones(3), torch.zeros(0)])
def test_one_class_alone_is_refused(targets):
    with pytest.raises(TaskError, match="both classes need rows"):
        positive_weight(targets)
