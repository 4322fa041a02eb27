"""The shapes in the annotations are checked while testing."""

import jaxtyping
import pytest
import torch

from stepwell.models import DigitNet


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        DigitNet()(torch.zeros(2, 1, 9, 9))
