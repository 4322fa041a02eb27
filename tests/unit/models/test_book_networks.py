"""The books' own networks: what they compute, layer by layer, against torch's functions."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.models import CNN2, ConvNet, LeNet5, LineNet, raff_cnn, raff_linear, raff_pooled_cnn


def weights(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters())


def test_line_net_is_a_convolution_and_two_linear_layers() -> None:
    model, x = LineNet(), torch.randn(4, 1, 10, 10)
    w = weights(model)
    found = F.max_pool2d(F.conv2d(x, w["conv1.weight"], w["conv1.bias"]).relu(), 2).flatten(1)
    hidden = F.linear(found, w["fc1.weight"], w["fc1.bias"]).relu()
    torch.testing.assert_close(model(x), F.linear(hidden, w["fc2.weight"], w["fc2.bias"]))
    assert list(dict(model.named_children())) == ["conv1", "relu1", "maxp1", "flatten", "fc1", "relu2", "fc2"]


@pytest.mark.parametrize("size", [5, 9, 10])
def test_line_net_takes_other_sizes(size: int) -> None:
    assert LineNet(size, 4)(torch.randn(2, 1, size, size)).shape == (2, 4)


def test_lenet_has_an_activation_after_each_of_its_four_hidden_layers() -> None:
    """The book's code gives two of them one name, so it has three."""
    model = LeNet5()
    assert sum(isinstance(module, nn.ReLU) for module in model.modules()) == 4
    assert list(dict(model.featurizer.named_children())) == [
        "c1",
        "func1",
        "s2",
        "c3",
        "func2",
        "s4",
        "c5",
        "func3",
        "flatten",
    ]
    assert list(dict(model.classifier.named_children())) == ["f6", "func4", "output"]
    features = model.featurizer(torch.randn(3, 1, 28, 28))
    assert features.shape == (3, 120)
    assert bool((features >= 0).all())


def test_cnn2_is_its_classifier_on_its_featurizer() -> None:
    model, x = CNN2(5, 0.3).eval(), torch.randn(2, 3, 28, 28)
    w = weights(model)
    one = F.max_pool2d(F.conv2d(x, w["conv1.weight"], w["conv1.bias"]).relu(), 2)
    two = F.max_pool2d(F.conv2d(one, w["conv2.weight"], w["conv2.bias"]).relu(), 2)
    assert two.shape == (2, 5, 5, 5)
    torch.testing.assert_close(model.featurizer(x), two.flatten(1))
    hidden = F.linear(two.flatten(1), w["fc1.weight"], w["fc1.bias"]).relu()
    torch.testing.assert_close(model(x), F.linear(hidden, w["fc2.weight"], w["fc2.bias"]))


def test_cnn2_drops_before_each_linear_layer_and_only_in_training() -> None:
    model, x = CNN2(5, 0.5), torch.randn(2, 3, 28, 28)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
    assert [name for name, module in model.named_modules() if isinstance(module, nn.Dropout)] == ["drop1", "drop2"]


def test_raff_networks_are_stacks_with_tanh() -> None:
    for model, convolutions, poolings in ((raff_linear(), 0, 0), (raff_cnn(), 1, 0), (raff_pooled_cnn(), 6, 2)):
        kinds = [type(layer) for layer in model]
        assert kinds.count(nn.Conv2d) == convolutions
        assert kinds.count(nn.MaxPool2d) == poolings
        assert kinds.count(nn.Tanh) == max(convolutions, 1)
        assert kinds[-1] is nn.Linear


def test_raff_convolutions_keep_the_size() -> None:
    for kernel in (1, 3, 5, 7):
        assert raff_cnn(kernel=kernel)[0](torch.randn(1, 1, 28, 28)).shape == (1, 16, 28, 28)


@pytest.mark.parametrize("size", [4, 5, 18, 32])
def test_raff_pooled_takes_sizes_that_four_does_not_divide(size: int) -> None:
    """The book counts inputs as 2 · filters · pixels / 16, which fits multiples of 4 alone."""
    assert raff_pooled_cnn(3, channels=3, size=size)(torch.randn(2, 3, size, size)).shape == (2, 3)


def test_raff_refuses_what_cannot_be() -> None:
    with pytest.raises(ModelError, match="kernel of 4 pixels has no centre"):
        raff_cnn(kernel=4)
    with pytest.raises(ModelError, match="3×3 pixels have none left"):
        raff_pooled_cnn(size=3)


def test_convnet_gives_logits_whose_log_softmax_is_the_books_output() -> None:
    logits, book, x = ConvNet().eval(), ConvNet(log_probabilities=True).eval(), torch.randn(3, 1, 28, 28)
    book.load_state_dict(logits.state_dict())
    torch.testing.assert_close(book(x), logits(x).log_softmax(1))
    y = torch.tensor([3, 0, 9])
    torch.testing.assert_close(F.cross_entropy(logits(x), y), F.nll_loss(book(x), y))


def test_convnet_drops_whole_channels_and_then_single_numbers() -> None:
    model = ConvNet().train()
    maps = model.drop1(torch.ones(200, 32, 12, 12))
    assert bool(((maps == 0).flatten(2).all(2) | (maps != 0).flatten(2).all(2)).all())
    assert float((maps == 0).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert float((model.drop2(torch.ones(200, 64)) == 0).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_pooling_before_the_relu_changes_no_bit() -> None:
    """The overview pools what the ReLU gives: the same numbers, and the same gradients."""
    with seeded(3):
        model, images = ConvNet().eval(), torch.randn(8, 1, 28, 28)

    def books(x: torch.Tensor) -> torch.Tensor:
        found = model.pool(model.relu2(model.conv2(model.relu1(model.conv1(x)))))
        return model.fc2(model.relu3(model.fc1(found.flatten(1))))

    found = [_with_gradients(model, function, images) for function in (model, books)]
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)


def _with_gradients(
    model: nn.Module, function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor
) -> list[torch.Tensor]:
    outputs = function(x)
    return [outputs, *torch.autograd.grad(outputs.square().sum(), list(model.parameters()))]
