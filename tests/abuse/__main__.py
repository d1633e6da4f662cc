"""Print what each attack costs: `python -m tests.abuse [names] [--seconds N]`."""

import argparse
import contextlib

from tests.abuse.attacks import ATTACKS, Target
from tests.abuse.measures import MIB, Traffic, Visitor, Waiting, Workers
from tests.support.servers import Gunicorn, RedisServer
from tests.support.sites import Site

SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "SESSION_STAGE": "complete",
    "RATE_LIMIT_CONVERSATIONS": "60 per minute",
    "RATE_LIMIT_STATES": "300 per minute",
    "RATE_LIMIT_BYTES_ADDRESS": "20971520",
    "RATE_LIMIT_BYTES_OWNER": "10485760",
}
"""Two workers, and the limits as they are by default; the tests have none."""
REDIS_BYTES = "40mb"
HEADS = (
    "attack", "sent MB", "got MB", "workers s", "MB before", "MB peak", "spill MB",
    "quiet p50", "quiet p99", "p50 ms", "p99 ms", "x", "failed", "statuses",
)  # fmt: skip


def main() -> None:
    """Run the named attacks, or all, one after the other, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="attacks; all by default")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each goes on")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ATTACKS):
        parser.error(f"no such attack: {', '.join(unknown)}; choose from {', '.join(ATTACKS)}")
    print("\t".join(HEADS))  # noqa: T201 - its output
    for name in given.names or ATTACKS:
        print("\t".join([name, *attack(name, given.seconds)]), flush=True)  # noqa: T201 - its output


def attack(name: str, seconds: float) -> list[str]:
    """Make one attack on a deployment of its own; return the columns of its line."""
    prepare, by_nginx = ATTACKS[name]
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(
            RedisServer("--maxmemory", REDIS_BYTES, "--maxmemory-policy", "noeviction")
        )
        if by_nginx:
            site = stack.enter_context(Site(redis, tls=False, **SETTINGS))
            gunicorn, url = site.gunicorn, site.url
        else:
            gunicorn = stack.enter_context(Gunicorn(REDIS_URL=redis.url, **SETTINGS))
            url = gunicorn.url
        quiet = Visitor(url, seconds).report()
        traffic = Traffic()
        run = prepare(Target(url, redis, traffic))
        workers, visitor = Workers(gunicorn), Visitor(url, seconds)
        run(seconds)
        workers.stop()
        spill = gunicorn.spill.stat().st_size if gunicorn.spill.exists() else 0
        return describe(traffic, workers, spill, (quiet, visitor.report()))


def describe(
    traffic: Traffic, workers: Workers, spill: int, visits: tuple[Waiting, Waiting]
) -> list[str]:
    """The columns after the name."""
    quiet, meanwhile = visits
    numbers = (
        traffic.sent / MIB, traffic.received / MIB, workers.spent, workers.resting, workers.peak,
        spill / MIB, quiet.p50, quiet.p99, meanwhile.p50, meanwhile.p99,
        meanwhile.p99 / quiet.p99,
    )  # fmt: skip
    statuses = ", ".join(f"{count} x {one}" for one, count in sorted(traffic.statuses.items()))
    return [*(f"{number:.1f}" for number in numbers), f"{meanwhile.failed:.2f}", statuses]


if __name__ == "__main__":
    main()
