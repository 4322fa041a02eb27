"""Captions as numbers."""

import pytest

from stepwell.core.errors import DataError
from stepwell.data.captions import END, SIGNS, UNKNOWN, caption_text, caption_words, encode_captions, known_words

TEXTS = ("A dog on the beach.", "It's a black-and-white dog!", "the dog")


def test_words_of_a_caption() -> None:
    assert caption_words(TEXTS[1]) == ["it's", "a", "black-and-white", "dog"]
    assert caption_words("Ein Hund, ein Bär; 2 Bälle") == ["ein", "hund", "ein", "bär", "2", "bälle"]


def test_captions_there_and_back() -> None:
    known = known_words(TEXTS)
    assert known == (*SIGNS, "a", "beach", "black-and-white", "dog", "it's", "on", "the")
    numbers = encode_captions(TEXTS, known)
    assert numbers.tolist() == [[2, 5, 7, 8, 3, END], [6, 2, 4, 5, END, END], [8, 5, END, END, END, END]]
    assert [caption_text(row, known) for row in numbers.tolist()] == [" ".join(caption_words(text)) for text in TEXTS]


def test_rare_and_new_words_are_unknown() -> None:
    known = known_words(TEXTS, least=2)
    assert known[2:] == ("a", "dog", "the")
    (row,) = encode_captions(["the dog barks"], known).tolist()
    assert row == [4, 3, UNKNOWN, END]
    assert caption_text(row, known) == "the dog <unknown>"


def test_a_caption_without_words_is_named() -> None:
    with pytest.raises(DataError, match=r"Caption 1, '\?!', has no words"):
        encode_captions(["a dog", "?!"], known_words(TEXTS))
