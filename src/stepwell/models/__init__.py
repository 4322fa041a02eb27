"""Networks; one file is one architecture."""

from stepwell.models.digitnet import DigitNet
from stepwell.models.perceptron import HiddenTanh, Line, Neuron, Quadratic, mlp

__all__ = ["DigitNet", "HiddenTanh", "Line", "Neuron", "Quadratic", "mlp"]
