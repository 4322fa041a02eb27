"""The numbers that convolutions begin with."""

from torch import Tensor, nn


def fan_out_(weight: Tensor) -> None:
    """Kaiming's normal numbers for ReLU, by fan-out, so that gradients keep their size (He et al., 2015), in place.

    A weight on the device `meta` has no numbers and is left alone: to draw it loads a second's worth of torch's compiler.
    """
    if not weight.is_meta:
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
