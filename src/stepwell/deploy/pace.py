"""How long what waits will take, learnt from what has run."""

_MEMORY = 0.1  # how much the newest batch counts


class Pace:
    """Seconds per element, a moving average; 0 before the first batch."""

    def __init__(self) -> None:
        self._per_element: float | None = None

    def learn(self, cost: int, seconds: float) -> None:
        """A batch of `cost` elements took `seconds`."""
        newest = seconds / max(cost, 1)
        old = newest if self._per_element is None else self._per_element
        self._per_element = old + _MEMORY * (newest - old)

    def seconds(self, cost: int) -> float:
        """What `cost` elements are expected to take."""
        return cost * (self._per_element or 0.0)
