"""Room for the bodies of requests while they arrive, so that those who send slowly or much cannot fill the memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stepwell.deploy.calls import Refused


class Intake:
    """Bodies take at most `limit` bytes each, `most` together while they are read, and `seconds` each."""

    def __init__(self, limit: int = 2**26, most: int = 2**28, seconds: float = 60.0) -> None:
        self.limit, self.most, self.seconds = limit, most, seconds
        self._held = 0

    @contextmanager
    def body(self) -> Iterator[Callable[[int], None]]:
        """A body that arrives in parts; call what this gives with the size of each. Raises `Refused`: 413 where the body has become
        too large, 503 where all of them together have.
        """
        size = 0

        def take(part: int) -> None:
            nonlocal size
            size, self._held = size + part, self._held + part
            if size > self.limit:
                raise too_large(f"more than {self.limit:,} bytes", self.limit)
            if self._held > self.most:
                raise Refused(
                    503, "The server reads as many large requests as it has memory for. Try again later.", retry_after=2
                )

        try:
            yield take
        finally:
            self._held -= size


def too_large(given: str, limit: int) -> Refused:
    """The refusal (413) of a body that has `given`."""
    return Refused(
        413,
        f"The body has {given}; this server takes {limit:,}. Send fewer rows at a time, or start it with --limit.",
    )
