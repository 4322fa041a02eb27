"""What a server counts, in the form of Prometheus."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from stepwell.deploy.calls import Refused

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_REASONS = {429: "client", 503: "queue"}


class Meter:
    """Counters of one server. Times are seconds."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._children: dict[tuple[Any, ...], Any] = {}

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"stepwell_{name}", what, labels, registry=registry)

        self._requests = counter("requests", "Requests answered, by model and HTTP status", "model", "status")
        self._shed = counter("shed", "Requests refused for want of room or time", "reason")
        self.cancelled = counter("cancelled", "Requests whose client went away before they ran")
        self.retried = counter("retried", "Requests tried again after a worker died of their batch")
        self.restarts = counter("worker_restarts", "Workers started again after they died")
        self._wait = Histogram(
            "stepwell_wait_seconds", "Time in the queue", ["model"], buckets=_SECONDS, registry=registry
        )
        self._compute = Histogram(
            "stepwell_compute_seconds", "Time of a batch in its worker", ["model"], buckets=_SECONDS, registry=registry
        )
        self._rows = Histogram("stepwell_batch_rows", "Rows of a batch", ["model"], buckets=_ROWS, registry=registry)
        self.queue_requests = Gauge("stepwell_queue_requests", "Requests that wait", registry=registry)
        self.queue_elements = Gauge("stepwell_queue_elements", "Elements that wait", registry=registry)
        self.workers = Gauge("stepwell_workers", "Workers that run", registry=registry)

    def _child(self, metric: Any, *labels: str) -> Any:
        """`metric.labels(…)`, which takes a lock and checks its arguments each time, remembered."""
        key = (id(metric), *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def answered(self, model: str, status: int) -> None:
        """A request was answered."""
        self._child(self._requests, model, str(status)).inc()

    def waited(self, model: str, seconds: float) -> None:
        """A request left the queue for a worker."""
        self._child(self._wait, model).observe(seconds)

    def ran(self, model: str, rows: int, seconds: float) -> None:
        """A batch ended."""
        self._child(self._rows, model).observe(rows)
        self._child(self._compute, model).observe(seconds)

    def shed(self, refused: Refused, reason: str = "") -> Refused:
        """Count a refusal, and give it back."""
        self._shed.labels(reason or _REASONS.get(refused.status, "other")).inc()
        return refused

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
