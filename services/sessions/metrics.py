"""What is counted and measured while serving, for Prometheus.

Every process counts for itself; `text` adds them up when gunicorn has given them a folder to
share, see gunicorn.conf.py. A name or a reason becomes a label only if it is a short lower-case
word and not one too many, so that neither ids nor faults can fill the monitoring.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric, Sample
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from .metrics_folder import read_metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What kind of text `text` answers."""
EVENTS = (
    "created",
    "loaded",
    "saved",
    "deleted",
    "missing",
    "conflict",
    "corrupt",
    "unknown_format",
    "too_large",
)
"""What can become of a session, for `count_session_event`."""
SPILL_REASONS = ("busy", "corrupt_file", "disk_full", "file_system", "pool_exhausted", "read_only")
"""Why a spill in a file can refuse a write."""
STATES = {"closed": 0, "half_open": 1, "open": 2}
"""What the states of a breaker are as numbers."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the classes that calls to an engine are sorted into."""
BYTES = (1024, 4096, 16_384, 65_536, 262_144, 524_288, 786_432, 1_048_576)
"""Upper bounds of the classes that stored documents are sorted into."""
MOST_SERIES = 200
"""How many combinations of labels one metric has at most."""
OTHER = "other"
"""Stands for every name beyond that, and for what is no name."""

_WORD = re.compile(r"[a-z][a-z_:]{0,39}|[1-5][0-9]{2}")

Labelled = TypeVar("Labelled", bound=MetricWrapperBase)


class Children(Generic[Labelled]):
    """The series of one metric by its labels; finding one that is known is a look into a dict.

    Args:
        metric: a metric with labels.
    """

    def __init__(self, metric: Labelled) -> None:
        self._metric = metric
        self._known: dict[tuple[str, ...], Labelled] = {}

    def of(self, *labels: str) -> Labelled:
        """The series with these labels, or the one for everything else."""
        known = self._known.get(labels)
        return known if known is not None else self._new(labels)

    def all(self) -> list[tuple[tuple[str, ...], Labelled]]:
        """Every series there is, by its labels."""
        return list(self._known.items())

    def _new(self, labels: tuple[str, ...]) -> Labelled:
        sound = len(self._known) < MOST_SERIES
        names = tuple(name if sound and _WORD.fullmatch(name) else OTHER for name in labels)
        # Under the names it has, so that those of an unknown kind take no room beyond one.
        series = self._known[names] = self._metric.labels(*names)
        return series


# When a series began is of no use here, and would double the number of lines.
disable_created_metrics()

REGISTRY = CollectorRegistry()
"""The metrics of this process alone."""


def counter(name: str, meaning: str, *labels: str) -> Counter:
    """A new counter with these labels."""
    return Counter(name, meaning, labels, registry=REGISTRY)


_events = Children(
    counter(
        "teaser_session_events_total",
        "What became of sessions that were asked for or stored.",
        "keyspace",
        "event",
    )
)
_document_bytes = Children(
    Histogram(
        "teaser_session_document_bytes",
        "Size of the documents that were stored.",
        ("keyspace",),
        buckets=BYTES,
        registry=REGISTRY,
    )
)
_engine_seconds = Children(
    Histogram(
        "teaser_engine_call_seconds",
        "How long calls to an engine took.",
        ("engine", "direction"),
        buckets=SECONDS,
        registry=REGISTRY,
    )
)
_unavailable = Children(
    counter(
        "teaser_engine_unavailable_total",
        "Calls to an engine that could not be asked, or refused.",
        "engine",
        "direction",
        "reason",
    )
)
_breakers = Children(
    Gauge(
        "teaser_breaker_state",
        "The breaker of a process: 0 closed, 1 half open, 2 open.",
        ("direction",),
        multiprocess_mode="liveall",
        registry=REGISTRY,
    )
)
_spilled = Children(
    counter("teaser_spill_written_total", "Writes the spill took for the engine.", "keyspace")
)
_replayed = counter("teaser_spill_replayed_total", "Entries of the spill the engine has now.")
_merged = counter(
    "teaser_spill_merged_total", "Entries of the spill that were merged with the engine's copy."
)
_spill_refused = Children(
    counter("teaser_spill_refused_total", "Writes the spill could not take either.", "reason")
)
_moved_aside = counter(
    "teaser_spill_moved_aside_total", "Spill files that were unreadable and moved aside."
)
_put_aside = Children(
    counter(
        "teaser_spill_put_aside_total",
        "Entries of the spill that the engine went on refusing and that were put aside.",
        "keyspace",
    )
)
_stages = Children(
    Gauge(
        "teaser_migration_stage",
        "How many processes serve by a stage.",
        ("stage",),
        multiprocess_mode="livesum",
        registry=REGISTRY,
    )
)
_unsent = Gauge(
    "teaser_migration_unsent",
    "Copies that the engine is not known to have.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
_copies = Children(
    counter("teaser_migration_copies_total", "What happened to second copies.", "event")
)
for _reason in SPILL_REASONS:
    _spill_refused.of(_reason)
_shared = values.ValueClass is not values.MutexValue
"""Whether the processes have a folder to share; the client library decided it when imported."""


def announce_keyspace(keyspace: str) -> None:
    """Export a keyspace's events as 0 before the first one, which would go unnoticed otherwise.

    Prometheus sees a rise only between two values.
    """
    for event in EVENTS:
        _events.of(keyspace, event)
    _put_aside.of(keyspace)
    _document_bytes.of(keyspace)


def count_session_event(keyspace: str, event: str) -> None:
    """Count what became of a session; see EVENTS."""
    _events.of(keyspace, event).inc()


def observe_document_bytes(keyspace: str, size: int) -> None:
    """Measure a document that was stored."""
    _document_bytes.of(keyspace).observe(size)


def observe_engine_call(engine: str, direction: str, seconds: float) -> None:
    """Measure a call to an engine; the direction is "read" or "write"."""
    _engine_seconds.of(engine, direction).observe(seconds)


def count_unavailable(engine: str, direction: str, reason: str) -> None:
    """Count a call that an engine could not be asked, or refused."""
    _unavailable.of(engine, direction, reason).inc()


def set_breaker_state(direction: str, state: str) -> None:
    """Tell the state of this process's breaker; see STATES."""
    _breakers.of(direction).set(STATES[state])


def count_spilled(keyspace: str) -> None:
    """Count a write that the spill took."""
    _spilled.of(keyspace).inc()


def count_replayed(count: int, merged: int = 0) -> None:
    """Count entries of the spill that the engine has now, and how many of them were merged."""
    _replayed.inc(count)
    _merged.inc(merged)


def count_spill_refused(reason: str) -> None:
    """Count a write that the spill could not take either; it was answered with 503."""
    _spill_refused.of(reason).inc()


def count_spill_quarantined() -> None:
    """Count an unreadable spill file that was quarantined."""
    _moved_aside.inc()


def count_spill_put_aside(keyspace: str) -> None:
    """Count an entry of the spill that the engine went on refusing while it took others."""
    _put_aside.of(keyspace).inc()


def count_copies(event: str, count: int) -> None:
    """Count what happened to so many second copies."""
    _copies.of(event).inc(count)


def set_migration(stage: str, unsent: int) -> None:
    """Tell by which stage this process serves, and how many copies it has still to send."""
    _unsent.set(unsent)
    _stages.of(stage)
    for name, series in _stages.all():
        series.set(name == (stage,))


class Reading(NamedTuple):
    """A value that is read when it is asked for, rather than kept.

    Attributes:
        name: of the metric.
        meaning: what it is, in a sentence.
        values: by the values of the labels.
        labels: their names.
    """

    name: str
    meaning: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


def render_text(readings: Iterable[Reading] = ()) -> bytes:
    """Everything that was counted in all processes, and these readings, for Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Processes())
    registry.register(_Readings(readings))
    return generate_latest(registry)


def read_samples() -> Iterator[Sample]:
    """Everything that was counted in all processes, number by number."""
    for family in _Processes().collect():
        yield from family.samples


class _Processes(Collector):
    """The counts of this process, or of all that share a folder."""

    def collect(self) -> Iterable[Metric]:
        if not _shared:
            return REGISTRY.collect()
        try:
            return _Folder(None).collect()  # type: ignore[no-untyped-call]
        except ValueError:  # there is no folder: somebody tidied up
            return ()


class _Readings(Collector):
    """Readings as the client library wants them."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = list(readings)

    def collect(self) -> Iterable[Metric]:
        for reading in self._readings:
            family = GaugeMetricFamily(reading.name, reading.meaning, labels=reading.labels)
            for labels, value in reading.values.items():
                family.add_metric(labels, value)
            yield family


class _Folder(MultiProcessCollector):
    """What every process of this gunicorn has counted, those that ended among them."""

    def collect(self) -> Iterable[Metric]:
        return read_metrics(Path(self._path))
