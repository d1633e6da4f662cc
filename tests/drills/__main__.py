"""Run the drills: `python -m tests.drills [names] [--seconds N] [--short]`."""

import argparse
import signal
import sys

import pytest

from tests.drills.drills import DRILLS, SHORT, AnyDrill, choose_seconds


def main() -> int:
    """Run the named drills, or all of them, and print one line for each.

    Returns:
        1 when anything was found, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="drills to run; all by default")
    parser.add_argument("--seconds", type=float, help="how long each drill is under load")
    parser.add_argument("--short", action="store_true", help="run the test suite's short form")
    given = parser.parse_args()
    available = SHORT if given.short else DRILLS
    names = given.names or list(available)
    if unknown := [name for name in names if name not in available]:
        parser.error(f"no such drill: {', '.join(unknown)}; choose from {', '.join(available)}")
    is_clean = True
    for name in names:
        seconds = choose_seconds(name, given.seconds, short=given.short)
        is_clean &= run_and_print(DRILLS[name], seconds, by_command=not given.short)
    return 0 if is_clean else 1


def run_and_print(drill: AnyDrill, seconds: float, *, by_command: bool) -> bool:
    """Run one drill and print its line; answer whether nothing was found."""
    try:
        journal = drill.run(seconds, by_command=by_command)
    except pytest.skip.Exception as missing:
        print(f"drill={drill.name} not run: {missing}", flush=True)  # noqa: T201 - its output
        return False
    except (RuntimeError, TimeoutError) as error:
        print(f"drill={drill.name} broken: {error}", flush=True)  # noqa: T201 - its output
        return False
    print(f"drill={drill.name} {journal.format_summary()}", flush=True)  # noqa: T201 - its output
    for line in journal.list_details():
        print(f"    {line}", file=sys.stderr, flush=True)  # noqa: T201 - explains the findings
    return journal.is_clean


def exit_on_signal(_number: int, _frame: object) -> None:
    """Exit through SystemExit, so that every server is stopped."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, exit_on_signal)
    sys.exit(main())
