import pytest
import torch
from torch import Tensor, nn

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.models.alexnet import AlexNet
from stepwell.models.architectures import ARCHITECTURES, Architecture, maker, recognised, told_architecture
from stepwell.models.backbones import BACKBONES, backbone
from stepwell.models.inception import Inception
from stepwell.models.resnet import BottleneckBlock, ResidualBlock, ResNet
from stepwell.models.smallnet import SmallNet
from stepwell.models.vgg import VGG

# The numbers that torchvision's documentation gives for 1000 classes.
PARAMETERS = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "inception": 27_161_264,
}


def on_meta(name: str, classes: int = 1000, channels: int = 3) -> nn.Module:
    """The network's shapes without its numbers."""
    with torch.device("meta"):
        return maker(name)(classes, channels)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_as_published(name: str) -> None:
    assert sum(parameter.numel() for parameter in on_meta(name).parameters()) == PARAMETERS[name]


# The first and last names of torchvision's files, and the number of their tensors.
KEYS = {
    "alexnet": ("features.0.weight", "classifier.6.bias", 16),
    "vgg16": ("features.0.weight", "classifier.6.bias", 32),
    "vgg16_bn": ("features.0.weight", "classifier.6.bias", 97),
    "resnet18": ("conv1.weight", "fc.bias", 122),
    "resnet101": ("conv1.weight", "fc.bias", 626),
    "inception": ("Conv2d_1a_3x3.conv.weight", "fc.bias", 580),
}
SHAPES = {
    "alexnet": {"features.10.weight": (256, 256, 3, 3), "classifier.1.weight": (4096, 9216)},
    "vgg16_bn": {"features.41.running_var": (512,), "classifier.0.weight": (4096, 25088)},
    "resnet18": {"layer2.0.downsample.0.weight": (128, 64, 1, 1), "layer4.1.bn2.running_mean": (512,)},
    "resnet101": {"layer1.0.downsample.1.weight": (256,), "layer3.22.conv3.weight": (1024, 256, 1, 1)},
    "inception": {
        "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
        "Mixed_6b.branch7x7dbl_4.conv.weight": (128, 128, 7, 1),
        "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
    },
}


@pytest.mark.parametrize("name", KEYS)
def test_names_are_torchvisions(name: str) -> None:
    state = on_meta(name).state_dict()
    names = list(state)
    assert (names[0], names[-1], len(names)) == KEYS[name]
    assert {key: tuple(state[key].shape) for key in SHAPES.get(name, {})} == SHAPES.get(name, {})


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_told_from_its_weights(name: str) -> None:
    assert recognised(on_meta(name, 7, 2).state_dict()) == Architecture(name, 7, 2)


def test_weights_of_nothing_known() -> None:
    state = {**on_meta("resnet18").state_dict(), "fc.weight": torch.ones(1000, 511)}
    assert recognised(state) is None
    assert told_architecture(state).startswith("It looks like no architecture that Stepwell has; its 122 tensors begin")
    old = {name: tensor for name, tensor in on_meta("resnet18").state_dict().items() if "num_batches" not in name}
    assert recognised(old) == Architecture("resnet18", 1000, 3)


def test_an_empty_network_has_whole_counters() -> None:
    model = Architecture("small", 4, 1).empty()
    assert {int(b) for name, b in model.named_buffers() if name.endswith("tracked")} == {0}
    assert next(model.parameters()).device.type == "cpu"


LEAST: dict[str, tuple[nn.Module, int]] = {
    "AlexNet": (AlexNet(3, hidden=8), 63),
    "VGG": (VGG((1, 1, 1, 1, 1), 3, hidden=8), 32),
    "SmallNet": (SmallNet(3, width=4), 8),
    "Inception": (Inception(3).eval(), 75),
    "ResNet": (ResNet(ResidualBlock, (1, 1, 1, 1), 3).eval(), 1),
}


@pytest.mark.parametrize("name", LEAST)
def test_the_least_size_is_the_least(name: str) -> None:
    model, least = LEAST[name]
    assert model(torch.zeros(2, 3, least, least + 5)).shape == (2, 3)
    assert BACKBONES[{"VGG": "vgg16", "SmallNet": "small", "ResNet": "resnet18"}.get(name, name.lower())].least == least
    if least > 1:
        with pytest.raises(
            ModelError, match=f"^{name} needs pictures of {least} × {least} pixels or more, but these are"
        ):
            model(torch.zeros(2, 3, least + 5, least - 1))


@pytest.mark.parametrize("name", LEAST)
def test_other_channels_and_shapes_are_named(name: str) -> None:
    model, least = LEAST[name]
    with pytest.raises(
        ModelError, match=rf"^{name} was made for 3 channels, but .* make the network with in_channels=1\."
    ):
        model(torch.zeros(2, 1, least, least))
    with pytest.raises(
        ModelError, match=rf"^{name} takes pictures \(batch, 3, height, width\), but these have the shape"
    ):
        model(torch.zeros(6, least))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match=r"Double|double|dtype"):
        LEAST["SmallNet"][0](torch.zeros(2, 3, 16, 16, dtype=torch.float64))


def test_inception_in_training_has_two_outputs_and_needs_299() -> None:
    model = LEAST["Inception"][0]
    two = model.train()(torch.zeros(2, 3, 299, 299))
    assert [tuple(each.shape) for each in two] == [(2, 3), (2, 3)]
    with pytest.raises(ModelError, match="^Inception needs pictures of 299 × 299 pixels or more"):
        model(torch.zeros(2, 3, 298, 299))
    assert model.eval()(torch.zeros(2, 3, 80, 80)).shape == (2, 3)


def test_inception_is_initialised_as_torchvisions() -> None:
    """Normal of 0.1, and of 0.001 in the side head's last layer; cut off at 2 it stays so."""
    model = LEAST["Inception"][0]
    assert float(model.Mixed_7c.branch1x1.conv.weight.detach().std()) == pytest.approx(0.1, rel=0.01)
    assert float(model.AuxLogits.conv1.conv.weight.detach().std()) == pytest.approx(0.1, rel=0.01)
    assert float(model.AuxLogits.fc.weight.detach().std()) == pytest.approx(0.001, rel=0.05)


@pytest.mark.parametrize("block", [ResidualBlock, BottleneckBlock])
def test_a_block_without_its_own_findings_is_its_input(block: type) -> None:
    """With zeros in its last normalisation only the way past is left: the block is the identity of what is not negative."""
    made = block(8 * block.expansion, 8)
    nn.init.zeros_((made.bn2 if block is ResidualBlock else made.bn3).weight)
    x = torch.rand(3, 8 * block.expansion, 5, 5)
    assert made.downsample is None
    assert torch.equal(made(x), x)
    assert made(torch.rand(2, 8 * block.expansion, 5, 5)).shape == (2, 8 * block.expansion, 5, 5)


def test_resnet_starts_as_the_paper_says() -> None:
    """Kaiming's normal numbers by fan-out, so that gradients keep their size."""
    with seeded(1):
        model = ResNet(ResidualBlock, (1, 1, 1, 1), 3)
    weight: Tensor = model.layer4[0].conv2.weight
    assert float(weight.detach().std()) == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)


def test_backbones_by_name() -> None:
    assert list(BACKBONES)[0] == "small"
    assert {row.name for row in BACKBONES.values()} == set(BACKBONES)
    assert backbone("small")(5, channels=1, size=28)(torch.zeros(2, 1, 28, 28)).shape == (2, 5)
    assert sum(p.numel() for p in backbone("small")(10).parameters()) == 232_794
    for name in ("lenet", "convnet"):
        assert backbone(name)(4, channels=1, size=28)(torch.zeros(2, 1, 28, 28)).shape == (2, 4)
    assert isinstance(backbone("resnet18")(3, channels=1, size=32), ResNet)
    assert backbone("inception")(3, size=96).AuxLogits is None


def test_backbones_refuse_what_they_cannot_take() -> None:
    with pytest.raises(ModelError, match=r"Unknown backbone 'resnet19'; known: small, .* Did you mean 'resnet18'\?"):
        backbone("resnet19")
    with pytest.raises(ModelError, match=r"The backbone 'vgg16' needs pictures of 32 pixels a side or more, not 28\."):
        backbone("vgg16")(10, size=28)
    with pytest.raises(ModelError, match=r"larger \(--size 32 or more\), or take the backbone 'small'\.$"):
        backbone("vgg16")(10, size=28)
    with pytest.raises(ModelError, match=r"'small' needs .* not 2\. Read them larger \(--size 8 or more\)\.$"):
        backbone("small")(10, size=2)
    with pytest.raises(
        ModelError, match="'lenet' takes pictures of 28 × 28 pixels and 1 channel alone, not 32 × 32 and 3"
    ) as caught:
        backbone("lenet")(10, size=32)
    assert "--size 28 --channels grey), or take the backbone 'small'." in str(caught.value)
    with pytest.raises(ModelError, match=r"Unknown architecture 'resnet'; .* Did you mean"):
        maker("resnet")
