"""The captioner: step by step as all at once, what each step may know, and when it stops."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.data.captions import END
from stepwell.models import Captioner, DigitNet
from stepwell.tasks import Captioning

WORDS, STEPS = 7, 5
PICTURES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
CAPTIONS = torch.tensor([[3, 4, 5, 0, 0], [2, 0, 0, 0, 0], [6, 1, 1, 3, 0], [1, 2, 3, 4, 0]])
CELLS: tuple[Literal["gru", "lstm"], ...] = ("gru", "lstm")


def made(cell: Literal["gru", "lstm"] = "gru", seed: int = 3, most: int = 6) -> Captioner:
    with seeded(seed):
        return Captioner(DigitNet(4, 8, 6), 6, WORDS, 10, cell=cell, most=most).eval()


def by_hand(model: Captioner, pictures: Tensor, fed: Tensor) -> Tensor:
    """One step after another with torch's cells: the picture, then it with each of the words `fed`."""
    parts, lstm = model.decoder, isinstance(model.decoder, nn.LSTM)
    cell = (nn.LSTMCell if lstm else nn.GRUCell)(10, 10)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in parts.state_dict().items()})
    seen = model.seen(model.encoder(pictures))
    inputs = [seen, *(seen + word for word in model.embedding(fed).unbind(1))]
    hidden, found = None, []
    for each in inputs:
        hidden = cell(each, hidden)
        found.append(model.words(hidden[0] if lstm else hidden))
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("cell", CELLS)
def test_all_steps_at_once_are_one_after_another(cell: Literal["gru", "lstm"]) -> None:
    model = made(cell)
    torch.testing.assert_close(model(PICTURES, CAPTIONS), by_hand(model, PICTURES, CAPTIONS[:, :-1]))


@pytest.mark.parametrize("cell", CELLS)
def test_what_it_says_is_what_it_would_say_if_it_were_told_so(cell: Literal["gru", "lstm"]) -> None:
    """Each step is fed the word before: told its own words, it gives the same logits, and they are the likeliest."""
    model = made(cell)
    free = model(PICTURES)
    words = free.argmax(2)
    assert free.shape == (4, 6, WORDS)
    torch.testing.assert_close(model(PICTURES, words), free)


def test_a_step_knows_only_the_words_before_it() -> None:
    model = made()
    before = model(PICTURES, CAPTIONS)
    for step in range(STEPS):
        other = CAPTIONS.clone()
        other[:, step] = (other[:, step] + 1) % WORDS
        after = model(PICTURES, other)
        torch.testing.assert_close(after[:, : step + 1], before[:, : step + 1])
        assert step == STEPS - 1 or not torch.allclose(after[:, step + 1], before[:, step + 1])


def test_every_step_knows_the_picture() -> None:
    model = made()
    other = model(PICTURES.flip(3), CAPTIONS)
    assert bool((model(PICTURES, CAPTIONS) != other).flatten(2).any(2).all())


def test_filling_up_changes_no_loss() -> None:
    model, task = made(), Captioning(words=tuple("eu12345"))
    longer = torch.cat([CAPTIONS, torch.full((4, 3), END)], dim=1)
    short, long = (task.loss(model(PICTURES, given), given) for given in (CAPTIONS, longer))
    torch.testing.assert_close(short, long)
    gradients = [torch.autograd.grad(loss, model.encoder.parameters()) for loss in (short, long)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_captions_end_and_stay_ended() -> None:
    model = made(seed=211, most=30)
    with torch.no_grad():
        model.seen[1].weight *= 4  # so that captions differ
    said = model.caption(PICTURES)
    ended = (said == END).cumsum(1) > 0
    assert bool((said[ended] == END).all())
    assert bool(ended[:, -1].all())
    assert not bool(ended[:, 0].all())
    assert said.shape[1] == int((~ended).sum(1).max()) + 1 < 30  # it stopped when the last had ended
    assert torch.equal(model.caption(PICTURES, most=2), said[:, :2])


def test_others_in_the_batch_change_no_caption() -> None:
    model = made()
    together = model.caption(PICTURES, most=6)
    for row in range(4):
        alone = model.caption(PICTURES[row : row + 1], most=6)
        assert torch.equal(alone[0], together[row, : alone.shape[1]])
        assert not together[row, alone.shape[1] :].any()


def test_a_caption_is_said_in_eval_mode_and_the_mode_is_given_back() -> None:
    with seeded(1):
        model = Captioner(nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), 64, WORDS, 10).train()
    assert torch.equal(model.caption(PICTURES), model.caption(PICTURES))
    assert model.training
    assert not model.caption(PICTURES).requires_grad


def test_the_end_is_that_of_the_data() -> None:
    assert Captioner.END == END


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cell": "gro"}, "Unknown cell 'gro'; known: gru, lstm. Did you mean 'gru'?"),
        ({"width": 0}, "width=0: a captioner needs 1 or more."),
        ({"most": 0}, "most=0"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said.replace("?", r"\?")):
        Captioner(nn.Flatten(), 64, WORDS, **settings)  # type: ignore[arg-type]


def test_what_does_not_fit_is_told() -> None:
    model = made()
    with pytest.raises(ModelError, match=r"captions are torch\.float32 of the shape \(4, 5\); .*int64 \(4, steps\)"):
        model(PICTURES, CAPTIONS.float())
    for wrong in (CAPTIONS[:3], CAPTIONS[0], CAPTIONS[:, :0]):
        with pytest.raises(ModelError, match="expected are numbers of words"):
            model(PICTURES, wrong)
    with pytest.raises(ModelError, match=r"The encoder gives \(4, 64\); expected is \(batch, 6\)"):
        Captioner(nn.Flatten(), 6, WORDS)(PICTURES, CAPTIONS)
    with pytest.raises(ModelError, match=r"The encoder gives \(4, 1, 8, 8\)"):
        Captioner(nn.Identity(), 8, WORDS)(PICTURES, CAPTIONS)
