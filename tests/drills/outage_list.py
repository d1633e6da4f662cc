"""The outage drills by name."""

from tests.drills import anomalies, other_servers, scenarios
from tests.drills.client_behaviour import DELETES, WITHOUT_IDS
from tests.drills.outages import OutageDrill
from tests.drills.scenarios import Scenario, inject
from tests.support.redis_users import DEPLOYED

STAGES = ("shadow", "live", "complete")
NUMBERS_SECONDS = 20.0
PROBES = 30.0
"""Connections a second while every one is reset: enough for the probes of two workers with their
retries, for reads and writes, and far fewer than one for each request."""
SMALL = 400_000
"""Bytes of a disk that the spill soon fills up."""
AOF = ("--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes")


def list_outage_drills() -> list[OutageDrill]:
    """List all of them."""
    return [
        *_list_unreachable(),
        *_list_impaired(),
        *_list_other_servers(),
        *_list_restarts(),
        *_list_unreadable(),
        *_list_spill_faults(),
        *_list_measurements(),
    ]


def _list_unreachable() -> list[OutageDrill]:
    """List the drills in which Redis is not there."""
    return [
        *(
            OutageDrill(f"refused-{stage}", inject("refused"), stage, proxied=True, silent=True)
            for stage in STAGES
        ),
        OutageDrill("refused-plain", inject("refused"), "", proxied=True, silent=True),
        OutageDrill("two-hosts", inject("refused"), hosts=2, sticky=True, sharing=0, proxied=True),
        OutageDrill("hosts-apart", scenarios.write_on_both_hosts, hosts=2, sticky=True, sharing=0),
        *(OutageDrill(f"frozen-{stage}", inject("frozen"), stage, silent=True) for stage in STAGES),
        OutageDrill("blackhole", inject("blackhole"), proxied=True, silent=True),
        OutageDrill("killed-empty-complete", scenarios.lose_redis_data),
        OutageDrill("killed-empty-shadow", scenarios.restore_from_dict, "shadow"),
        *(
            OutageDrill(f"killed-aof-{stage}", inject("killed"), stage, options=AOF)
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"delete-outage-{stage or 'plain'}",
                scenarios.delete_across_outages,
                stage,
                mix=DELETES,
                proxied=True,
            )
            for stage in ("", *STAGES)
        ),
    ]


def _list_impaired() -> list[OutageDrill]:
    """List the drills in which Redis is slow, comes and goes, or refuses."""
    late = (
        OutageDrill(f"latency-{ms}", inject(f"latency-{ms}"), proxied=True, must_spill=ms >= 1000)
        for ms in (50, 200, 1000)
    )
    refusing = (
        OutageDrill(name, inject(name)) for name in ("pause-write", "oom", "read-only", "noauth")
    )
    return [
        *late,
        *refusing,
        *(OutageDrill(name, inject(name), proxied=True) for name in ("proxy-errors", "quota")),
        OutageDrill("loading", inject("loading"), must_spill=False),
        OutageDrill("slicer", inject("slicer"), proxied=True, must_spill=False),
        OutageDrill("rejected", inject("rejected"), proxied=True, most_connections=PROBES),
        OutageDrill("flapping", scenarios.flap_connection, proxied=True),
        *(
            OutageDrill(
                f"reset-{stage}",
                scenarios.lose_replies,
                stage,
                mix=WITHOUT_IDS,
                proxied=True,
                must_spill=False,
            )
            for stage in STAGES
        ),
        _build_twenty_writers("twenty-writers", scenarios.wait, must_spill=False),
        _build_twenty_writers("twenty-writers-refused", inject("refused")),
        _build_twenty_writers("twenty-writers-flapping", scenarios.flap_connection),
    ]


def _build_twenty_writers(name: str, scenario: Scenario, *, must_spill: bool = True) -> OutageDrill:
    """Build a drill in which twenty clients share two conversations."""
    return OutageDrill(
        name, scenario, sharing=20, groups=2, clients=22, proxied=True, must_spill=must_spill
    )


def _list_other_servers() -> list[OutageDrill]:
    """List the drills in which another server answers, or the same one differently."""
    return [
        OutageDrill("failover", other_servers.fail_over, proxied=True, must_spill=False),
        OutageDrill("old-server", other_servers.downgrade, options=AOF),
        OutageDrill("acl-user", scenarios.wait, user=DEPLOYED, must_spill=False),
        OutageDrill("eviction", other_servers.allow_eviction, "shadow", must_spill=False),
    ]


def _list_restarts() -> list[OutageDrill]:
    """List the drills in which the application's processes end, too."""
    return [
        *(
            OutageDrill(
                f"sigkill-{stage}", scenarios.kill_workers, stage, downtime=True, must_spill=False
            )
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"sigkill-outage-{stage}",
                inject("refused", scenarios.kill_workers),
                stage,
                proxied=True,
                downtime=True,
            )
            for stage in STAGES
        ),
        *(
            OutageDrill(
                f"restart-outage-{stage}",
                inject("refused", scenarios.restart),
                stage,
                proxied=True,
                downtime=True,
            )
            for stage in STAGES
        ),
        OutageDrill("hup-outage", inject("refused", scenarios.reload), proxied=True, downtime=True),
        OutageDrill("client-gone", anomalies.disconnect_clients, must_spill=False),
    ]


def _list_unreadable() -> list[OutageDrill]:
    """List the drills in which stored documents are unreadable."""
    return [
        OutageDrill("corrupt", anomalies.corrupt_documents, must_spill=False),
        OutageDrill("newer-format", anomalies.store_newer_format, must_spill=False),
    ]


def _list_spill_faults() -> list[OutageDrill]:
    """List the drills in which the spill itself fails."""
    return [
        OutageDrill("disk-full", inject("refused"), proxied=True, disk=SMALL, must_accept=False),
        OutageDrill("spill-unreadable", anomalies.corrupt_spill, proxied=True, downtime=True),
    ]


def _list_measurements() -> list[OutageDrill]:
    """List the drills that last long enough to measure answers during an outage."""
    return [
        OutageDrill(
            "numbers-refused",
            inject("refused"),
            proxied=True,
            silent=True,
            seconds=NUMBERS_SECONDS,
        ),
        OutageDrill("numbers-frozen", inject("frozen"), silent=True, seconds=NUMBERS_SECONDS),
    ]
