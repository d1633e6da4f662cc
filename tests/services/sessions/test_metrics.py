"""What the functions count, under which names, and that no label can get out of hand."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter

from services import metrics as application
from services.sessions import metrics
from services.sessions.metrics import MOST_SERIES, OTHER, Children, Reading
from tests.support.scraping import Scrape


def scrape() -> Scrape:
    """What this process tells."""
    return Scrape(metrics.render_text().decode())


CALLS: dict[str, tuple[Callable[[], None], dict[str, str], float]] = {
    "teaser_session_events_total": (
        lambda: metrics.count_session_event("chat:session", "loaded"),
        {"keyspace": "chat:session", "event": "loaded"},
        1,
    ),
    "teaser_session_document_bytes_sum": (
        lambda: metrics.observe_document_bytes("chat:session", 2000),
        {"keyspace": "chat:session"},
        2000,
    ),
    "teaser_engine_call_seconds_sum": (
        lambda: metrics.observe_engine_call("redis", "write", 0.25),
        {"engine": "redis", "direction": "write"},
        0.25,
    ),
    "teaser_engine_unavailable_total": (
        lambda: metrics.count_unavailable("redis", "read", "pool_exhausted"),
        {"engine": "redis", "direction": "read", "reason": "pool_exhausted"},
        1,
    ),
    "teaser_spill_written_total": (
        lambda: metrics.count_spilled("chat:start"),
        {"keyspace": "chat:start"},
        1,
    ),
    "teaser_spill_replayed_total": (lambda: metrics.count_replayed(5, merged=2), {}, 5),
    "teaser_spill_merged_total": (lambda: metrics.count_replayed(5, merged=2), {}, 2),
    "teaser_spill_refused_total": (
        lambda: metrics.count_spill_refused("disk_full"),
        {"reason": "disk_full"},
        1,
    ),
    "teaser_spill_moved_aside_total": (metrics.count_spill_quarantined, {}, 1),
    "teaser_rate_limited_total": (
        lambda: application.count_rate_limited("states"),
        {"limit": "states"},
        1,
    ),
    "teaser_answers_total": (lambda: application.count_answer("503", 0.25), {"status": "503"}, 1),
    "teaser_answer_seconds_sum": (lambda: application.count_answer("200", 0.25), {}, 0.25),
    "teaser_migration_copies_total": (
        lambda: metrics.count_copies("merged", 3),
        {"event": "merged"},
        3,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_told_under_its_name(name: str) -> None:
    """Each time it is made."""
    call, labels, by = CALLS[name]
    before = scrape().value(name, **labels) or 0
    call()
    call()
    assert scrape().value(name, **labels) == before + 2 * by


@pytest.mark.parametrize(
    ("size", "bound"), [(1024, "1024.0"), (1025, "4096.0"), (1_048_577, "+Inf")]
)
def test_documents_are_sorted_by_size(size: int, bound: str) -> None:
    """Into the smallest class they fit in, and every larger one."""
    name, labels = "teaser_session_document_bytes_bucket", {"keyspace": "sizes"}
    bounds = [*(f"{float(one)}" for one in metrics.BYTES[:-1]), "1.048576e+06", "+Inf"]
    before = [scrape().value(name, le=le, **labels) or 0 for le in bounds]
    metrics.observe_document_bytes("sizes", size)
    after = [scrape().value(name, le=le, **labels) or 0 for le in bounds]
    rose = [le for le, old, new in zip(bounds, before, after, strict=True) if new > old]
    assert rose == bounds[bounds.index(bound) :]


def test_the_state_of_a_breaker_is_a_number() -> None:
    """The higher the worse."""
    for state, number in (("closed", 0), ("half_open", 1), ("open", 2)):
        metrics.set_breaker_state("write", state)
        assert scrape().value("teaser_breaker_state", direction="write") == number


def test_a_process_serves_by_one_stage() -> None:
    """The one before it goes back to 0."""
    metrics.set_migration("shadow", 7)
    metrics.set_migration("live", 3)
    told = scrape()
    assert told.value("teaser_migration_stage", stage="live") == 1
    assert told.value("teaser_migration_stage", stage="shadow") == 0
    assert told.value("teaser_migration_unsent") == 3
    metrics.set_migration("complete", 0)


def test_an_announced_keyspace_is_told_before_anything_happens() -> None:
    """All of its events are 0; a first one is a rise that an alert can see."""
    metrics.announce_keyspace("announced")
    found = [one for one in scrape().samples if one.labels.get("keyspace") == "announced"]
    events = {one.labels["event"] for one in found if "event" in one.labels}
    assert events == set(metrics.EVENTS)
    assert all(one.value == 0 for one in found)


@pytest.mark.parametrize(
    "reason",
    [
        "10.0.0.7:6379",
        "0f8b8a5e-2f0c-4f0e-9d57-6f1f6f0f3c11",
        "cache.internal",
        "redis://user:secret@host/0",
        "Please log in",
        "",
        "x" * 41,
        "line\nbreak",
    ],
)
def test_what_is_no_word_becomes_no_label(reason: str) -> None:
    """Ids, hosts, secrets and sentences are counted as something else."""
    labels = {"engine": "redis", "direction": "read", "reason": OTHER}
    name = "teaser_engine_unavailable_total"
    before = scrape().value(name, **labels) or 0
    metrics.count_unavailable("redis", "read", reason)
    assert scrape().value(name, **labels) == before + 1
    assert reason not in scrape().labels(name, "reason")


def test_too_many_words_become_one() -> None:
    """However many there are, the number of series has a bound and no count is lost."""
    registry = CollectorRegistry()
    children = Children(Counter("few", "A counter.", ("one", "two"), registry=registry))
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [first + second for first in letters for second in letters]
    for word in words:
        children.of("known", word).inc()
        children.of("known", f"{word} {word}").inc()
    told = [one for family in registry.collect() for one in family.samples if "total" in one.name]
    assert len(told) <= MOST_SERIES + 2
    assert sum(one.value for one in told) == 2 * len(words)


def test_a_known_series_is_found_again() -> None:
    """It is the same object, so that a call on the way of a request looks nothing up twice."""
    children = Children(Counter("again", "A counter.", ("one",), registry=CollectorRegistry()))
    assert children.of("word") is children.of("word")


def test_readings_stand_beside_the_counts() -> None:
    """With and without labels."""
    readings = [
        Reading("teaser_test_one", "One value.", {(): 1.5}),
        Reading("teaser_test_two", "Two values.", {("a",): 1, ("b",): 2}, ("kind",)),
    ]
    told = Scrape(metrics.render_text(readings).decode())
    assert told.value("teaser_test_one") == 1.5
    assert told.value("teaser_test_two", kind="b") == 2
    assert "teaser_answers_total" in metrics.render_text().decode()
