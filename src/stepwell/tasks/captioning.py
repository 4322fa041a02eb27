"""Captions of pictures: what logits of one word after another are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.data.captions import END, caption_text
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import Task, at_least_float32
from stepwell.tasks.classification import refuse_probabilities


def real_words(targets: Tensor) -> Tensor:
    """Which numbers of captions `(batch, steps)` count, bool: the words and the end sign, but not what fills a row up."""
    ends = targets == END
    return ends.cumsum(1) - ends.long() == 0


class WordsRight(Metric):
    """`accuracy`, the share of words that are right, each after the true words before it, and `captions_right`, the share
    of captions with all words right; the end sign counts as a word, and what fills a row up does not.

    A caption is right here just where decoding word by word gives it, for then both are fed the same words. The state is
    `(4,)` int64: right words, words, right captions, captions.
    """

    needs: ClassVar[View] = "labels"

    def zero(self, device: torch.device) -> Tensor:
        """`(4,)` zeros."""
        return torch.zeros(4, dtype=torch.int64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Count a batch of words `(batch, steps)`."""
        real = real_words(targets)
        right = predicted == targets
        whole = (right | ~real).all(1)
        state += torch.stack([(right & real).sum(), real.sum(), whole.sum(), torch.full_like(whole, True).sum()])

    def compute(self, state: Tensor) -> dict[str, float]:
        """Both shares; NaN of no rows."""
        right, words, whole, captions = state.tolist()
        nan = float("nan")
        return {"accuracy": right / words if words else nan, "captions_right": whole / captions if captions else nan}


@dataclass(frozen=True, kw_only=True, eq=False)
class Captioning(Task):
    """Captions, word by word. Outputs are logits `(batch, steps, words)`, targets numbers of words `(batch, steps)`, int64.

    `words` are the words by number; 0 is the end sign, which also fills a row up. What comes after a row's first end sign
    is left out of the loss, the mean and the metrics, so the loss is the mean cross-entropy of the real words.
    """

    words: tuple[str, ...]

    watch: ClassVar[tuple[str, Literal["min", "max"]]] = ("loss", "min")

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The sum of the cross-entropies of each row's words, `(batch,)`."""
        _check_shapes(outputs, targets)
        each = F.cross_entropy(at_least_float32(outputs).transpose(1, 2), targets, reduction="none")
        return (each * real_words(targets)).sum(1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over the words of all rows."""
        return self.losses(outputs, targets).sum() / self.weight(targets)

    def weight(self, targets: Tensor) -> Tensor:
        """The number of words, end signs included."""
        return real_words(targets).sum()

    def view(self, view: View, outputs: Tensor) -> Tensor:
        """The likeliest word of each step."""
        if view != "labels":
            raise TaskError(f"A metric of {view} does not fit captions, whose words are labels.")
        return outputs.argmax(2)

    def metrics(self) -> tuple[Metric, ...]:
        """The shares of words and of captions that are right."""
        return (WordsRight(),)

    def train_metrics(self) -> tuple[Metric, ...]:
        """The same."""
        return self.metrics()

    def check_targets(self, targets: Tensor) -> None:
        """Targets are int64 `(batch, steps)`, and numbers of words."""
        if targets.dtype != torch.int64:
            raise TaskError(f"The targets are {targets.dtype}; numbers of words are int64: targets.long().")
        if targets.dim() != 2 or not targets.numel():
            raise TaskError(f"The targets have the shape {tuple(targets.shape)}; captions are (batch, steps).")
        low, high = (int(bound) for bound in targets.aminmax())
        if low < 0 or high >= len(self.words):
            wrong = low if low < 0 else high
            raise TaskError(f"There is a target {wrong}, but {len(self.words)} words are numbered from 0.")

    def check_outputs(self, outputs: Tensor, targets: Tensor) -> None:
        """Outputs are logits, one a word and step."""
        _check_shapes(outputs, targets)
        if outputs.shape[2] != len(self.words):
            raise TaskError(
                f"The model gives {outputs.shape[2]} numbers a step, but there are {len(self.words)} words."
            )
        refuse_probabilities(outputs)

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities, in the outputs' shape."""
        return outputs.softmax(2)

    def answers(self, outputs: Tensor) -> list[dict[str, Any]]:
        """`{"caption": text}` a row: the likeliest words up to the first end sign.

        They are what a model says by itself where it was given no captions.
        """
        rows: Sequence[Sequence[int]] = outputs.argmax(2).tolist()
        return [{"caption": caption_text(row, self.words)} for row in rows]

    def name_target(self, target: Tensor) -> str:
        """The caption of numbers `(steps,)`, or of the likeliest words of logits `(steps, words)`."""
        numbers: list[int] = (target.argmax(1) if target.dim() == 2 else target).tolist()
        return caption_text(numbers, self.words)


def _check_shapes(outputs: Tensor, targets: Tensor) -> None:
    if outputs.dim() != 3 or outputs.shape[:2] != targets.shape:
        raise TaskError(
            f"The outputs have the shape {tuple(outputs.shape)}, the targets {tuple(targets.shape)}; expected"
            " (batch, steps, words) and (batch, steps): one number of a word for each vector of outputs."
        )
