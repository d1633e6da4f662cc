"""What the charts show, told by the page's own functions in a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.visit import Visit
from tests.support.servers import Gunicorn

PREPARED = """async () => {
  const series = await import("/static/ops/series.js");
  const frozen = (value) => {
    if (value && typeof value === "object") {
      Object.values(value).forEach(frozen);
    }
    return Object.freeze(value);
  };
  const bounds = [0.01, 0.1, 1];
  // Every look is frozen: a function that changed what it was given would throw.
  const look = (at, counts = [0, 0, 0, 0], more = {}) => frozen({
    at: at * 1000, stage: "live", sessions: { "chat:session": 2, state: 3 }, spill: null, unsent: 0,
    breaker: { read: "closed", write: "closed" }, answers: { 200: counts.at(-1) },
    seconds: { bounds, counts }, copies: { compared: 0, lag: 0, mismatched: 0 }, ...more,
  });
  const points = (key, ...pairs) => frozen(pairs.map(([at, value]) => ({ at, [key]: value })));
  window.tools = { ...series, bounds, look, points };
}"""

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[Run]:
    """What a piece of JavaScript gives that uses the page's module."""
    with Visit(chromium, sqlite_site) as visit:
        visit.page.evaluate(PREPARED)
        yield lambda code: visit.page.evaluate(f"() => {{ with (window.tools) {{ {code} }} }}")


def test_counters_rise(run: Run) -> None:
    """One that is new rose from 0; nothing is no rise."""
    assert run("return findRises({ a: 1, b: 5 }, { a: 4, b: 5, c: 2 })") == {"a": 3, "b": 0, "c": 2}
    assert run("return Object.values(findRises([1, 2], [1, 4]))") == [0, 2]


def test_counters_that_begin_anew_are_counted_from_0(run: Run) -> None:
    """All of them, as they belong to one server: some may have overtaken what they were."""
    assert run("return findRises({ a: 9, b: 1 }, { a: 2, b: 3 })") == {"a": 2, "b": 3}
    assert run("return findRises({ a: 9, b: 1 }, { b: 3 })") == {"b": 3}


@pytest.mark.parametrize(
    ("share", "counts", "value"),
    [
        (0.5, [0, 0, 0, 0], None),
        (0.5, [10, 10, 10, 10], 0.005),
        (0.5, [0, 10, 10, 10], 0.055),
        (0.95, [0, 100, 100, 100], 0.0955),
        (0.5, [5, 5, 10, 10], 0.01),
        (0.95, [9, 9, 9, 10], 1),
        (1, [1, 2, 4, 4], 1),
    ],
)
def test_a_share_of_what_was_measured_lies_below(
    run: Run, share: float, counts: list[int], value: float | None
) -> None:
    """Evenly within a class; beyond the last bound it is that bound."""
    found = run(f"return computeQuantile({share}, bounds, {counts})")
    assert found == (value if value is None else pytest.approx(value))


def test_a_point_is_what_happened_since_the_look_before(run: Run) -> None:
    """By the server's clock: rates a second, and how long requests of this time took."""
    found = run("""
        const before = look(10, [100, 100, 100, 100]);
        const after = look(14, [100, 108, 108, 108], { answers: { 200: 102, 404: 4, 503: 2 },
          copies: { compared: 7, lag: 2, mismatched: 1 }, unsent: 6, spill: { backlog: 5 },
          breaker: { read: "half_open", write: "open" } });
        return buildPoint(before, after, 99);
    """)
    assert found == {
        "at": 99, "stage": "live", "conversations": 2, "sessions": 5, "breaker": 2,
        "spill": 5, "unsent": 6, "requests": 2, "missing": 1, "errors": 0.5,
        "p50": pytest.approx(55), "p95": pytest.approx(95.5),
        "compared": 7, "lag": 2, "mismatched": 1,
    }  # fmt: skip


def test_a_server_that_was_started_again_made_no_negative_requests(run: Run) -> None:
    """What it has counted since is what happened."""
    found = run("return buildPoint(look(10, [50, 50, 50, 50]), look(12, [4, 4, 4, 4]), 0)")
    assert (found["requests"], found["p50"]) == (2, pytest.approx(5))


@pytest.mark.parametrize("before", ["null", "look(12)", "look(20)"])
def test_without_a_time_between_there_is_no_rate(run: Run, before: str) -> None:
    """At the first look, and when the server's clock was set back."""
    found = run(f"return buildPoint({before}, look(12), 0)")
    assert [found[name] for name in ("requests", "missing", "errors", "p50", "p95")] == [None] * 5
    assert found["sessions"] == 5


def test_what_is_unknown_is_no_number(run: Run) -> None:
    """An engine that is away has neither no sessions nor an empty spill."""
    found = run("""
        return buildPoint(null, look(1, undefined,
          { sessions: null, spill: { unavailable: "busy" } }), 0);
    """)
    assert [found[name] for name in ("sessions", "conversations", "spill")] == [None] * 3


def test_the_history_is_bounded(run: Run) -> None:
    """Half an hour, whatever the clock did, and never more points than are told."""
    assert run("""
        const kept = trimPoints(points("a", [0, 1], [SPAN_MS, 2], [SPAN_MS + 5, 3]), SPAN_MS + 1);
        return kept.map(({ a }) => a);
    """) == [2]
    assert run("""
        const many = Array.from({ length: MOST_POINTS + 7 }, (_, at) => ({ at }));
        const kept = trimPoints(many, many.length);
        return [kept.length - MOST_POINTS, kept[0].at];
    """) == [0, 7]


def test_sums_of_the_last_minute(run: Run) -> None:
    """Of each point, itself included and what is a minute older not."""
    found = run("""
        const given = points("lag", [0, 1], [30_000, 2], [60_000, 4], [200_000, 8]);
        return sumOverMinutes(given, ["lag"]).map(({ lag }) => lag);
    """)
    assert found == [1, 3, 6, 8]


def test_a_line_is_interrupted_where_nothing_is_known(run: Run) -> None:
    """And where nobody looked for a while."""
    found = run("""
        return splitRuns(points("a", [0, 1], [2000, 2], [4000, null], [6000, 3], [60_000, 4]), "a");
    """)
    assert found == [[[0, 1], [2000, 2]], [[6000, 3]], [[60_000, 4]]]
    assert run("return splitRuns([], 'a')") == []


def test_present_lowest_and_highest(run: Run) -> None:
    """The present value may be unknown while others are known."""
    assert run("return computeExtent(points('a', [0, 4], [1, 0], [2, null]), 'a')") == {
        "now": None,
        "lowest": 0,
        "highest": 4,
    }
    assert run("return computeExtent([], 'a')") == {"now": None, "lowest": None, "highest": None}


def test_changes_of_the_stage(run: Run) -> None:
    """Where a point has another one than the point before."""
    given = "points('stage', [1, 'off'], [2, 'off'], [3, 'dualwrite'], [4, 'off'])"
    assert run(f"return findChanges({given})") == [3, 4]
    assert run("return findChanges([])") == []
