"""Runs the drills: `python -m tests.drills [names] [--seconds N] [--short]`."""

import argparse
import signal
import sys

import pytest

from tests.drills.drills import DRILLS, SHORT, Runnable, duration


def main() -> int:
    """Run the drills that are named, or all; one line each.

    Returns:
        1 when anything was found, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="all of them when none is given")
    parser.add_argument("--seconds", type=float, help="how long the load of each lasts")
    parser.add_argument("--short", action="store_true", help="the short form of the suite")
    given = parser.parse_args()
    names = given.names or list(SHORT if given.short else DRILLS)
    if unknown := [name for name in names if name not in (SHORT if given.short else DRILLS)]:
        parser.error(f"no such drill: {', '.join(unknown)}; there are {', '.join(DRILLS)}")
    clean = True
    for name in names:
        seconds = duration(name, given.seconds, short=given.short)
        clean &= report(DRILLS[name], seconds, by_command=not given.short)
    return 0 if clean else 1


def report(drill: Runnable, seconds: float, *, by_command: bool) -> bool:
    """Run one drill and print its line; whether nothing was found."""
    try:
        journal = drill.run(seconds, by_command=by_command)
    except pytest.skip.Exception as missing:
        print(f"drill={drill.name} not run: {missing}", flush=True)  # noqa: T201 - its output
        return False
    except (RuntimeError, TimeoutError) as error:
        print(f"drill={drill.name} broken: {error}", flush=True)  # noqa: T201 - its output
        return False
    print(f"drill={drill.name} {journal.summary()}", flush=True)  # noqa: T201 - its output
    for line in journal.details():
        print(f"    {line}", file=sys.stderr, flush=True)  # noqa: T201 - for whoever looks
    return journal.clean


def end(_number: int, _frame: object) -> None:
    """Leave by the usual way, so that every server is ended."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    sys.exit(main())
