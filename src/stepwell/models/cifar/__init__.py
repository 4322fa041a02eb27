"""Networks for the pictures of CIFAR: the designs of *Deep Learning with PyTorch*, chapters 7 and 8."""

from stepwell.models.cifar.deeper import NetDepth, NetResDeep, ResBlock
from stepwell.models.cifar.designs import DESIGNS, Design, flat
from stepwell.models.cifar.net import Net

__all__ = ["DESIGNS", "Design", "Net", "NetDepth", "NetResDeep", "ResBlock", "flat"]
