"""The outage drills by name."""

from tests.drills import anomalies, scenarios
from tests.drills.client_behaviour import DELETES, WHISPERS
from tests.drills.outages import OutageDrill
from tests.drills.scenarios import Happening, once

STAGES = ("shadow", "live", "complete")
NUMBERS_SECONDS = 20.0
PROBES = 30.0
"""Connections a second while every one is reset: more than two workers' probes and their
repetitions, for reading and for writing, and far less than one for each request."""
SMALL = 400_000
"""Bytes of a disk for the spill that are soon used up."""
AOF = ("--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes")


def outage_drills() -> list[OutageDrill]:
    """All of them."""
    return [*_away(), *_in_part(), *_with_restarts(), *_values(), *_disks(), *_numbers()]


def _away() -> list[OutageDrill]:
    """Redis is not there."""
    return [
        *(
            OutageDrill(f"refused-{stage}", once("refused"), stage, proxied=True, silent=True)
            for stage in STAGES
        ),
        OutageDrill("refused-plain", once("refused"), "", proxied=True, silent=True),
        OutageDrill("two-hosts", once("refused"), hosts=2, sticky=True, together=0, proxied=True),
        OutageDrill("hosts-apart", scenarios.speak_at_both_hosts, hosts=2, sticky=True, together=0),
        *(OutageDrill(f"frozen-{stage}", once("frozen"), stage, silent=True) for stage in STAGES),
        OutageDrill("blackhole", once("blackhole"), proxied=True, silent=True),
        OutageDrill("killed-empty-complete", scenarios.emptied),
        OutageDrill("killed-empty-shadow", scenarios.emptied_beside_a_dict, "shadow"),
        *(
            OutageDrill(f"killed-aof-{stage}", once("killed"), stage, options=AOF)
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"delete-outage-{stage or 'plain'}",
                scenarios.delete_across,
                stage,
                mix=DELETES,
                proxied=True,
            )
            for stage in ("", *STAGES)
        ),
    ]


def _in_part() -> list[OutageDrill]:
    """Redis is slow, comes and goes, or answers that it will not."""
    late = (
        OutageDrill(f"latency-{ms}", once(f"latency-{ms}"), proxied=True, spills=ms >= 1000)
        for ms in (50, 200, 1000)
    )
    refusing = (
        OutageDrill(name, once(name)) for name in ("pause-write", "oom", "read-only", "noauth")
    )
    return [
        *late,
        *refusing,
        OutageDrill("loading", once("loading"), spills=False),
        OutageDrill("slicer", once("slicer"), proxied=True, spills=False),
        OutageDrill("rejected", once("rejected"), proxied=True, most_connections=PROBES),
        OutageDrill("flapping", scenarios.flapping, proxied=True),
        *(
            OutageDrill(
                f"reset-{stage}",
                scenarios.resets,
                stage,
                mix=WHISPERS,
                proxied=True,
                spills=False,
            )
            for stage in STAGES
        ),
        _twenty("twenty-writers", scenarios.wait, spills=False),
        _twenty("twenty-writers-refused", once("refused")),
        _twenty("twenty-writers-flapping", scenarios.flapping),
    ]


def _twenty(name: str, happen: Happening, *, spills: bool = True) -> OutageDrill:
    """Two conversations that twenty clients share, while something happens."""
    return OutageDrill(name, happen, together=20, groups=2, clients=22, proxied=True, spills=spills)


def _with_restarts() -> list[OutageDrill]:
    """The application's processes end, too."""
    return [
        *(
            OutageDrill(
                f"sigkill-{stage}", scenarios.kill_workers, stage, downtime=True, spills=False
            )
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"sigkill-outage-{stage}",
                once("refused", scenarios.kill_workers),
                stage,
                proxied=True,
                downtime=True,
            )
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"restart-outage-{stage}",
                once("refused", scenarios.restart),
                stage,
                proxied=True,
                downtime=True,
            )
            for stage in STAGES
        ),
        OutageDrill("hup-outage", once("refused", scenarios.reload), proxied=True, downtime=True),
        OutageDrill("client-gone", anomalies.leave, spills=False),
    ]


def _values() -> list[OutageDrill]:
    """What is stored cannot be read."""
    return [
        OutageDrill("corrupt", anomalies.corrupt, spills=False),
        OutageDrill("newer-format", anomalies.from_a_newer_release, spills=False),
    ]


def _disks() -> list[OutageDrill]:
    """The spill's own troubles."""
    return [
        OutageDrill("disk-full", once("refused"), proxied=True, disk=SMALL, accepts=False),
        OutageDrill("spill-unreadable", anomalies.spoil_spill, proxied=True, downtime=True),
    ]


def _numbers() -> list[OutageDrill]:
    """Long enough to measure how it answers meanwhile."""
    return [
        OutageDrill(
            "numbers-refused",
            once("refused"),
            proxied=True,
            silent=True,
            seconds=NUMBERS_SECONDS,
        ),
        OutageDrill("numbers-frozen", once("frozen"), silent=True, seconds=NUMBERS_SECONDS),
    ]
