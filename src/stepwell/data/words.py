"""Texts as words, and words as numbers."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from stepwell.core.errors import DataError

CODE_WORD = r"[a-zA-Z0-9_]+"
"""What is a word in the source of a program: a name, a keyword or a number. Strings and comments give words, too."""


def words(text: str, pattern: str = CODE_WORD) -> list[str]:
    """The words of a text in order: what matches the regular expression; all else parts them and is lost."""
    return re.findall(pattern, text)


def word_index(words: Iterable[str]) -> dict[str, int]:
    """Each word's number: its place among the different words in the order of their letters' codes."""
    return {word: number for number, word in enumerate(sorted(set(words)))}


def encode_words(words: Iterable[str], index: Mapping[str, int]) -> Tensor:
    """The words' numbers: int64 of shape `(words,)`; `torch.nn.functional.one_hot(numbers, len(index))` widens them.

    Raises `DataError` for a word that the index lacks. Source: Stevens et al., section 4.5 and its exercises (row S4.9).
    """
    known = list(words)
    for place, word in enumerate(known):
        if word not in index:
            raise DataError(
                f"Word {place}, {word!r}, is not in the index of {len(index)} words. Build it from all texts."
            )
    return torch.tensor([index[word] for word in known], dtype=torch.int64)
