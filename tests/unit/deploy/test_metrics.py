"""What a server counts, against prometheus_client's own histogram and parser."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stepwell.deploy.calls import Refused
from stepwell.deploy.metrics import Meter, Spread

BOUNDS = (0.0005, 0.01, 1, 10)


def lines(registry: CollectorRegistry) -> list[str]:
    """All but the times at which a metric was made, which Spread does not tell."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from((*BOUNDS, 0.0, 0.005, 5.0, 11.0)))))
def test_a_spread_reads_like_a_histogram(values: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("seconds", "Time", BOUNDS, ours)
    histogram = Histogram("seconds", "Time", ["model"], buckets=BOUNDS, registry=theirs)
    for model, value in values:
        spread.observe(model, value)
        histogram.labels(model).observe(value)
    assert lines(ours) == lines(theirs)


def test_what_was_counted_is_read_back() -> None:
    meter = Meter()
    for status in (200, 200, 422):
        meter.answered("m", status)
    meter.waited("m", 0.003)
    meter.ran("m", 7, 0.02)
    meter.shed(Refused(503, "full"))
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(meter.text().decode())
        for sample in family.samples
    }
    assert found["stepwell_requests_total", "200", "m"] == 2
    assert found["stepwell_requests_total", "422", "m"] == 1
    assert found["stepwell_wait_seconds_sum", "m"] == 0.003
    assert found["stepwell_batch_rows_bucket", "4.0", "m"] == 0
    assert found["stepwell_batch_rows_bucket", "8.0", "m"] == 1
    assert found["stepwell_compute_seconds_count", "m"] == 1
    assert found["stepwell_shed_total", "queue"] == 1
