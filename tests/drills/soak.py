"""Faults in random order, one after the other, on one deployment under load.

`python -m tests.drills.soak [--seconds N] [--seed N]`; the same seed gives the same faults.
"""

import argparse
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

from tests.drills.__main__ import end, report
from tests.drills.faults import FAULTS, during, flap, reset
from tests.drills.outage_list import AOF
from tests.drills.outages import OutageDrill, Scene

SECONDS = 300.0
LASTS = (0.3, 4.0)
"""How many seconds one fault lasts, drawn evenly between these."""
PAUSE = (0.5, 4.0)
"""How many seconds pass between two."""
STAGES = ("complete", "live", "shadow")

Step = Callable[[Scene, float], None]


def main() -> int:
    """Run the soak and print one line.

    Returns:
        1 when anything was found, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the load lasts")
    parser.add_argument("--seed", type=int, help="which order; drawn when none is given")
    parser.add_argument("--stage", choices=STAGES, default=STAGES[0])
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"soak seed={seed} stage={given.stage}", flush=True)  # noqa: T201 - its output
    drill = OutageDrill(
        f"soak-{given.stage}",
        mixed(random.Random(seed)),  # noqa: S311 - an order, not a secret
        given.stage,
        proxied=True,
        options=AOF,
        downtime=True,
    )
    return 0 if report(drill, given.seconds, by_command=False) else 1


def mixed(order: random.Random) -> Step:
    """Faults and restarts in an order drawn from this."""

    def happen(scene: Scene, seconds: float) -> None:
        counted: Counter[str] = Counter()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(order.uniform(*PAUSE))
            name = order.choice(sorted(STEPS))
            STEPS[name](scene, order.uniform(*LASTS))
            counted[name] += 1
        scene.journal.figures["faults"] = ",".join(f"{k}:{n}" for k, n in sorted(counted.items()))

    return happen


def _fault(name: str, meanwhile: Step | None = None) -> Step:
    def step(scene: Scene, seconds: float) -> None:
        with scene.outage(), during(FAULTS[name], scene.deployment):
            if meanwhile:
                meanwhile(scene, seconds)
            else:
                time.sleep(seconds)

    return step


def _kill_worker(scene: Scene, seconds: float) -> None:
    time.sleep(seconds / 2)
    scene.deployment.gunicorn.kill_worker()
    time.sleep(seconds / 2)


def _reload(scene: Scene, _seconds: float) -> None:
    scene.deployment.gunicorn.reload()


def _restart(scene: Scene, _seconds: float) -> None:
    scene.deployment.gunicorn.restart()


STEPS: dict[str, Step] = {
    **{name: _fault(name) for name in FAULTS},
    "flapping": lambda scene, seconds: flap(scene.deployment, seconds),
    "reset": lambda scene, seconds: reset(scene.deployment, seconds),
    "sigkill": _kill_worker,
    "sigkill-refused": _fault("refused", _kill_worker),
    "hup": _reload,
    "hup-frozen": _fault("frozen", _reload),
    "restart": _restart,
    "restart-refused": _fault("refused", _restart),
}
"""What can come next, by name."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    sys.exit(main())
