"""Captions as numbers of words, and back."""

from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.words import word_index, words

END, UNKNOWN = 0, 1
"""The number that ends a caption and fills it up, and that of every word that was not counted."""

SIGNS = ("<end>", "<unknown>")
"""What the two are called; no word of a caption has such signs."""

_WORD = r"\w+(?:['’\-]\w+)*"  # it's and black-and-white are one word each


def caption_words(text: str) -> list[str]:
    """The words of a caption, in small letters; punctuation is lost."""
    return words(text.lower(), _WORD)


def known_words(captions: Iterable[str], least: int = 1) -> tuple[str, ...]:
    """The words by number: the two signs, and every word that stands `least` times or more in the captions, sorted.

    Give it the training rows' captions alone: what only others have is unknown.
    """
    counts = Counter(word for text in captions for word in caption_words(text))
    return (*SIGNS, *word_index(word for word, count in counts.items() if count >= least))


def encode_captions(captions: Sequence[str], known: Sequence[str]) -> Int64[Tensor, "n steps"]:
    """Captions as numbers of `known` words, each ended, and filled up to the longest, with `END`.

    Raises `DataError` for a caption without words.
    """
    index = {word: number for number, word in enumerate(known)}
    rows = [[index.get(word, UNKNOWN) for word in caption_words(text)] for text in captions]
    empty = next((place for place, row in enumerate(rows) if not row), None)
    if empty is not None:
        raise DataError(f"Caption {empty}, {captions[empty]!r}, has no words. Write some, or leave its picture out.")
    steps = max(map(len, rows), default=0) + 1
    return torch.tensor([row + [END] * (steps - len(row)) for row in rows], dtype=torch.int64).view(-1, steps)


def caption_text(numbers: Iterable[int], known: Sequence[str]) -> str:
    """The words of numbers up to the first `END`, with a space between them."""
    found = []
    for number in numbers:
        if number == END:
            break
        found.append(known[number])
    return " ".join(found)
