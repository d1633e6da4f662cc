"""Whatever order stages, outages, restarts, turns and deletions come in, nothing is lost."""

import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable
from services.sessions.migration.stages import Stage
from tests.services.sessions.migration.test_migration import Pair, fresh
from tests.support.engines import CutOff

STAGES = tuple(Stage)
SESSIONS = 3
Step = tuple[str, int, int]

deeds = st.sampled_from(
    ("say", "say", "say", "read", "delete", "on", "back", "flush", "compare", "down", "up", "end")
)
steps = st.lists(st.tuples(deeds, st.integers(0, 1), st.integers(0, SESSIONS - 1)), max_size=60)


class World:
    """One engine, one or two processes over it, and what their clients were told."""

    def __init__(self, processes: int, first: Stage) -> None:
        self.remote = CutOff()
        self.at = STAGES.index(first)
        self.lowest = 0 if processes == 1 else 1  # in off one process serves
        self.pairs = [Pair(self.remote, first) for _ in range(processes)]
        self.ids: list[str] = [fresh(self.pairs[0]) for _ in range(SESSIONS)]
        self.said: dict[str, list[str]] = {one: ["first"] for one in self.ids}
        self.deleted: set[str] = set()

    def do(self, deed: str, process: int, session: int) -> None:
        """One step; what an outage refuses was not acknowledged."""
        pair = self.pairs[process % len(self.pairs)]
        session_id = self.ids[session]
        try:
            getattr(self, f"_{deed}")(pair, session_id)
        except StoreUnavailable:
            assert self.remote.down

    def heal(self) -> None:
        """The engine is back, and everyone has sent what was not sent."""
        self._up(self.pairs[0], "")
        if STAGES[self.at] is Stage.OFF:
            self._on(self.pairs[0], "")
        for pair in (*self.pairs, *self.pairs):
            pair.flush()

    def check(self) -> None:
        """Every acknowledged turn is there once, by every process; nothing deleted is."""
        for pair in self.pairs:
            for session_id in self.ids:
                if session_id in self.deleted:
                    assert not _is_found(pair, session_id)
                else:
                    found = pair.said(session_id)
                    assert sorted(found) == sorted(self.said[session_id])

    def _say(self, pair: Pair, session_id: str) -> None:
        text = str(uuid.uuid4())
        try:
            pair.say(session_id, text)
        except SessionNotFound:
            assert session_id in self.deleted
        else:
            self.said[session_id].append(text)

    def _read(self, pair: Pair, session_id: str) -> None:
        if not self.remote.down and session_id not in self.deleted and len(self.pairs) == 1:
            assert pair.said(session_id) == self.said[session_id]

    def _delete(self, pair: Pair, session_id: str) -> None:
        if pair.sessions.delete(session_id):
            self.deleted.add(session_id)

    def _on(self, _pair: Pair, _session_id: str) -> None:
        self._move(min(self.at + 1, len(STAGES) - 1))

    def _back(self, _pair: Pair, _session_id: str) -> None:
        self._move(max(self.at - 1, self.lowest))

    def _move(self, to: int) -> None:
        """One process after the other, as far as they can."""
        moved = 0
        for pair in self.pairs:
            try:
                pair.switch(STAGES[to])
                moved += 1
            except StoreUnavailable:
                assert self.remote.down
        if moved == len(self.pairs):
            self.at = to
        else:
            for pair in self.pairs:
                if pair.store.plan.stage is STAGES[to]:
                    pair.switch(STAGES[self.at])

    def _flush(self, pair: Pair, _session_id: str) -> None:
        if STAGES[self.at] is not Stage.OFF:
            pair.flush()

    def _compare(self, pair: Pair, _session_id: str) -> None:
        pair.compare()

    def _down(self, _pair: Pair, _session_id: str) -> None:
        self.remote.down = True

    def _up(self, _pair: Pair, _session_id: str) -> None:
        self.remote.down = False

    def _end(self, pair: Pair, _session_id: str) -> None:
        """The process sends what it has, and another one takes its place."""
        pair.flush()
        self.pairs[self.pairs.index(pair)] = Pair(self.remote, pair.store.plan.stage)


def _is_found(pair: Pair, session_id: str) -> bool:
    try:
        pair.sessions.get(session_id)
    except SessionNotFound:
        return False
    return True


def _live_through(processes: int, first: Stage, way: list[Step]) -> World:
    world = World(processes, first)
    for step in way:
        try:
            world.do(*step)
        except SessionConflict:  # an answer to the client: nothing was acknowledged
            continue
    world.heal()
    world.check()
    return world


options: dict[str, Any] = {
    "max_examples": 150,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
}


@settings(**options)
@given(first=st.sampled_from(STAGES), way=steps)
def test_one_process_loses_nothing(first: Stage, way: list[Step]) -> None:
    """In all six stages, forward and back, with outages and restarts in between."""
    _live_through(1, first, way)


@settings(**options)
@given(first=st.sampled_from(STAGES[1:]), way=steps)
def test_two_processes_lose_nothing(first: Stage, way: list[Step]) -> None:
    """From dualwrite on, where reloads and several workers let processes overlap."""
    _live_through(2, first, way)
