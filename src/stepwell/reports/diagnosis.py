"""What the curves say, in a sentence: simple rules over the losses, which say what they saw."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from stepwell.plots.style import Array
from stepwell.reports.history import Line, epochs, series
from stepwell.reports.text import number, part

Shape = Literal["empty", "broken", "short", "unstable", "stuck", "overfitting", "improving", "fine"]

_FEW = 4
_MOVED = 0.03
_ROSE = 0.10
_STILL = 0.05
_GAP, _WIDE = 0.10, 1.0
_NEGLIGIBLE = 0.01
_LEARNED = 0.9


def shape(history: Sequence[Line]) -> Shape:
    """Which of the known shapes the loss curves have; the first that fits, the gravest first."""
    if not history:
        return "empty"
    if not _unbroken(history):
        return "broken"
    train, judged = _losses(history)
    if len(judged) < _FEW:
        return "short"
    if _rises(train):
        return "unstable"
    if _stands(train) and not _knows(history):
        return "stuck"
    if judged is not train and (_rises(judged) or (_stands(judged) and not _knows(history))):
        return "overfitting"
    return "improving" if _falls(judged) else "fine"


def diagnose(history: Sequence[Line]) -> str:
    """A sentence or two on how the training went: whether it learned, overfitted, or had not finished learning.

    It looks at the losses alone, smoothed over three epochs, and against their own size: the training loss moved if it
    fell by 3 %, a loss rose again if it ends 10 % over its least, and still fell if the last fifth brought 5 %. The shapes
    are those of book row DLwP C35: none falls, training falls and validation does not, both fall, both fall with a gap.
    """
    found = shape(history)
    if found in _FIXED:
        return _FIXED[found]
    train, judged = _losses(history)
    ends = f"from {number(float(train[0]))} to about {number(float(train[-1]))}"
    if found == "stuck":
        return f"Not learning: the training loss hardly moved ({ends})." + _STUCK_FIX
    if found == "unstable":
        return (
            f"Unstable: the training loss rose again to about {number(float(train[-1]))} after {_least(train)}."
            + _SLOWER
        )
    if found == "overfitting":
        return f"Overfitting: {_turn(history, judged)}." + _OVERFIT_FIX
    whose = "validation" if judged is not train else "training"
    blind = "" if judged is not train else " There is no validation loss, so overfitting would not be seen."
    if found == "improving":
        return f"Still improving: the {whose} loss was falling to the end. More epochs are likely to help." + blind
    settled = f"the {whose} loss fell from {number(float(judged[0]))} and settled around {_last(judged)}"
    return f"Fine: {settled}{_gap(train, judged)}." + blind


_SLOWER = " Try a smaller learning rate, or clip the gradients."
_STUCK_FIX = " Try another learning rate, and check that inputs are scaled and targets belong to their rows."
_OVERFIT_FIX = " Keep the best epoch, and try more data, augmentation, dropout, weight decay or a smaller model."
_FIXED: dict[Shape, str] = {
    "empty": "No epoch has finished yet.",
    "broken": "Diverged: the training loss became NaN or infinite." + _SLOWER,
    "short": "Too few epochs to judge the curves.",
}


def _unbroken(history: Sequence[Line]) -> bool:
    """Whether the last line's training loss, if there is one, is a finite number."""
    last = part(history[-1], "train")
    return "loss" not in last or math.isfinite(series(history[-1:], "train", "loss")[0])


def _losses(history: Sequence[Line]) -> tuple[Array, Array]:
    """The smoothed training loss, and the loss to judge by: that of the validation rows where there is one."""
    train, val = (_smooth(_finite(series(history, side, "loss"))) for side in ("train", "val"))
    return (train if len(train) else val), (val if len(val) else train)


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _smooth(values: Array) -> Array:
    """The median of each value and its neighbours; the first value stays as it is, for the last there is but one."""
    if len(values) < 3:
        return values
    inner = np.median(np.stack((values[:-2], values[1:-1], values[2:])), axis=0)
    return np.concatenate((values[:1], inner, [values[-2:].mean()]))


def _beyond(change: float, share: float, values: Array) -> bool:
    """Whether a change is more than a share of the loss's least size, and more than a hundredth of all that it fell."""
    fell = float(values[0] - values.min())
    return change > share * abs(float(values.min())) and change > _NEGLIGIBLE * fell and change > 0


def _rises(values: Array) -> bool:
    return len(values) >= _FEW and _beyond(float(values[-1] - values.min()), _ROSE, values)


def _falls(values: Array) -> bool:
    tail = max(2, len(values) // 5)
    return _beyond(float(values[-1 - tail] - values[-1]), _STILL, values)


def _stands(values: Array) -> bool:
    return float(values[0] - values.min()) < _MOVED * abs(float(values[0]))


def _knows(history: Sequence[Line]) -> bool:
    """Whether a score near one says that the first epoch had learned it all."""
    scores = [series(history[-1:], "val", name)[0] for name in ("accuracy", "r2")]
    return any(score >= _LEARNED for score in scores)


def _least(values: Array) -> str:
    return number(float(values.min()))


def _last(values: Array) -> str:
    return number(float(values[-1]))


def _gap(train: Array, judged: Array) -> str:
    """How the validation loss ends beside the training loss, where there are both. A gap is usual; more than the training
    loss itself is wide.
    """
    if judged is train:
        return ""
    apart = float(judged[-1] - train[-1])
    if not _beyond(apart, _GAP, judged):
        return ", together with the training loss"
    if apart > _WIDE * abs(float(train[-1])):
        return f", {number(apart)} above the training loss, a wide gap: more data or stronger dropout may narrow it"
    return f", {number(apart)} above the training loss, which is the usual gap"


def _turn(history: Sequence[Line], judged: Array) -> str:
    if not _rises(judged):
        ends = f"from {number(float(judged[0]))} to about {_last(judged)}"
        return f"the training loss fell, but the validation loss hardly moved ({ends})"
    raw = series(history, "val", "loss")
    least = int(np.where(np.isfinite(raw), raw, np.inf).argmin())
    where = f"was least in epoch {epochs(history)[least]} ({number(float(raw[least]))})"
    return f"the validation loss {where} and rose to about {_last(judged)}, while the training loss went on falling"
