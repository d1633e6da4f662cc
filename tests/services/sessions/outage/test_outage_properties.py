"""Whatever links break, in whatever order, what was accepted is there once and deleted stays so."""

import contextlib
import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sessions.codec import Session
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable
from services.sessions.outage import open_spill
from tests.services.sessions.outage.test_failover import CHAT, Worker
from tests.support.engines import CutOff

HOSTS, WORKERS, SESSIONS = 2, 2, 3

deeds = st.sampled_from(
    (
        *("say", "say", "say", "load", "save", "save", "read", "begin", "delete"),
        *("cut", "cut", "lose_answers", "refuse", "mend", "replay"),
    )
)
Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(deeds, st.integers(0, HOSTS * WORKERS - 1), st.integers(0, SESSIONS - 1)),
    max_size=60,
)


class World:
    """One engine, hosts with a spill each, workers with a link each, and what clients were told."""

    def __init__(self) -> None:
        self.engine = CutOff()
        spills = [open_spill("memory://") for _ in range(HOSTS)]
        self.workers = [Worker(self.engine, spill) for spill in spills for _ in range(WORKERS)]
        self.ids = [self.workers[0].begin() for _ in range(SESSIONS)]
        self.said: dict[str, list[str]] = {one: ["first"] for one in self.ids}
        self.heard: dict[tuple[int, str], set[str]] = {}
        self.deleted: set[str] = set()
        self.loaded: dict[int, Session] = {}

    def do(self, deed: str, worker: int, session: int) -> None:
        """One step; what is unavailable or in conflict was not acknowledged."""
        try:
            getattr(self, f"_{deed}")(worker, self.ids[session])
        except (StoreUnavailable, SessionConflict):
            assert deed not in ("cut", "mend", "lose_answers", "refuse", "begin")

    def heal(self) -> None:
        """Every link works, and every host has sent what waited."""
        for number in range(len(self.workers)):
            self._mend(number, "")
        for worker in self.workers:
            worker.replay.work()

    def check(self) -> None:
        """Every acknowledged turn is in the engine once; nothing that was deleted is found."""
        for worker in self.workers:
            assert worker.spill.backlog().count == 0
            for session_id, said in self.said.items():
                if session_id in self.deleted:
                    assert not self._is_found(worker, session_id)
                else:
                    found = worker.said(session_id)
                    assert len(found) == len(set(found))
                    assert set(said) <= set(found)

    def _say(self, number: int, session_id: str) -> None:
        text = str(uuid.uuid4())
        try:
            self.workers[number].say(session_id, text)
        except SessionNotFound:
            assert self._may_be_missing(number, session_id)
        else:
            self._acknowledge(number, session_id, text)

    def _load(self, number: int, session_id: str) -> None:
        """A request reads a conversation and takes its time."""
        try:
            self.loaded[number] = self.workers[number].chats.get(session_id)
        except SessionNotFound:
            assert self._may_be_missing(number, session_id)

    def _save(self, number: int, _session_id: str) -> None:
        """It saves its turn, whatever has happened meanwhile."""
        session = self.loaded.pop(number, None)
        if session is None:
            return
        text = str(uuid.uuid4())
        session["history"].append({"id": text, "content": text})
        try:
            self.workers[number].chats.save(session.session_id, session)
        except SessionNotFound:
            assert self._may_be_missing(number, session.session_id)
        else:
            self._acknowledge(number, session.session_id, text)

    def _read(self, number: int, session_id: str) -> None:
        """A host reads its own writes, through any of its workers.

        A worker that is cut off cannot know what its neighbour wrote to the engine after it read;
        the neighbour brings both together a moment later, as its background thread does.
        """
        host = number // WORKERS
        neighbours = self.workers[host * WORKERS : (host + 1) * WORKERS]
        for neighbour in neighbours:
            with contextlib.suppress(StoreUnavailable):
                neighbour.replay.work()
        heard = set(self.heard.get((host, session_id), ()))
        try:
            found = self.workers[number].said(session_id)
        except SessionNotFound:
            assert self._may_be_missing(number, session_id)
        else:
            one_only_reads = any(neighbour.link.refuses_writes for neighbour in neighbours)
            if not (one_only_reads and self.workers[number].link.down):
                assert heard <= set(found)

    def _may_be_missing(self, number: int, session_id: str) -> bool:
        """Deleted, or begun on another host that could not tell the engine yet."""
        waits_elsewhere = any(
            worker.spill.get(CHAT.key(session_id))
            for at, worker in enumerate(self.workers)
            if at // WORKERS != number // WORKERS
        )
        return session_id in self.deleted or waits_elsewhere

    def _begin(self, number: int, _session_id: str) -> None:
        """New conversations are never refused."""
        session_id = self.workers[number].begin()
        self.said[session_id] = ["first"]
        self.ids[number % SESSIONS] = session_id

    def _delete(self, number: int, session_id: str) -> None:
        if self.workers[number].chats.delete(session_id):
            self.deleted.add(session_id)

    def _cut(self, number: int, _session_id: str) -> None:
        self.workers[number].link.down = True

    def _lose_answers(self, number: int, _session_id: str) -> None:
        self.workers[number].link.loses_answers = True

    def _refuse(self, number: int, _session_id: str) -> None:
        self.workers[number].link.refuses_writes = True

    def _mend(self, number: int, _session_id: str) -> None:
        link = self.workers[number].link
        link.down = link.loses_answers = link.refuses_writes = False

    def _replay(self, number: int, _session_id: str) -> None:
        self.workers[number].replay.work()

    def _acknowledge(self, number: int, session_id: str, text: str) -> None:
        self.said[session_id].append(text)
        self.heard.setdefault((number // WORKERS, session_id), set()).add(text)

    def _is_found(self, worker: Worker, session_id: str) -> bool:
        try:
            worker.chats.get(session_id)
        except SessionNotFound:
            return False
        return True


options: dict[str, Any] = {
    "max_examples": 300,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
}


@settings(**options)
@given(way=steps)
def test_nothing_accepted_is_lost_and_nothing_deleted_returns(way: list[Step]) -> None:
    """Two hosts with two workers each, whose links break, lose answers and mend."""
    world = World()
    for step in way:
        world.do(*step)
    world.heal()
    world.check()
