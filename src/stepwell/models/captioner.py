"""A network that says in words what a picture shows: an encoder of pictures, and a recurrent decoder of words.

Vinyals, Toshev, Bengio, Erhan, *Show and tell: a neural image caption generator* (CVPR 2015).
"""

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from stepwell.core.errors import ModelError, suggest
from stepwell.core.modules import mode_restored
from stepwell.core.trees import Tree

CELLS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}


class Captioner(nn.Module):
    """Pictures, as `encoder` takes them, to words: numbers from 0 to `words - 1`, of which 0 ends a caption and fills it up.

    `encoder` gives `(batch, features)`, whatever network it is; a linear layer and a layer normalisation make `width` numbers
    of them, as large as a word's. The decoder, a `gru` or an `lstm` of that width, is first fed these, and gives logits of
    the first word; from then on each step is fed the word before, as a vector that is added to the picture's (row S2.5 of
    Stevens et al.: NeuralTalk2). Gradients of the words reach the encoder, so both halves learn jointly. `most` bounds the
    words that are said without being given.

    The paper feeds the picture once, and then a word for the beginning. Fed at every step, as by Mao et al. (*Deep captioning
    with multimodal recurrent neural networks*, ICLR 2015), it is learnt many times faster: of drawn scenes the other way had
    no shape told from another after twelve epochs, this one nearly all after six.

    Raises `ModelError` for an unknown cell, and for numbers that leave nothing to say.
    """

    END = 0

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        words: int,
        width: int = 128,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        most: int = 20,
    ) -> None:
        super().__init__()
        _check(cell, features=features, words=words, width=width, most=most)
        self.most = most
        self.encoder = encoder
        self.features = features
        self.seen = nn.Sequential(nn.Linear(features, width), nn.LayerNorm(width))
        self.embedding = nn.Embedding(words, width)
        self.decoder = CELLS[cell](width, width, batch_first=True)
        self.words = nn.Linear(width, words)

    def forward(
        self, pictures: Tensor, captions: Int64[Tensor, "batch steps"] | None = None
    ) -> Float[Tensor, "batch steps words"]:
        """Logits of each word, given the true words before it (teacher forcing): those at `[:, t]` depend on `captions[:, :t]`
        alone. Without captions each step is fed the likeliest word of the one before, and there are `most` steps.

        Raises `ModelError` for captions that are not int64 `(batch, steps)`, and for features of another shape.
        """
        begun = self._begun(pictures)
        if captions is None:
            return self._said(begun, self.most)
        _check_captions(captions, len(begun))
        return self._logits(torch.cat([begun, begun + self.embedding(captions[:, :-1])], dim=1), None)[0]

    def caption(self, pictures: Tensor, most: int | None = None) -> Int64[Tensor, "batch steps"]:
        """The likeliest word at each step, fed back into the next, in eval mode and without gradients.

        It stops when every caption has ended, and after `most` steps (default: the model's). After its end sign a caption
        has end signs only.
        """
        with mode_restored(self), torch.no_grad():
            said = self.eval()._said(self._begun(pictures), self.most if most is None else most, stop=True).argmax(2)
        ended = (said == self.END).cumsum(1) > 0
        return said.masked_fill(ended, self.END)

    def _begun(self, pictures: Tensor) -> Float[Tensor, "batch 1 width"]:
        """The pictures as the decoder is fed them, first alone and then with each word."""
        features = self.encoder(pictures)
        if not isinstance(features, Tensor) or features.shape[1:] != (self.features,):
            found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ModelError(
                f"The encoder gives {found}; expected is (batch, {self.features}), the captioner's `features`."
            )
        begun: Tensor = self.seen(features)
        return begun.unsqueeze(1)

    def _said(self, begun: Tensor, steps: int, *, stop: bool = False) -> Float[Tensor, "batch steps words"]:
        """Logits of words that are each fed the one before; `stop` ends when all captions have."""
        fed, state, said = begun, None, []
        ended = torch.zeros(len(begun), dtype=torch.bool, device=begun.device)
        for _ in range(steps):
            logits, state = self._logits(fed, state)
            said.append(logits)
            word = logits.argmax(2)
            ended |= word[:, 0] == self.END
            if stop and bool(ended.all()):
                break
            fed = begun + self.embedding(word)
        return torch.cat(said, dim=1)

    def _logits(self, fed: Float[Tensor, "batch steps width"], state: Tree) -> tuple[Tensor, Tree]:
        """The logits after each step, and the state after the last."""
        with torch.autocast(fed.device.type, enabled=False):  # torch has no LSTM in bf16 for many CPUs
            hidden, state = self.decoder(fed.to(self.words.weight), state)
        return self.words(hidden), state


def _check(cell: str, **numbers: int) -> None:
    if cell not in CELLS:
        raise ModelError(f"Unknown cell {cell!r}; known: {', '.join(CELLS)}.{suggest(cell, CELLS)}")
    for name, number in numbers.items():
        if number < 1:
            raise ModelError(f"{name}={number}: a captioner needs 1 or more.")


def _check_captions(captions: Tensor, rows: int) -> None:
    if captions.dtype != torch.int64 or captions.dim() != 2 or len(captions) != rows or not captions.shape[1]:
        raise ModelError(
            f"The captions are {captions.dtype} of the shape {tuple(captions.shape)}; expected are numbers of words, int64"
            f" ({rows}, steps), one row a picture, each ended and filled up with {Captioner.END}."
        )
