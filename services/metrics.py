"""What this application counts besides sessions: answers, and requests refused by a limit."""

from prometheus_client import Histogram

from services.sessions.metrics import REGISTRY, Children, counter

ANSWER_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram's buckets."""

_rate_limited = Children(
    counter("teaser_rate_limited_total", "Requests that came too often, by limit.", "limit")
)
_answers = Children(
    counter(
        "teaser_answers_total",
        "Answers by status, without those to health checks and scrapes.",
        "status",
    )
)
_answer_seconds = Histogram(
    "teaser_answer_seconds",
    "How long it took until an answer began, without those to health checks and scrapes.",
    buckets=ANSWER_SECONDS,
    registry=REGISTRY,
)


def announce_limit(name: str) -> None:
    """Show a limit's refusals as 0 before there is one."""
    _rate_limited.of(name)


def count_rate_limited(name: str) -> None:
    """Count a request that exceeded the limit of this name."""
    _rate_limited.of(name).inc()


def count_answer(status: str, seconds: float) -> None:
    """Count an answer by its three-digit status, and measure the time until it began."""
    _answers.of(status).inc()
    _answer_seconds.observe(seconds)
