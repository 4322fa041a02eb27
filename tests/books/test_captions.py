"""Captions: Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, row S2.5 (NeuralTalk2)."""

from functools import partial

import pytest
import torch
from torch import Tensor

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.data import whole
from stepwell.models import Captioner, CycleGAN, FromPixels, SmallNet
from stepwell.recipes.captions import captions
from stepwell.training import evaluate

row = partial(pytest.mark.book, "dlwp-chapters-1-8")


def fresh(words: int = 9) -> Captioner:
    with seeded(0):
        encoder = FromPixels(SmallNet(12, 3, 4), (0.3, 0.3, 0.3), (0.2, 0.2, 0.2))
        return Captioner(encoder, 12, words, 16, most=5).eval()


@row("S2.5", recipe="captions", kind="property")
def test_s2_5_trained_jointly_it_captions_held_out_pictures_rightly():
    """Encoder and decoder, trained jointly on pictures and captions, caption pictures that they have not seen."""
    experiment = captions(pictures=2600, size=24, val=0.1, test=0.1, epochs=5)
    before = {name: value.clone() for name, value in experiment.model.named_parameters()}
    training = sw.fit(experiment)
    assert all(not torch.equal(value, before[name]) for name, value in experiment.model.named_parameters())
    found = evaluate(training.experiment, "test").metrics
    assert found["accuracy"] > 0.95
    pictures, told = whole(experiment.data.test).inputs
    said = experiment.model.caption(pictures, most=told.shape[1])
    right = (torch.nn.functional.pad(said, (0, told.shape[1] - said.shape[1])) == told).all(1).double().mean()
    assert float(right) == pytest.approx(found["captions_right"], abs=0.01)  # decoded word by word, too
    assert float(right) > 0.8


@row("S2.5", recipe="models.Captioner", kind="exact")
def test_s2_5_each_step_is_fed_its_previous_output():
    """The decoder begins with the picture, and each step is fed it with the word that the one before gave."""
    model, fed = fresh(), list[Tensor]()
    pictures = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    hook = model.decoder.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0][:, 0]))
    logits = model(pictures)
    hook.remove()
    seen = model.seen(model.encoder(pictures))
    torch.testing.assert_close(fed[0], seen)
    for step in range(1, 5):
        torch.testing.assert_close(fed[step], seen + model.embedding(logits[:, step - 1].argmax(1)))


@row("S2.5", recipe="models.Captioner", kind="property")
def test_s2_5_what_a_cyclegan_makes_can_be_captioned():
    """A generator's picture goes into the captioner: each gets a caption, which is that of the picture as a file."""
    with seeded(0):
        gan = CycleGAN(width=4, blocks=1).eval()
    photos = torch.randint(256, (2, 3, 32, 40), generator=torch.Generator().manual_seed(2)).to(torch.uint8)
    with torch.no_grad():
        made = (gan.a_to_b(2 * (photos / 255) - 1) + 1) / 2
    said = fresh().caption(made)
    assert said.shape[0] == 2
    assert 1 <= said.shape[1] <= 5
    assert torch.equal(said, fresh().caption((255 * made).round().to(torch.uint8)))
