"""What a client of a drill does, one step at a time: alone, with others, or watching."""

import random
from typing import NamedTuple

from tests.drills.clients import Maker
from tests.drills.journal import Conversation

MOST_TURNS = 30
"""Turns after which a conversation is left and another begun."""
HELD = 4
"""Conversations one client has at a time."""
STREAMS = 12
"""How often a watching client has the same analysis told; each takes some milliseconds."""


class Mix(NamedTuple):
    """How often a client does what, relative to the rest."""

    say: int = 50
    read: int = 15
    repeat: int = 10
    analyze: int = 3
    watch: int = 3
    ask: int = 4
    delete: int = 3
    race: int = 2
    look_back: int = 5
    whisper: int = 0
    come_back: int = 6


MIXED = Mix()
WHISPERS = Mix(say=20, whisper=50)
DELETES = Mix(say=30, read=5, repeat=5, analyze=2, watch=1, ask=1, delete=14, race=8, look_back=25)


class Alone:
    """A client with conversations nobody else knows."""

    def __init__(self, maker: Maker, mix: Mix) -> None:
        self._maker = maker
        self._mix = mix
        self._held: list[Conversation] = []
        self._deleted: list[Conversation] = []
        self._away: list[Conversation] = []

    def step(self) -> None:
        """Something with one of its conversations, or a new one."""
        if len(self._held) < HELD:
            begun = self._maker.start()
            if begun:
                self._held.append(begun)
            return
        conversation = random.choice(self._held)  # noqa: S311 - variety, not a secret
        deed = random.choices(Mix._fields, self._mix)[0]  # noqa: S311 - as above
        getattr(self, f"_{deed}")(conversation)
        if conversation.delete_sent:
            self._held.remove(conversation)
            self._deleted.append(conversation)
        elif conversation.refused:
            self._held.remove(conversation)
            self._away.append(conversation)
        elif conversation.excused or len(conversation.turns) > MOST_TURNS:
            self._held.remove(conversation)

    def _say(self, conversation: Conversation) -> None:
        self._maker.say(conversation)

    def _read(self, conversation: Conversation) -> None:
        self._maker.read(conversation)

    def _repeat(self, conversation: Conversation) -> None:
        turns = conversation.turns[self._maker.leniency.outage :]
        told = [turn for turn in turns if turn.answered is not None and turn.message_id]
        if told:
            self._maker.repeat(conversation, random.choice(told))  # noqa: S311 - variety

    def _analyze(self, conversation: Conversation) -> None:
        self._maker.finish(conversation)
        if conversation.complete:
            self._maker.analyze(conversation)

    def _watch(self, conversation: Conversation) -> None:
        self._maker.finish(conversation)
        if conversation.complete:
            self._maker.watch(conversation)

    def _ask(self, conversation: Conversation) -> None:
        if not conversation.analyzed:
            self._analyze(conversation)
        if conversation.analyzed:
            self._maker.ask(conversation)

    def _delete(self, conversation: Conversation) -> None:
        self._maker.delete(conversation)

    def _race(self, conversation: Conversation) -> None:
        self._maker.delete_while_speaking(conversation)

    def _look_back(self, _conversation: Conversation) -> None:
        """Deleted conversations are read, spoken to and started again, in vain."""
        if not self._deleted:
            return
        gone = random.choice(self._deleted)  # noqa: S311 - variety, not a secret
        look = (self._maker.read, self._maker.say, self._again)
        random.choice(look[: 3 - self._maker.leniency.outage])(gone)  # noqa: S311 - as above

    def _whisper(self, conversation: Conversation) -> None:
        self._maker.whisper(conversation)

    def _come_back(self, _conversation: Conversation) -> None:
        """A conversation that could not be reached is tried again."""
        if self._away:
            self._held.append(self._away.pop(random.randrange(len(self._away))))  # noqa: S311
            self._maker.read(self._held[-1])

    def _again(self, conversation: Conversation) -> None:
        self._maker.repeat(conversation, conversation.turns[0])


class Together:
    """A client that speaks in a conversation others speak in at the same time."""

    def __init__(self, maker: Maker, shared: list[Conversation]) -> None:
        self._maker = maker
        self._shared = shared

    def step(self) -> None:
        """A turn in the newest of the shared conversations, and a look at it now and then."""
        if not self._shared or len(self._shared[-1].turns) > 2 * MOST_TURNS:
            begun = self._maker.start()
            if begun:
                self._shared.append(begun)
            return
        conversation = self._shared[-1]
        self._maker.say(conversation)
        if conversation.refused or conversation.excused:
            self._leave(conversation)
        if random.random() < 0.2:  # noqa: S311 - variety, not a secret
            self._maker.read(conversation)

    def _leave(self, conversation: Conversation) -> None:
        """Go on in another one, unless somebody has opened it already."""
        begun = self._maker.start() if self._shared[-1] is conversation else None
        if begun:
            self._shared.append(begun)


class Watching:
    """A client that has an analysis on the screen most of the time."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def step(self) -> None:
        """A conversation to its end, one stream of its analysis after the other, the result."""
        conversation = self._maker.start()
        if conversation:
            self._maker.finish(conversation)
            for _ in range(STREAMS if conversation.complete else 0):
                self._maker.watch(conversation)
            self._maker.read(conversation)
