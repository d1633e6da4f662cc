"""Pairs of timings, and tables that a person can read."""

import statistics
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def timed(work: Work, rounds: int) -> float:
    """Seconds one call takes, on average over so many."""
    begin = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - begin) / rounds


def paired(first: Work, second: Work, *, rounds: int, pairs: int) -> tuple[float, float, float]:
    """Time two things in turn, so that both meet the same weather.

    Returns:
        The median seconds of each, and the median of the ratios first/second pair by pair.
    """
    timed(first, rounds)
    timed(second, rounds)
    times = [(timed(first, rounds), timed(second, rounds)) for _ in range(pairs)]
    ratio = statistics.median(a / b for a, b in times)
    return (*(statistics.median(column) for column in zip(*times, strict=True)), ratio)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with columns as wide as they need to be."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    print(f"\n{title}")
    for number, line in enumerate(lines):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def micros(seconds: float) -> str:
    """A duration in microseconds."""
    return f"{seconds * 1e6:,.0f} us"


def millis(seconds: float, places: int = 1) -> str:
    """A duration in milliseconds, with so many decimal places."""
    return f"{seconds * 1e3:,.{places}f} ms"


def verdict(value: float, *, at_most: float | None = None, at_least: float | None = None) -> str:
    """The target beside a ratio, and whether it was met."""
    if at_most is not None:
        return f"<= {at_most:.2f}: {'met' if value <= at_most else 'MISSED'}"
    if at_least is not None:
        return f">= {at_least:.2f}: {'met' if value >= at_least else 'MISSED'}"
    return ""
