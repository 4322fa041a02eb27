"""The designs for birds and airplanes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stepwell.core.errors import ModelError
from stepwell.models import DESIGNS, Net, NetDepth, NetResDeep
from stepwell.models.cifar import ResBlock


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_has_the_parameters_that_it_says_and_takes_a_number_of_classes(name: str) -> None:
    design = DESIGNS[name]
    assert sum(p.numel() for p in design.make().parameters()) == design.parameters
    assert design.make(classes=5)(torch.randn(2, 3, 32, 32)).shape == (2, 5)
    assert design.against is None or design.against in DESIGNS


def test_net_is_what_the_book_writes() -> None:
    model, x = Net(), torch.randn(3, 3, 32, 32)
    w = dict(model.named_parameters())
    one = F.max_pool2d(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=1).tanh(), 2)
    two = F.max_pool2d(F.conv2d(one, w["conv2.weight"], w["conv2.bias"], padding=1).tanh(), 2)
    hidden = F.linear(two.flatten(1), w["fc1.weight"], w["fc1.bias"]).tanh()
    torch.testing.assert_close(model(x), F.linear(hidden, w["fc2.weight"], w["fc2.bias"]))


def test_net_adds_layers_in_the_books_order() -> None:
    names = list(dict(Net(dropout=0.4, batchnorm=True).named_children()))
    assert names[:5] == ["conv1", "conv1_batchnorm", "act1", "pool1", "conv1_dropout"]
    assert names[5:] == ["conv2", "conv2_batchnorm", "act2", "pool2", "conv2_dropout", "flatten", "fc1", "act3", "fc2"]
    assert isinstance(Net(dropout=0.4).conv1_dropout, nn.Dropout2d)
    with pytest.raises(ModelError, match="kernel of 2 pixels has no centre"):
        Net(kernel=2)


def test_the_shortcut_adds_the_second_block_before_the_last_pooling() -> None:
    plain, residual, x = NetDepth(8), NetDepth(8, residual=True), torch.randn(2, 3, 32, 32)
    residual.load_state_dict(plain.state_dict())
    assert not torch.equal(plain(x), residual(x))
    with torch.no_grad():
        residual.conv3.weight.zero_()
        residual.conv3.bias.zero_()
    before = residual.pool2(residual.act2(residual.conv2(residual.pool1(residual.act1(residual.conv1(x))))))
    expected = residual.fc2(residual.act4(residual.fc1(residual.pool3(before).flatten(1))))
    torch.testing.assert_close(residual(x), expected)


def test_a_block_adds_to_its_input_and_begins_as_the_book_says() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        block = ResBlock(64)
    assert block.conv.bias is None
    assert bool((block.batch_norm.weight == 0.5).all() and (block.batch_norm.bias == 0).all())
    assert float(block.conv.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)  # He
    with torch.no_grad():
        block.conv.weight.zero_()
    x = torch.randn(2, 64, 5, 5)
    assert torch.equal(block.eval()(x), x)


def test_blocks_are_of_their_own_unless_they_are_asked_to_be_one() -> None:
    own, shared = NetResDeep(4, blocks=5), NetResDeep(4, blocks=5, shared=True)
    assert len({id(block) for block in own.resblocks}) == 5
    assert len({id(block) for block in shared.resblocks}) == 1
    assert len(shared.resblocks) == 5


def test_a_hundred_blocks_neither_blow_up_nor_fade_what_goes_through() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, x = NetResDeep(16, blocks=100).train(), torch.randn(16, 3, 32, 32)
    model(x).square().sum().backward()
    sizes = [float(block.conv.weight.grad.norm()) for block in model.resblocks]
    assert min(sizes) > 0
    assert max(sizes) / min(sizes) < 1e3
