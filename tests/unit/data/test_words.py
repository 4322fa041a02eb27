"""Texts as words."""

import pytest

from stepwell.core.errors import DataError
from stepwell.data.words import encode_words, word_index, words


def test_words_are_what_lies_between_signs() -> None:
    found = words("def f(x_1):\n    return x_1 + 42  # f")
    assert found == ["def", "f", "x_1", "return", "x_1", "42", "f"]
    index = word_index(found)
    assert index == {"42": 0, "def": 1, "f": 2, "return": 3, "x_1": 4}
    assert encode_words(found, index).tolist() == [1, 2, 4, 3, 4, 0, 2]
    assert words("naïve façade", r"\w+") == ["naïve", "façade"]


def test_no_words() -> None:
    assert words(" ...") == []
    assert word_index([]) == {}
    assert encode_words([], {}).shape == (0,)


def test_a_word_that_is_not_in_the_index_is_named() -> None:
    with pytest.raises(DataError, match=r"Word 1, 'b', is not in the index of 1 words\. Build it from all texts\."):
        encode_words(["a", "b"], {"a": 0})
