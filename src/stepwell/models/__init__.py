"""Networks; one file is one architecture."""

from stepwell.models.activations import ACTIVATIONS
from stepwell.models.digitnet import DigitNet
from stepwell.models.forecaster import Forecaster
from stepwell.models.perceptron import HiddenTanh, Line, Neuron, Quadratic, mlp
from stepwell.models.pixels import FromPixels
from stepwell.models.tabular import TableNet

__all__ = [
    "ACTIVATIONS",
    "DigitNet",
    "Forecaster",
    "FromPixels",
    "HiddenTanh",
    "Line",
    "Neuron",
    "Quadratic",
    "TableNet",
    "mlp",
]
