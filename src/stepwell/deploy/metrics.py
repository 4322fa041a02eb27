"""What a server counts, in the form of Prometheus."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector

from stepwell.deploy.calls import Refused

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_REASONS = {429: "client", 503: "queue"}


class Spread(Collector):
    """A histogram by model that one thread fills. The package's own takes locks, and ten times as long for each value."""

    def __init__(self, name: str, what: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._what, self._bounds = name, what, bounds
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        registry.register(self)

    def observe(self, model: str, value: float) -> None:
        """Count a value."""
        counts = self._counts.setdefault(model, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[model] = self._sums.get(model, 0.0) + value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What was counted so far; each bucket holds those below it too."""
        family = HistogramMetricFamily(self._name, self._what, labels=["model"])
        ends = [*(repr(float(bound)) for bound in self._bounds), "+Inf"]
        for model, counts in self._counts.items():
            family.add_metric([model], list(zip(ends, accumulate(counts), strict=True)), self._sums[model])
        yield family


class Meter:
    """Counters of one server. Times are seconds."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._answered: dict[tuple[str, int], Counter] = {}

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"stepwell_{name}", what, labels, registry=registry)

        self._requests = counter("requests", "Requests answered, by model and HTTP status", "model", "status")
        self._shed = counter("shed", "Requests refused for want of room or time", "reason")
        self.cancelled = counter("cancelled", "Requests whose client went away before they ran")
        self.retried = counter("retried", "Requests tried again after a worker died of their batch")
        self.restarts = counter("worker_restarts", "Workers started again after they died")
        self._wait = Spread("stepwell_wait_seconds", "Time in the queue", _SECONDS, registry)
        self._compute = Spread("stepwell_compute_seconds", "Time of a batch in its worker", _SECONDS, registry)
        self._rows = Spread("stepwell_batch_rows", "Rows of a batch", _ROWS, registry)
        self.queue_requests = Gauge("stepwell_queue_requests", "Requests that wait", registry=registry)
        self.queue_elements = Gauge("stepwell_queue_elements", "Elements that wait", registry=registry)
        self.workers = Gauge("stepwell_workers", "Workers that run", registry=registry)

    def answered(self, model: str, status: int) -> None:
        """A request was answered."""
        child = self._answered.get((model, status))
        if child is None:  # `labels` takes a lock and checks its arguments each time
            child = self._answered[model, status] = self._requests.labels(model, str(status))
        child.inc()

    def waited(self, model: str, seconds: float) -> None:
        """A request left the queue for a worker."""
        self._wait.observe(model, seconds)

    def ran(self, model: str, rows: int, seconds: float) -> None:
        """A batch ended."""
        self._rows.observe(model, rows)
        self._compute.observe(model, seconds)

    def shed(self, refused: Refused, reason: str = "") -> Refused:
        """Count a refusal, and give it back."""
        self._shed.labels(reason or _REASONS.get(refused.status, "other")).inc()
        return refused

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
