"""Networks; one file is one architecture."""

from stepwell.models.activations import ACTIVATIONS
from stepwell.models.digitnet import DigitNet
from stepwell.models.perceptron import HiddenTanh, Line, Neuron, Quadratic, mlp

__all__ = ["ACTIVATIONS", "DigitNet", "HiddenTanh", "Line", "Neuron", "Quadratic", "mlp"]
