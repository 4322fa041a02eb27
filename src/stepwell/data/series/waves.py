"""Places in the day, the week and the year, as points on circles: what is known of any time ahead."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stepwell.data.series.steps import Step
from stepwell.data.series.times import Times

Floats = np.ndarray[Any, np.dtype[np.float32]]

_DAY = 86_400_000_000
CIRCLES = {"hour": (_DAY, 0), "weekday": (7 * _DAY, 4 * _DAY), "day of year": (365.2425 * _DAY, 0)}
"""The microseconds of a turn, and those from 1970 to the start of one: its first Monday was on the fifth."""

_SPAN = 0.75
_COUNTERS_END = np.datetime64("1971-01-01", "us")


def waves_of(times: Times, step: Step) -> tuple[str, ...]:
    """The circles that tell times apart, of hour, weekday and day of the year: those longer than a step and of which the
    times span three quarters at least. Seconds that are a mere counter (all before 1971) have none.
    """
    if not len(times) or times[-1] < _COUNTERS_END:
        return ()
    span = int((times[-1] - times[0]).astype("timedelta64[us]").astype(np.int64))
    length = step.months * 30 * _DAY or step.micros
    return tuple(name for name, (turn, _) in CIRCLES.items() if 2 * length <= turn and span >= _SPAN * turn)


def wave_names(circles: Sequence[str]) -> tuple[str, ...]:
    """The features that `waves` gives, in order."""
    return tuple(f"{name} ({wave})" for name in circles for wave in ("sin", "cos"))


def waves(times: Times, circles: Sequence[str]) -> Floats:
    """Sine and cosine of each time's place on each circle: `(n, 2 · circles)`. A weekday is one place all day long."""
    micros = times.astype("datetime64[us]").astype(np.int64)
    found = np.empty((len(times), 2 * len(circles)), np.float32)
    for number, name in enumerate(circles):
        turn, start = CIRCLES[name]
        place = micros // _DAY * _DAY if name == "weekday" else micros
        angle = 2 * np.pi * (((place - start) % turn) / turn)
        found[:, 2 * number], found[:, 2 * number + 1] = np.sin(angle), np.cos(angle)
    return found
