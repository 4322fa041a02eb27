"""Networks; one file is one architecture."""

from stepwell.models.activations import ACTIVATIONS
from stepwell.models.alexnet import AlexNet
from stepwell.models.backbones import BACKBONES
from stepwell.models.captioner import Captioner
from stepwell.models.cifar import DESIGNS, Net, NetDepth, NetResDeep
from stepwell.models.cnn2 import CNN2
from stepwell.models.convnet import ConvNet
from stepwell.models.cyclegan import CycleGAN, ResNetGenerator
from stepwell.models.digitnet import DigitNet
from stepwell.models.discriminator import PatchDiscriminator
from stepwell.models.forecaster import Forecaster
from stepwell.models.lenet import LeNet5
from stepwell.models.lines import LineNet
from stepwell.models.perceptron import HiddenTanh, Line, Neuron, Quadratic, mlp
from stepwell.models.pixels import FromPixels
from stepwell.models.raff import raff_cnn, raff_linear, raff_pooled_cnn
from stepwell.models.resnet import ResNet
from stepwell.models.smallnet import SmallNet
from stepwell.models.tabular import TableNet
from stepwell.models.vgg import VGG

__all__ = [
    "ACTIVATIONS",
    "BACKBONES",
    "DESIGNS",
    "CNN2",
    "VGG",
    "AlexNet",
    "Captioner",
    "ConvNet",
    "CycleGAN",
    "DigitNet",
    "Forecaster",
    "FromPixels",
    "HiddenTanh",
    "LeNet5",
    "Line",
    "LineNet",
    "Net",
    "NetDepth",
    "NetResDeep",
    "Neuron",
    "PatchDiscriminator",
    "Quadratic",
    "ResNet",
    "ResNetGenerator",
    "SmallNet",
    "TableNet",
    "mlp",
    "raff_cnn",
    "raff_linear",
    "raff_pooled_cnn",
]
