"""Faults in random order, one after the other, on one deployment under load.

Usage: `python -m tests.drills.soak [--seconds N] [--seed N]`; a seed repeats its order of faults.
"""

import argparse
import random
import secrets
import signal
import sys
import time
from collections import Counter

from tests.drills import scenarios
from tests.drills.__main__ import exit_on_signal, run_and_print
from tests.drills.faults import FAULTS
from tests.drills.outage_list import AOF
from tests.drills.outages import DrillRun, OutageDrill
from tests.drills.scenarios import Scenario, inject

SECONDS = 300.0
LASTS = (0.3, 4.0)
"""The shortest and the longest time that one fault lasts, in seconds."""
PAUSE = (0.5, 4.0)
"""The shortest and the longest pause between two faults, in seconds."""
STAGES = ("complete", "live", "shadow")
STEPS: dict[str, Scenario] = {
    **{name: inject(name, all_the_time=True) for name in FAULTS},
    "flapping": scenarios.flap_connection,
    "reset": scenarios.lose_replies,
    "sigkill": scenarios.kill_workers,
    "sigkill-refused": inject("refused", scenarios.kill_workers, all_the_time=True),
    "hup": scenarios.reload,
    "hup-frozen": inject("frozen", scenarios.reload, all_the_time=True),
    "restart": scenarios.restart,
    "restart-refused": inject("refused", scenarios.restart, all_the_time=True),
}
"""What can happen next, by name."""


def main() -> int:
    """Run the soak and print one line.

    Returns:
        1 when anything was found, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the load lasts")
    parser.add_argument("--seed", type=int, help="the order of faults; random by default")
    parser.add_argument("--stage", choices=STAGES, default=STAGES[0])
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"soak seed={seed} stage={given.stage}", flush=True)  # noqa: T201 - its output
    drill = OutageDrill(
        f"soak-{given.stage}",
        build_scenario(random.Random(seed)),  # noqa: S311 - an order, not a secret
        given.stage,
        proxied=True,
        options=AOF,
        downtime=True,
    )
    return 0 if run_and_print(drill, given.seconds, by_command=False) else 1


def build_scenario(order: random.Random) -> Scenario:
    """Build the scenario of faults and restarts in an order drawn from this."""

    def play(run: DrillRun, seconds: float) -> None:
        counts: Counter[str] = Counter()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(order.uniform(*PAUSE))
            name = order.choice(sorted(STEPS))
            STEPS[name](run, order.uniform(*LASTS))
            counts[name] += 1
        run.journal.figures["faults"] = ",".join(f"{k}:{n}" for k, n in sorted(counts.items()))

    return play


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, exit_on_signal)
    sys.exit(main())
