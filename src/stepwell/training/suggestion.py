"""Which learning rate the losses of a range test speak for, and why; or that they speak for none."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_FEWEST = 10
_SAFE = 0.1  # of the rate at which the loss breaks
_FALL = 0.02  # the least fall that counts, as a share of the loss
_BEGUN = 0.1  # the part of the fall that is made where it has begun
_EXTREME = 0.75  # of the noise: how low the lowest place of a curve smoothed by 0.8 comes by chance


@dataclass(frozen=True)
class Suggestion:
    """A learning rate, or None, and a sentence with the reason."""

    rate: float | None
    why: str


def suggest_rate(rates: Array, losses: Array, smoothed: Array, *, diverged: bool) -> Suggestion:
    """The rate at which the smoothed losses fall fastest, over the logarithm of the rate, on the way to their minimum.

    Where the test diverged, at most a tenth of the last rate. No rate where fewer than ten losses are finite, and where
    they do not fall by more than they differ from batch to batch.
    """
    known = np.isfinite(losses)
    if known.sum() < _FEWEST:
        return Suggestion(None, _too_few(rates, int(known.sum()), diverged=diverged))
    at, noisy, curve = rates[known], losses[known], smoothed[known]
    lowest = int(curve.argmin())
    begin = _beginning(curve, lowest)
    doubt = _doubt(noisy, curve, lowest)
    if lowest < 2 or begin - curve[lowest] < max(_FALL * abs(begin), doubt):
        rose = lowest < 2 and float(np.median(curve)) - begin > _FALL * abs(begin)
        return Suggestion(None, _flat(rates, begin, float(curve[lowest]), doubt, rose=rose, diverged=diverged))
    steepest = _steepest(at, curve, begin, lowest)
    way = f"from {begin:.3g} to {curve[lowest]:.3g} at {_written(at[lowest])}"
    most = _SAFE * rates[-1] if diverged else np.inf
    if steepest > most:
        how = f"The loss falls fastest at {_written(steepest)} ({way}) but breaks at {_written(rates[-1])}"
        return Suggestion(_rounded(most), f"{how}: a tenth of that keeps a distance.")
    after = _after(rates, curve, lowest, diverged=diverged)
    return Suggestion(_rounded(steepest), f"The loss falls fastest at {_written(steepest)}: {way}. {after}")


def _beginning(curve: Array, lowest: int) -> float:
    """The loss before it fell: the median of the first tenth, which a single odd batch does not move."""
    return float(np.median(curve[: max(1, min(len(curve) // 10, lowest))]))


def _doubt(losses: Array, curve: Array, lowest: int) -> float:
    """The fall that noise alone could make: of the beginning, a median of a tenth, and of the lowest of all places.

    The noise of each is taken from its neighbourhood, as it is often larger where the loss is.
    """
    tenth, calm = max(1, len(curve) // 10), max(lowest + 1, len(curve) // 2)
    early = _spread(losses[:calm][: 3 * tenth], curve[:calm][: 3 * tenth])
    near = slice(max(0, lowest - 2 * tenth), min(lowest + 2 * tenth, calm))
    return 2.0 * 1.25 / float(np.sqrt(tenth)) * early + _EXTREME * _spread(losses[near], curve[near])


def _spread(losses: Array, curve: Array) -> float:
    """How far losses lie from a curve: their median distance, as a standard deviation, so that wild ones do not count."""
    return float(1.4826 * np.median(np.abs(losses - curve)))


def _steepest(rates: Array, curve: Array, begin: float, lowest: int) -> float:
    """Where a straight line through the neighbours, an eighth of the test, falls fastest: batches differ too much to look
    at single steps. It is on the last way down: behind the last place with most of the fall still to come.
    """
    half = max(2, len(curve) // 16)
    high = np.flatnonzero(curve[: lowest + 1] > begin - _BEGUN * (begin - curve[lowest]))
    onset = min(int(high[-1]) if len(high) else 0, lowest - half)
    x, y = np.log(rates[: lowest + 1]), curve[: lowest + 1]
    places = range(max(onset, 0), lowest + 1)
    windows = [slice(max(0, place - half), place + half + 1) for place in places]
    slopes = [float(np.polyfit(x[each], y[each], 1)[0]) for each in windows]
    return float(rates[places[int(np.argmin(slopes))]])


def _after(rates: Array, curve: Array, lowest: int, *, diverged: bool) -> str:
    if diverged:
        return f"It breaks at {_written(rates[-1])}."
    if lowest >= 0.97 * (len(curve) - 1):
        return f"It was still falling at {_written(rates[-1])}: a test up to a larger rate may show more."
    return "Beyond that it does not fall any more."


def _too_few(rates: Array, finite: int, *, diverged: bool) -> str:
    if diverged:
        end = f"The loss broke after {finite} of the steps, at {_written(rates[-1])}"
        return f"{end}: too early to see where it falls. Begin with a smaller rate."
    return f"{finite} losses are too few to see where they fall; make {_FEWEST} steps or more. 100 are usual."


def _flat(rates: Array, begin: float, least: float, doubt: float, *, rose: bool, diverged: bool) -> str:
    there = f"between {_written(rates[0])} and {_written(rates[-1])}"
    if diverged and rose:
        return (
            f"The loss only rises {there}, from {begin:.3g} on: every rate was too large, or nothing can be learned. Begin"
            " with a smaller rate."
        )
    by = f"from {begin:.3g} to {least:.3g}" + (f", where chance alone could make {doubt:.2g}" if doubt else "")
    advice = "Try more steps or larger batches"
    if diverged:
        limit = f"it breaks at {_written(rates[-1])}: stay below a tenth of that. {advice}."
        return f"The loss hardly falls before it breaks ({by}), so there is nothing to choose by but that {limit}"
    return (
        f"The loss hardly falls {there} ({by}), so there is nothing to choose by. {advice}, or an end at a larger rate."
    )


def _rounded(rate: float) -> float:
    """Two digits: there is no more to be seen in such a curve."""
    return float(f"{rate:.1e}")


def _written(rate: float) -> str:
    return f"{rate:.2g}"
