"""What is said about curves of known shape."""

import math

import numpy as np
import pytest

from stepwell.reports.diagnosis import diagnose, shape

E = np.arange(1, 41)
NOISE = np.random.default_rng(0).normal(size=40)


def lines(train, val=None, **more):
    history = [{"epoch": index + 1, "train": {"loss": float(loss)}} for index, loss in enumerate(train)]
    for line, loss in zip(history, val if val is not None else [], strict=False):
        line["val"] = {"loss": float(loss), **more}
    return history


DOWN = 2.0 * np.exp(-E / 5) + 0.1
CURVES = {
    "fine": [
        lines(DOWN, DOWN + 0.05),
        lines(DOWN * (1 + 0.01 * NOISE), (DOWN + 0.05) * (1 + 0.01 * NOISE)),
        lines(DOWN),
        lines(np.full(10, 0.011), np.full(10, 0.012), accuracy=0.99),
        lines(np.zeros(10), np.zeros(10)),
        lines(DOWN - 5, DOWN - 5),
    ],
    "overfitting": [
        lines(2 * np.exp(-E / 8), DOWN + 0.01 * E),
        lines(2 * np.exp(-E / 8), (DOWN + 0.01 * E) * (1 + 0.01 * NOISE)),
        lines(
            2 * np.exp(-E / 8),
            [loss if epoch % 2 else math.nan for epoch, loss in zip(E, DOWN + 0.01 * E, strict=True)],
        ),
        lines(2 * np.exp(-E / 8), np.full(40, 0.7)),
        lines(2 * np.exp(-E / 8), 0.7 + 0.003 * NOISE),
        lines(2 * np.exp(-E / 8), 0.7 + 0.02 * E),
    ],
    "improving": [lines(2 - 0.03 * E, 2.1 - 0.03 * E), lines(2 * np.exp(-E / 30)), lines([5, 4, 3, 2], [5, 4, 3, 2])],
    "stuck": [lines(np.full(20, 0.693), np.full(20, 0.693)), lines(0.693 + 0.003 * NOISE, 0.69 + 0.003 * NOISE)],
    "unstable": [lines([2, 1, 0.5, 0.4, 0.9, 3, 8, 9], [2, 1, 0.5, 0.4, 0.9, 3, 8, 9])],
    "broken": [lines([2, 1, math.nan]), lines([math.inf]), [{"epoch": 1, "train": {"loss": None}}]],
    "short": [lines([1]), lines([3, 2, 1], [3, 2, 1]), [{"epoch": 1}], [{"train": None, "val": 3}]],
    "empty": [[]],
}


@pytest.mark.parametrize(
    ("expected", "history"), [(name, history) for name, histories in CURVES.items() for history in histories]
)
def test_shapes_are_told_apart(expected: str, history: list) -> None:
    assert shape(history) == expected
    assert diagnose(history)[-1] == "."


def test_the_sentence_says_what_it_saw() -> None:
    said = diagnose(lines([5, 4, 3, 2, 1, 0.9, 0.8, 0.7, 0.6, 0.5], [5, 4, 3, 2, 1.9, 2.5, 3, 3.5, 4, 4]))
    assert said.startswith("Overfitting: the validation loss was least in epoch 5 (1.9) and rose to about 4,")
    assert diagnose(lines(np.full(9, 0.5))).startswith(
        "Not learning: the training loss hardly moved (from 0.5 to about 0.5)."
    )


def test_the_four_shapes_of_the_book_are_told_in_a_sentence_each() -> None:
    """DLwP, row C35: A none falls; B training falls and validation rises; C both fall; D both fall, with a gap."""
    falling = 2 * np.exp(-E / 6)
    assert diagnose(lines(np.full(40, 0.7), np.full(40, 0.71))).startswith(
        "Not learning: the training loss hardly moved"
    )
    assert diagnose(lines(falling, 0.3 + 0.02 * E)).startswith(
        "Overfitting: the validation loss was least in epoch 1 (0.32) and rose to about 1.09, while the training loss"
    )
    assert diagnose(lines(2 - 0.04 * E, 2.1 - 0.04 * E)).startswith("Still improving: the validation loss was falling")
    together = diagnose(lines(falling + 0.5, falling + 0.51))
    assert (
        together
        == "Fine: the validation loss fell from 2.203 and settled around 0.5128, together with the training loss."
    )
    gap = diagnose(lines(falling + 0.5, falling + 0.7))
    assert gap.startswith(
        "Fine: the validation loss fell from 2.393 and settled around 0.7028, 0.2 above the training loss,"
    )
    assert gap.endswith("which is the usual gap.")
    assert "0.9 above the training loss, a wide gap: more" in diagnose(lines(falling + 0.1, falling + 1.0))


def test_a_validation_loss_that_never_moved_is_not_fine() -> None:
    said = diagnose(lines(2 * np.exp(-E / 6), np.full(40, 0.7)))
    assert said.startswith(
        "Overfitting: the training loss fell, but the validation loss hardly moved (from 0.7 to about 0.7)."
    )
    assert shape(lines(2 * np.exp(-E / 6), np.full(40, 0.01), accuracy=0.99)) == "fine"


def test_without_validation_it_says_what_cannot_be_seen() -> None:
    assert "no validation loss" in diagnose(lines(DOWN))
    assert "no validation loss" not in diagnose(lines(DOWN, DOWN))
