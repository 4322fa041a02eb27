"""What a server may use."""

from dataclasses import dataclass

from stepwell.deploy.arena import SIZE

MAX_COST = SIZE // 16
"""Elements of a batch: with eight bytes each they fill half of the shared memory."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of a server.

    `rows` run together at most, and `rows_per_call` come in one request. `queue` is how many elements may wait (None: as many
    as 32 full batches of the largest model). `wait` is how many seconds a worker may stand idle for a batch to fill: 0 is best
    but for models that cost less than a request does. `body` are the bytes of a request, `bodies` those of all that are being
    read, which each may take `reading` seconds. `timeout`, in seconds, is how long a request waits at most, unless it says less
    itself. `batch_timeout` is when a worker that does not answer is ended. `per_client` bounds the requests of one address that
    may wait (0: no bound). `drain` is how many seconds requests under way have when the server is told to end. `connections`
    may be open at a time.
    """

    rows: int = 64
    rows_per_call: int = 2**14
    queue: int | None = None
    wait: float = 0.0
    body: int = 2**26
    bodies: int = 2**28
    reading: float = 60.0
    connections: int = 4096
    timeout: float = 30.0
    batch_timeout: float = 60.0
    per_client: int = 0
    drain: float = 20.0
