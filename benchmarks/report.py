"""Paired timings and readable tables."""

import statistics
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def time_call(work: Work, rounds: int) -> float:
    """Time so many calls; return the average seconds of one."""
    begin = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - begin) / rounds


def time_pairs(first: Work, second: Work, *, rounds: int, pairs: int) -> tuple[float, float, float]:
    """Time two calls in turn, so that both run under the same conditions.

    Returns:
        The median seconds of each, and the median of the ratios first/second of each pair.
    """
    time_call(first, rounds)
    time_call(second, rounds)
    times = [(time_call(first, rounds), time_call(second, rounds)) for _ in range(pairs)]
    ratio = statistics.median(a / b for a, b in times)
    return (*(statistics.median(column) for column in zip(*times, strict=True)), ratio)


def pick_percentile(values: Sequence[float], share: float) -> float:
    """Pick the value that this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with columns as wide as their cells."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    print(f"\n{title}")
    for number, line in enumerate(lines):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def to_micros(seconds: float) -> str:
    """Format a duration in microseconds."""
    return f"{seconds * 1e6:,.0f} us"


def to_millis(seconds: float, places: int = 1) -> str:
    """Format a duration in milliseconds, with so many decimal places."""
    return f"{seconds * 1e3:,.{places}f} ms"


def judge(value: float, *, at_most: float | None = None, at_least: float | None = None) -> str:
    """Format the target of a ratio and whether it was met."""
    if at_most is not None:
        return f"<= {at_most:.2f}: {'met' if value <= at_most else 'MISSED'}"
    if at_least is not None:
        return f">= {at_least:.2f}: {'met' if value >= at_least else 'MISSED'}"
    return ""
