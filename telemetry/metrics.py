"""What a program says of itself to Prometheus: kinds of metrics, their values, and the page.

Nothing is kept here: a page is made anew of values that were read for it, so that nothing is
counted twice and what has no value yet is not shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.process_collector import ProcessCollector

from telemetry.distribution import Spread

MOST_SERIES: Final = 20_000
"""Of a page: beyond it the page is refused, for a fault of ours must not fill Prometheus."""


class Kind(StrEnum):
    """As Prometheus names them. A counter's name ends in `_total` and it only grows."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric by its whole name; `meaning` is its line of help. Values are in base units."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()

    def of(self, value: float | Spread, *labels: str) -> Reading:
        """A value of it, with the values of its labels in their order."""
        return Reading(self, value, labels)


class Reading(NamedTuple):
    """One value of a metric: a number, or a spread where the metric is a histogram."""

    metric: Metric
    value: float | Spread
    labels: tuple[str, ...] = ()


class MetricMisused(Exception):
    """Our own code gave a metric what it cannot be: other labels, two values, another kind."""


class _Page:
    """Looks like a collector to prometheus_client."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._families = families(readings)

    def collect(self) -> Iterator[Family]:
        yield from self._families


def families(readings: Iterable[Reading]) -> list[Family]:
    """The readings by metric, in the order in which each metric first came.

    Raises MetricMisused.
    """
    found: dict[str, Family] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for metric, value, labels in readings:
        key = (metric.name, labels)
        if key in seen or len(labels) != len(metric.labels):
            raise MetricMisused(
                f"{metric.name}{labels}: expected each combination of {metric.labels} once"
            )
        seen.add(key)
        family = found.get(metric.name)
        if family is None:
            family = found[metric.name] = _empty(metric)
        _add(family, labels, value)
    if len(seen) > MOST_SERIES:
        raise MetricMisused(f"{len(seen)} series, expected at most {MOST_SERIES}: bound the labels")
    return list(found.values())


def _empty(metric: Metric) -> Family:
    match metric.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        case Kind.GAUGE:
            return GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        case Kind.HISTOGRAM:
            return HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)


def _add(family: Family, labels: tuple[str, ...], value: float | Spread) -> None:
    match family, value:
        case HistogramMetricFamily(), Spread():
            family.add_metric(labels, _cumulative(value), value.total)
        case CounterMetricFamily() | GaugeMetricFamily(), int() | float():
            family.add_metric(labels, value)
        case _:
            raise MetricMisused(f"{family.name}: a {family.type} of {type(value).__name__}")


def _cumulative(spread: Spread) -> list[tuple[str, float]]:
    """Prometheus' buckets: each counts what lies below its bound, the last everything."""
    bounds = [*(repr(bound) for bound in spread.bounds), "+Inf"]
    counts, below = [], 0
    for count in spread.counts:
        below += count
        counts.append(float(below))
    return list(zip(bounds, counts, strict=True))


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered to a scrape."""

    content: bytes
    content_type: str


def page_of(readings: Iterable[Reading], *, accept: str = "") -> Page:
    """The page in the format that `accept` (RFC 9110, section 12.5.1) asks for, with Prometheus'
    own `process_*` metrics of this process. Raises MetricMisused."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(readings))
    ProcessCollector(registry=registry, pid=os.getpid)
    return Page(encode(registry), content_type)
