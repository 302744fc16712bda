"""The page for Prometheus, read back by the client library's own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.catalogue import CATALOGUE
from telemetry.distribution import Distribution, Spread
from telemetry.metrics import MOST_SERIES, Kind, Metric, MetricMisused, families, page_of

ROWS = Metric(name="rows_total", kind=Kind.COUNTER, meaning="rows", labels=("table",))
AGE = Metric(name="age_seconds", kind=Kind.GAUGE, meaning="an age")
TIMES = Metric(name="times_seconds", kind=Kind.HISTOGRAM, meaning="times")


def samples(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_values_are_shown_under_their_names_and_labels() -> None:
    page = page_of([ROWS.of(3, "lpr"), ROWS.of(4, 'a"\n'), AGE.of(1.5)]).content.decode()
    said = samples(page)
    assert said["rows_total", (("table", "lpr"),)] == 3
    assert said["rows_total", (("table", 'a"\n'),)] == 4
    assert said["age_seconds", ()] == 1.5
    assert "# TYPE rows_total counter" in page


def test_histogram_counts_what_lies_below_each_bound() -> None:
    times = Distribution((0.1, 1.0))
    times.add(0.1)
    times.add(0.5, 3)
    times.add_all([7.0, 0.01])
    said = samples(page_of([TIMES.of(times.spread())]).content.decode())
    buckets = {dict(labels)["le"]: value for (name, labels), value in said.items() if labels}
    assert buckets == {"0.1": 2, "1.0": 5, "+Inf": 6}
    assert said["times_seconds_count", ()] == 6
    assert said["times_seconds_sum", ()] == pytest.approx(8.61)


def test_page_has_the_process_itself_and_openmetrics_where_asked() -> None:
    plain = page_of([])
    assert samples(plain.content.decode())["process_resident_memory_bytes", ()] > 1e6
    assert plain.content_type.startswith("text/plain")
    asked = page_of([ROWS.of(1, "x")], accept="application/openmetrics-text; version=1.0.0")
    assert asked.content_type.startswith("application/openmetrics-text")
    assert asked.content.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    "readings",
    [
        [ROWS.of(1)],
        [AGE.of(1, "x")],
        [ROWS.of(1, "x"), ROWS.of(2, "x")],
        [AGE.of(Spread((1.0,), (0, 0), 0.0))],
        [TIMES.of(1.0)],
        [ROWS.of(1, str(number)) for number in range(MOST_SERIES + 1)],
    ],
)
def test_what_a_metric_cannot_be_is_refused(readings: list[object]) -> None:
    with pytest.raises(MetricMisused):
        families(readings)  # type: ignore[arg-type]


def test_names_follow_prometheus_conventions() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)
    for metric in CATALOGUE:
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total"), metric.name
        assert metric.meaning
        assert "_ms" not in metric.name, metric.name
        assert "percent" not in metric.name or not metric.name.startswith("sightpost_"), metric.name
