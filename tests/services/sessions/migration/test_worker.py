"""What a serving process does beside its requests: follow, report, send, compare, end."""

import dataclasses
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions import codec
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.control import (
    Control,
    ControlRoom,
    Report,
    StageUnknown,
    find_blockers,
    read_stage_at_start,
)
from services.sessions.migration.last_stage import LastStage
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.migration.worker import Worker
from services.sessions.outage import Outage
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, RedisStore, Store
from services.sessions.stores.base import Condition
from tests.support.engines import CutOff, document_record
from tests.support.servers import RedisServer, eventually

CHAT = build_teaser_chat_keyspace()


def worker_over(
    engine: Store,
    stage: Stage = Stage.COMPLETE,
    *,
    pinned: bool = False,
    remembered: Path | None = None,
) -> Worker:
    """A worker of a process with a dict of its own."""
    outage = Outage(engine, (CHAT,))
    store = MigratingStore(MemoryStore(), outage.store, (CHAT,), Plan(stage))
    return Worker(store, ControlRoom(outage.engine), outage, LastStage(remembered), pinned=pinned)


def fill(worker: Worker, count: int) -> list[str]:
    """So many conversations."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    sessions = Sessions(worker.store, CHAT)
    for session_id in ids:
        sessions.save(session_id, {"history": []})
    return ids


@pytest.fixture
def remote() -> CutOff:
    """An engine that can be cut off."""
    return CutOff()


@pytest.fixture
def worker(remote: CutOff) -> Iterator[Worker]:
    """A worker whose threads run, in the stage that is stored: off."""
    ControlRoom(remote).begin()
    started = worker_over(remote)
    started.start()
    yield started
    remote.down = False
    started.finish()


def test_it_serves_complete_where_no_migration_was_begun(remote: CutOff) -> None:
    """A deployment that needs none hears nothing of it."""
    worker = worker_over(remote)
    worker.follow()
    assert worker.store.plan == Plan(Stage.COMPLETE)


def test_it_follows_the_stored_stage_without_a_restart(worker: Worker) -> None:
    """Stage and cohort; the dict survives the change."""
    assert worker.store.plan.stage is Stage.OFF
    session_id = fill(worker, 1)[0]
    worker.room.change(Stage.SHADOW, 25)
    assert eventually(lambda: worker.store.plan.stage is Stage.SHADOW, 5)
    assert worker.store.plan.cohort == 25
    assert worker.store.old.get(CHAT.key(session_id)) is not None
    assert eventually(lambda: worker.room.list_workers()[0].stage == "shadow", 5)


def test_a_pinned_worker_stays_where_it_is_and_says_so(remote: CutOff) -> None:
    """SESSION_STAGE wins over everything."""
    ControlRoom(remote).change(Stage.LIVE)
    worker = worker_over(remote, Stage.OFF, pinned=True)
    worker.follow()
    assert worker.store.plan.stage is Stage.OFF
    report = worker.room.list_workers()[0]
    assert (report.stage, report.pinned) == ("off", True)


def test_a_pinned_complete_leaves_tombstones_while_others_may_have_copies(remote: CutOff) -> None:
    """Until the stage is removed, which no pinned worker brings back."""
    room = ControlRoom(remote)
    room.change(Stage.RAMPDOWN)
    worker = worker_over(remote, pinned=True)
    for is_tombstone in (True, False):
        worker.follow()
        session_id = fill(worker, 1)[0]
        Sessions(worker.store, CHAT).delete(session_id)
        assert codec.is_tombstone(remote.get(CHAT.key(session_id)) or b"") is is_tombstone
        remote.delete(document_record("migration:control", 1, ""))
    assert room.read() is None


def test_an_unreachable_stage_is_the_last_one_known(remote: CutOff) -> None:
    """Nothing changes until it can be read again."""
    ControlRoom(remote).change(Stage.SHADOW)
    worker = worker_over(remote)
    worker.follow()
    remote.down = True
    with pytest.raises(StoreUnavailable):
        worker.follow()
    assert worker.store.plan.stage is Stage.SHADOW


def test_an_unknown_stage_is_refused_and_the_last_one_kept(remote: CutOff) -> None:
    """The report tells the operator."""
    room = ControlRoom(remote)
    room.change(Stage.DUALWRITE)
    worker = worker_over(remote)
    worker.follow()
    key = "migration:control"
    stored = remote.read_record(key)
    assert stored is not None
    remote.put(stored._replace(body=stored.body.replace(b"dualwrite", b"sideways")), Condition.ANY)
    with pytest.raises(StageUnknown, match="sideways"):
        room.read()
    worker._reported = None
    worker.follow()
    assert worker.store.plan.stage is Stage.DUALWRITE
    assert "sideways" in room.list_workers()[0].fault
    assert "sideways" in worker.describe_state()["warnings"][0]


def test_a_comparison_that_was_interrupted_goes_on_where_it_was(remote: CutOff) -> None:
    """It is not done before every copy was compared."""
    worker = worker_over(remote, Stage.SHADOW)
    ids = fill(worker, 50)
    worker.flusher.start_comparison(1)
    remote.down = True
    with pytest.raises(StoreUnavailable):
        worker.flusher.work()
    remote.down = False
    assert worker.flusher.comparison.done < len(ids)
    while not worker.flusher.comparison.is_finished:
        worker.flusher.work()
    assert worker.store.copies.stats.compared == len(ids)


def test_an_engine_emptied_in_off_gets_everything_at_the_end(
    worker: Worker, remote: CutOff
) -> None:
    """Also what had been sent before."""
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: worker.store.plan.stage is Stage.DUALWRITE, 5)
    ids = fill(worker, 10)
    worker.room.change(Stage.OFF)
    assert eventually(lambda: worker.store.plan.stage is Stage.OFF, 5)
    remote.close()
    assert eventually(lambda: worker.room.read() is not None, 5)
    worker.finish()
    assert all(remote.get(CHAT.key(session_id)) for session_id in ids)


def test_readiness_tells_that_the_engine_is_away_without_any_request(
    worker: Worker, remote: CutOff
) -> None:
    """The stage is looked for several times a second."""
    assert worker.describe_state()["degraded"] is False
    remote.down = True
    assert eventually(lambda: worker.describe_state()["degraded"], 5)
    remote.down = False
    assert eventually(lambda: not worker.describe_state()["degraded"], 5)


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.LIVE])
def test_an_engine_that_was_emptied_gets_stage_and_sessions_back(
    worker: Worker, remote: CutOff, stage: Stage
) -> None:
    """It is not taken for one where nothing was ever migrated, which would empty the dict."""
    worker.room.change(stage)
    assert eventually(lambda: worker.store.plan.stage is stage, 5)
    ids = fill(worker, 10)
    remote.close()
    assert eventually(lambda: all(remote.get(CHAT.key(one)) for one in ids), 5)
    assert worker.store.plan.stage is stage
    control = worker.room.read()
    assert control is not None
    assert control.stage is stage


def test_it_starts_without_the_engine_and_follows_later(remote: CutOff) -> None:
    """Until then requests for what is stored are answered with 503."""
    ControlRoom(remote).change(Stage.LIVE)
    remote.down = True
    worker = worker_over(remote)
    worker.start()
    assert worker.store.plan.stage is Stage.COMPLETE
    remote.down = False
    assert eventually(lambda: worker.store.plan.stage is Stage.LIVE, 5)
    worker.finish()


def test_going_to_dualwrite_sends_what_only_the_dict_has(worker: Worker, remote: CutOff) -> None:
    """Without a command; nothing depends on the process from then on."""
    ids = fill(worker, 450)
    assert remote.get(CHAT.key(ids[0])) is None
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: all(remote.get(CHAT.key(one)) for one in ids), 10)
    assert eventually(lambda: worker.build_report().unsent == 0)


def test_a_backfill_sends_everything_again_and_tells_how_far_it_is(
    worker: Worker, remote: CutOff
) -> None:
    """Also what the engine has lost since; a second one changes nothing."""
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: worker.store.plan.stage is Stage.DUALWRITE, 5)
    ids = fill(worker, 20)
    for session_id in ids[:5]:
        remote.delete(document_record(CHAT.key(session_id), 1, ""))
    for number in (1, 2):
        assert worker.room.request_task("backfill") == number
        assert eventually(lambda n=number: worker.build_report().backfill.number == n, 5)  # type: ignore[misc]
        assert eventually(lambda: worker.build_report().backfill.is_finished, 5)
        done = worker.build_report().backfill
        assert done.done == done.total >= 20
        values = [remote.get(CHAT.key(session_id)) for session_id in ids]
        assert all(value and codec.version_of(value) == 1 for value in values)


def test_a_copy_that_cannot_be_reconciled_keeps_no_other_from_being_sent(
    worker: Worker, remote: CutOff, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again, and told in the log."""
    strange = document_record("nobody:knows", 1, "mine")
    remote.put(document_record("nobody:knows", 1, "theirs"), Condition.ABSENT)
    worker.store.old.install(strange)
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: worker.store.plan.stage is Stage.DUALWRITE, 5)
    worker.store.copies.unsent.add(strange.key)
    ids = fill(worker, 5)
    worker.store.copies.unsent.add(*(CHAT.key(session_id) for session_id in ids))
    assert eventually(lambda: worker.build_report().unsent == 1, 5)
    assert all(remote.get(CHAT.key(session_id)) for session_id in ids)
    assert eventually(lambda: "could not be reconciled" in caplog.text, 5)
    worker.store.old.delete(strange)


def test_a_comparison_looks_at_the_whole_dict(worker: Worker) -> None:
    """Mismatches are counted and reported."""
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: worker.store.plan.stage is Stage.DUALWRITE, 5)
    ids = fill(worker, 30)
    assert eventually(lambda: worker.build_report().unsent == 0)
    worker.store.old.install(document_record(CHAT.key(ids[3]), 1, "changed by hand"))
    worker.room.request_task("compare")
    assert eventually(lambda: worker.build_report().comparison.number == 1, 5)
    assert eventually(lambda: worker.build_report().comparison.is_finished, 5)
    report = worker.build_report()
    assert (report.mismatches, report.lag) == (1, 0)
    assert report.compared >= 30


def test_the_end_sends_everything_and_takes_the_worker_off_the_list(
    worker: Worker, remote: CutOff
) -> None:
    """In off, where nothing was sent before."""
    ids = fill(worker, 250)
    deleted = ids.pop()
    Sessions(worker.store, CHAT).delete(deleted)
    assert worker.finish() == 0
    assert all(remote.get(CHAT.key(session_id)) for session_id in ids)
    assert codec.is_tombstone(remote.get(CHAT.key(deleted)) or b"")
    assert worker.room.list_workers() == []


def test_while_it_ends_every_write_goes_through(worker: Worker, remote: CutOff) -> None:
    """A request that is still under way leaves nothing behind in the dict."""
    worker.drain()
    worker.flusher.work()
    session_id = fill(worker, 1)[0]
    assert remote.get(CHAT.key(session_id)) is not None


def test_what_could_not_be_sent_at_the_end_is_told(worker: Worker, remote: CutOff) -> None:
    """With a number, after a bounded time."""
    fill(worker, 3)
    remote.down = True
    assert worker.finish(seconds=0.2) == 3
    remote.down = False


def test_what_was_not_mirrored_is_sent_when_the_engine_is_back(
    worker: Worker, remote: CutOff
) -> None:
    """The flusher keeps the number of unsent copies near none."""
    worker.room.change(Stage.DUALWRITE)
    assert eventually(lambda: worker.store.plan.stage is Stage.DUALWRITE, 5)
    remote.down = True
    ids = fill(worker, 20)
    assert worker.describe_state()["backlog"] == 20
    assert worker.describe_state()["degraded"] is True
    remote.down = False
    assert eventually(lambda: worker.describe_state()["backlog"] == 0)
    assert all(remote.get(CHAT.key(session_id)) for session_id in ids)


def test_a_second_process_while_the_dict_is_first_is_a_warning(remote: CutOff) -> None:
    """Readiness tells the operator that one must serve."""
    ControlRoom(remote).change(Stage.SHADOW)
    one, two = worker_over(remote), worker_over(remote)
    one.follow()
    assert one.describe_state()["warnings"] == []
    two.follow()
    assert one.describe_state()["warnings"] == ["1 more processes serve while the dict is first"]


def test_a_start_reads_the_stage_that_tells_how_many_processes_there_are(remote: CutOff) -> None:
    """Complete where none is stored, none is known, or none can be read in time."""
    assert read_stage_at_start(remote) is Stage.COMPLETE
    room = ControlRoom(remote)
    room.change(Stage.DUALWRITE)
    assert read_stage_at_start(remote) is Stage.DUALWRITE
    remote.down = True
    threading.Timer(0.3, lambda: setattr(remote, "down", False)).start()
    assert read_stage_at_start(remote, seconds=30) is Stage.DUALWRITE
    remote.down = True
    assert read_stage_at_start(remote, seconds=0.1) is Stage.COMPLETE
    remote.down = False
    stored = remote.read_record("migration:control")
    assert stored is not None
    remote.put(stored._replace(body=stored.body.replace(b"dualwrite", b"sideways")), Condition.ANY)
    assert read_stage_at_start(remote) is Stage.COMPLETE


def test_a_process_that_starts_during_an_outage_serves_as_the_one_before(tmp_path: Path) -> None:
    """The stage is remembered on the host; where it is not, the engine is taken to decide."""
    file, remote = tmp_path / "new" / "stage.json", CutOff()
    ControlRoom(remote).change(Stage.SHADOW, 10)
    first = worker_over(remote, remembered=file)
    first.follow()
    remote.down = True
    later = worker_over(remote, remembered=file)
    later.start()
    later.finish(seconds=0)
    assert later.store.plan == first.store.plan
    assert read_stage_at_start(remote, LastStage(file).read(), seconds=0) is Stage.SHADOW
    pinned = worker_over(remote, Stage.OFF, pinned=True, remembered=file)
    pinned.start()
    pinned.finish(seconds=0)
    assert pinned.store.plan.stage is Stage.OFF


def test_a_stage_that_could_not_be_remembered_is_tried_again(tmp_path: Path) -> None:
    """The disk may have been full for a moment."""
    in_the_way = tmp_path / "folder"
    in_the_way.write_text("this is no folder")
    last, plan = LastStage(in_the_way / "stage.json"), Plan(Stage.LIVE, stepped=True)
    last.keep(plan)
    in_the_way.unlink()
    last.keep(plan)
    assert last.read() == plan


def test_a_migration_that_is_over_is_forgotten_on_the_host(tmp_path: Path) -> None:
    """And so is one whose file cannot be read any more."""
    file, remote = tmp_path / "stage.json", CutOff()
    ControlRoom(remote).change(Stage.LIVE)
    worker = worker_over(remote, remembered=file)
    worker.follow()
    assert LastStage(file).read() == worker.store.plan
    for content in (b"garbage", b"{}", b'{"stage":"sideways","cohort":0,"salt":""}', b"[]"):
        file.write_bytes(content)
        assert LastStage(file).read() is None
    LastStage(file).keep(None)
    assert not file.exists()
    LastStage(None).keep(worker.store.plan)
    assert LastStage(None).read() is None


def report(stage: str = "shadow", **more: object) -> Report:
    """A worker's report."""
    return Report("0123456789abcdef", "host", 42, stage, **more)  # type: ignore[arg-type]


def test_a_report_of_another_release_can_be_read() -> None:
    """An older one says nothing of its release; what a newer one adds is left out."""
    data = dataclasses.asdict(report(release="0.1.0"))
    assert Report.from_data(data | {"newer": 1}) == report(release="0.1.0")
    del data["release"]
    assert Report.from_data(data).release == ""


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        ([], "no worker reports"),
        ([report("off")], "serves off, not shadow"),
        ([report("off", pinned=True)], "pinned by SESSION_STAGE"),
        ([report(cohort=10)], "cohort 10"),
        ([report(unsent=3)], "3 copies that were not sent"),
        ([report(mismatches=2)], "2 mismatches"),
        ([report(spilled=5), report(spilled=5)], "5 sessions wait in the spill of host"),
        ([report(fault="'x' is no stage")], "does not follow"),
        ([report(), report()], "only one may"),
    ],
)
def test_what_keeps_a_migration_from_going_on(workers: list[Report], said: str) -> None:
    """Each reason in a sentence that names the worker."""
    found = find_blockers(Control(Stage.SHADOW), workers, MemoryStore().risks())
    assert any(said in reason for reason in found), found


def test_an_unfinished_backfill_keeps_it_from_going_on() -> None:
    """A worker that has not begun it, or not ended."""
    found = find_blockers(Control(Stage.SHADOW, backfill=2), [report()], MemoryStore().risks())
    assert found == ["the worker 42 on host has not finished the backfill"]
    assert find_blockers(Control(Stage.SHADOW), [report()], MemoryStore().risks()) == []


def test_a_redis_that_may_forget_keeps_it_from_going_on(redis_server: RedisServer) -> None:
    """Eviction, of whatever kind, because every session expires; and missing persistence."""
    store, client = RedisStore.from_url(redis_server.url), redis_server.client()
    try:
        assert store.risks() == ["Redis keeps nothing over a restart: set appendonly to yes"]
        client.config_set("save", "3600 1")
        for policy in ("allkeys-lru", "volatile-lru", "volatile-ttl"):
            client.config_set("maxmemory-policy", policy)
            found = store.risks()
            assert found == [
                f"Redis may evict sessions: set maxmemory-policy {policy} to noeviction"
            ]
            assert find_blockers(Control(Stage.SHADOW), [report()], store.risks()) == found
            assert store.memory()["evicts"] == 1
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("save", "")
        client.close()
        store.close()
