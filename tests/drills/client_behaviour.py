"""What a client of a drill does, one step at a time: alone, with others, or streaming."""

import random
from typing import NamedTuple

from tests.drills.clients import Maker
from tests.drills.journal import Conversation

MOST_TURNS = 30
"""Turns after which a conversation is left for a new one."""
OPEN_CONVERSATIONS = 4
"""Conversations that one client has at a time."""
STREAMS = 12
"""How often a streaming client runs the same analysis; each run takes some milliseconds."""


class Mix(NamedTuple):
    """How often a client takes each action, relative to the others."""

    say: int = 50
    read: int = 15
    repeat: int = 10
    analyze: int = 3
    stream_analysis: int = 3
    ask: int = 4
    delete: int = 3
    delete_while_speaking: int = 2
    probe_deleted: int = 5
    say_without_id: int = 0
    revisit: int = 6


MIXED = Mix()
WITHOUT_IDS = Mix(say=20, say_without_id=50)
DELETES = Mix(
    say=30,
    read=5,
    repeat=5,
    analyze=2,
    stream_analysis=1,
    ask=1,
    delete=14,
    delete_while_speaking=8,
    probe_deleted=25,
)


class SoloClient:
    """A client with conversations that nobody else knows."""

    def __init__(self, maker: Maker, mix: Mix) -> None:
        self._maker = maker
        self._mix = mix
        self._open: list[Conversation] = []
        self._deleted: list[Conversation] = []
        self._refused: list[Conversation] = []

    def step(self) -> None:
        """Take an action in one of its conversations, or open a new one."""
        if len(self._open) < OPEN_CONVERSATIONS:
            if started := self._maker.start():
                self._open.append(started)
            return
        conversation = random.choice(self._open)  # noqa: S311 - variety, not a secret
        action = random.choices(Mix._fields, self._mix)[0]  # noqa: S311 - as above
        # An action is the maker's own, unless it needs some preparation here.
        act = getattr(self, f"_{action}", None) or getattr(self._maker, action)
        act(conversation)
        if conversation.delete_sent:
            self._open.remove(conversation)
            self._deleted.append(conversation)
        elif conversation.refused:
            self._open.remove(conversation)
            self._refused.append(conversation)
        elif conversation.excused or len(conversation.turns) > MOST_TURNS:
            self._open.remove(conversation)

    def _repeat(self, conversation: Conversation) -> None:
        turns = conversation.turns[self._maker.tolerance.outage :]
        answered = [turn for turn in turns if turn.answered is not None and turn.message_id]
        if answered:
            self._maker.repeat(conversation, random.choice(answered))  # noqa: S311 - variety

    def _analyze(self, conversation: Conversation) -> None:
        self._maker.finish(conversation)
        if conversation.complete:
            self._maker.analyze(conversation)

    def _stream_analysis(self, conversation: Conversation) -> None:
        self._maker.finish(conversation)
        if conversation.complete:
            self._maker.stream_analysis(conversation)

    def _ask(self, conversation: Conversation) -> None:
        if not conversation.analyzed:
            self._analyze(conversation)
        if conversation.analyzed:
            self._maker.ask(conversation)

    def _probe_deleted(self, _conversation: Conversation) -> None:
        """Read, continue or start again a deleted conversation, which must not succeed."""
        if not self._deleted:
            return
        deleted = random.choice(self._deleted)  # noqa: S311 - variety, not a secret
        probes = (self._maker.read, self._maker.say, self._start_again)
        random.choice(probes[: 3 - self._maker.tolerance.outage])(deleted)  # noqa: S311 - as above

    def _revisit(self, _conversation: Conversation) -> None:
        """Try a conversation again that could not be reached."""
        if self._refused:
            at = random.randrange(len(self._refused))  # noqa: S311 - variety, not a secret
            self._open.append(self._refused.pop(at))
            self._maker.read(self._open[-1])

    def _start_again(self, conversation: Conversation) -> None:
        self._maker.repeat(conversation, conversation.turns[0])


class SharingClient:
    """A client that writes to a conversation to which others write at the same time."""

    def __init__(self, maker: Maker, shared: list[Conversation]) -> None:
        self._maker = maker
        self._shared = shared

    def step(self) -> None:
        """Send a turn to the newest shared conversation, and read it now and then."""
        if not self._shared or len(self._shared[-1].turns) > 2 * MOST_TURNS:
            self._start()
            return
        conversation = self._shared[-1]
        self._maker.say(conversation)
        # Somebody else may have opened the next one already.
        if (conversation.refused or conversation.excused) and self._shared[-1] is conversation:
            self._start()
        if random.random() < 0.2:  # noqa: S311 - variety, not a secret
            self._maker.read(conversation)

    def _start(self) -> None:
        if started := self._maker.start():
            self._shared.append(started)


class StreamingClient:
    """A client that streams an analysis most of the time."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def step(self) -> None:
        """Finish a conversation, stream its analysis several times, and read the result."""
        conversation = self._maker.start()
        if conversation:
            self._maker.finish(conversation)
            for _ in range(STREAMS if conversation.complete else 0):
                self._maker.stream_analysis(conversation)
            self._maker.read(conversation)
