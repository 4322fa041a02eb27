"""CycleGAN: Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, rows S2.3 (a horse into a zebra) and S2.4 (the game)."""

import os
from functools import partial
from pathlib import Path

import pytest
import torch

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.data import read_picture
from stepwell.models import CycleGAN, PatchDiscriminator, ResNetGenerator
from stepwell.recipes.cyclegan import cyclegan
from stepwell.recipes.translate import HORSE_TO_ZEBRA, load_translator, translated

row = partial(pytest.mark.book, "dlwp-chapters-1-8")

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


def count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@row("S2.3", recipe="models.ResNetGenerator", kind="exact")
def test_s2_3_generator():
    """11,378,179 parameters in nine blocks, under the names of the book's file: convolutions 1, 4 and 7, blocks 10 to 18."""
    generator = ResNetGenerator()
    assert count(generator) == 11_378_179
    names = [name.removesuffix(".weight") for name in generator.state_dict() if name.endswith(".weight")]
    blocks = [f"model.{number}.conv_block.{layer}" for number in range(10, 19) for layer in (1, 5)]
    assert names == ["model.1", "model.4", "model.7", *blocks, "model.19", "model.22", "model.26"]
    kinds = {type(module).__name__ for module in generator.model}
    assert kinds == {"ReflectionPad2d", "Conv2d", "InstanceNorm2d", "ReLU", "Block", "ConvTranspose2d", "Tanh"}


@row("S2.3", recipe="stepwell translate", kind="exact")
def test_s2_3_sizes(tmp_path: Path):
    """The book's horse of 1500 by 1220 becomes 314 by 256, and comes out as 316 by 256, whatever the weights."""
    picture = read_picture(shared("images/horse.jpg"))
    assert tuple(picture.shape) == (3, 1220, 1500)
    torch.save(ResNetGenerator(width=2, blocks=1).state_dict(), tmp_path / "weights.pth")
    assert translated(load_translator(tmp_path / "weights.pth"), picture).shape == (3, 256, 316)


@row("S2.3", recipe="stepwell translate", kind="property")
def test_s2_3_a_horse_becomes_a_zebra():
    """With the book's weights, which are a download, the picture changes and stays a picture of the same scene."""
    weights = shared(f"weights/{HORSE_TO_ZEBRA}")
    picture = read_picture(shared("images/horse.jpg"), size=(128, 128))
    made = translated(load_translator(weights), picture, shorter=None).float()
    assert 5 < float((made - picture).abs().mean()) < 80
    assert float(torch.corrcoef(torch.stack([made.flatten(), picture.float().flatten()]))[0, 1]) > 0.4


@row("S2.4", recipe="models.CycleGAN", kind="property")
def test_s2_4_two_of_each():
    """Two generators and two discriminators; the way there and back, and judgements of patches of 70 by 70 pixels."""
    with seeded(0):
        gan = CycleGAN(width=4, blocks=1)
    assert isinstance(gan.a_to_b, ResNetGenerator)
    assert isinstance(gan.judge_a, PatchDiscriminator)
    made = gan.make(*torch.rand(2, 1, 3, 72, 72))
    torch.testing.assert_close(made.cycled_a, gan.b_to_a(gan.a_to_b(made.real_a)))
    assert gan.judge_b(made.fake_b).shape == (1, 1, 7, 7)


@row("S2.4", recipe="cyclegan", kind="property")
def test_s2_4_the_game_is_played():
    """Horses and deer without pairs: in two epochs the way there and back loses less, and neither side has won."""
    archive = shared("cifar-10/cifar-10-jpg.tar.gz")
    training = sw.fit(cyclegan(data=archive, pictures=96, width=8, blocks=1, epochs=2, batch_size=4))
    first, last = (training.history[epoch] for epoch in (0, 1))
    assert last["val"]["cycle"] < first["val"]["cycle"]
    assert 0.02 < last["val"]["judged"] < 0.5  # 0.25 is guessing
    assert last["val"]["fooled"] > 0.02
