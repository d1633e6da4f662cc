"""What the clients sent and received, and the findings about it."""

import math
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

DAMAGE = ("lost", "doubled", "reordered", "resurrected")
"""Damage to a conversation, which must never happen."""
KINDS = (*DAMAGE, "errors_5xx")
"""The findings of any drill."""
OUTAGE_KINDS = ("starts_refused", "slow", "stuck", "storm")
"""Further findings while the engine is away, or once it is back."""
_LETTERS = str.maketrans("0123456789abcdef", "ghjkmnpqrstvwxyz")


@dataclass(eq=False)
class Turn:
    """One message, acknowledged or not.

    Attributes:
        text: what was sent.
        message_id: the client_message_id, the same in every attempt; empty for a turn without
            one, which is sent once and recognised by its text.
        invoked, answered: seconds on the monotonic clock; `answered` is None until then.
        reply: the answer.
        left: when the client gave up without an answer (monotonic).
    """

    text: str
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invoked: float = field(default_factory=time.monotonic)
    answered: float | None = None
    reply: str = ""
    left: float = math.inf

    def acknowledge(self, reply: str) -> None:
        """Record the answer and when it came."""
        self.reply, self.answered = reply, time.monotonic()

    @property
    def name(self) -> str:
        """What identifies it."""
        return self.message_id or self.text

    def has_overlap(self, started: float, ended: float) -> bool:
        """Whether it was under way at some time between these two."""
        return self.invoked < ended and self.end > started

    @property
    def end(self) -> float:
        """When it was answered or given up; infinity until then."""
        return self.left if self.answered is None else self.answered


@dataclass(eq=False)
class Conversation:
    """What the clients know of a conversation; its first turn starts it.

    Attributes:
        session_id: empty until the start is acknowledged.
        turns: every message, acknowledged or not.
        questions: every question about the analysis.
        complete, analyzed: whether the interview, the analysis is known to be finished.
        delete_sent, deleted: whether its deletion was requested, acknowledged.
        deletion: when its deletion began and ended (monotonic).
        excused: whether the fault destroys it by its nature, so that it may be missing.
        refused: whether the last answer was that sessions are unavailable.
    """

    turns: list[Turn]
    questions: list[Turn] = field(default_factory=list)
    session_id: str = ""
    complete: bool = False
    analyzed: bool = False
    delete_sent: bool = False
    deleted: bool = False
    deletion: tuple[float, float] = (0.0, 0.0)
    excused: bool = False
    refused: bool = False

    def list_acknowledged(self) -> list[Turn]:
        """List the turns and questions that were answered so far."""
        return [turn for turn in (*self.turns, *self.questions) if turn.answered is not None]

    def is_contested(self, turn: Turn) -> bool:
        """Whether another message was under way at the same time as this turn."""
        others = (*self.turns, *self.questions)
        return any(one is not turn and one.has_overlap(turn.invoked, turn.end) for one in others)

    def is_deletion_contested(self) -> bool:
        """Whether a message was under way during the deletion."""
        return any(one.has_overlap(*self.deletion) for one in (*self.turns, *self.questions))


class TimedAnswer(NamedTuple):
    """One answer: when it was asked for (monotonic), how many seconds it took, its status."""

    at: float
    seconds: float
    status: int


class Journal:
    """All conversations of a drill and its findings, shared by all clients.

    Args:
        kinds: the kinds that make the drill fail; all others are only counted.

    Attributes:
        conversations: every conversation that a client opened.
        unknown: how many requests got no answer; each was repeated.
        refused: how many were answered with "sessions are unavailable".
        degraded: how many answers were served from the spill.
        excuses: the answers about excused conversations, by status.
        answers: every answer of the application.
        outages: when each absence of the engine began and ended (monotonic).
        is_final: whether everything has been replayed, so that a finding is permanent.
        figures: what else the line of the drill shows.
        warnings: what the application logged meanwhile.
    """

    def __init__(self, kinds: Sequence[str] = KINDS) -> None:
        self.kinds = kinds
        self.conversations: list[Conversation] = []
        self.unknown = 0
        self.refused = 0
        self.degraded = 0
        self.excuses: Counter[int] = Counter()
        self.answers: list[TimedAnswer] = []
        self.outages: list[tuple[float, float]] = []
        self.is_final = False
        self.figures: dict[str, str] = {}
        self.warnings: list[str] = []
        self._found: dict[str, dict[str, str]] = defaultdict(dict)
        self._lock = threading.Lock()

    def open(self, text: str) -> Conversation:
        """Record a conversation that is about to be started with this text."""
        conversation = Conversation([Turn(text)])
        self.conversations.append(conversation)
        return conversation

    def record(self, kind: str, what: str, why: str) -> None:
        """Record a finding; the same one counts once, however often it is seen."""
        with self._lock:
            if self.is_final:
                self._found[kind][what] = f"{why} (permanently)"
            else:
                self._found[kind].setdefault(what, f"{why} (at {time.monotonic():.3f})")

    def record_missing(self, conversation: Conversation, turn: Turn, why: str) -> None:
        """Record that an acknowledged turn was not shown.

        Two processes that notice the engine's absence or return at different times may each
        accept a turn of the same conversation. Until both are merged each shows only its own;
        that counts as stale, and must be over once everything has been replayed.
        """
        stale = self.kinds is not KINDS and not self.is_final and conversation.is_contested(turn)
        self.record("stale" if stale else "lost", turn.name, why)

    def record_served(self, conversation: Conversation, why: str) -> None:
        """Record that a deleted conversation was served; see `record_missing`."""
        stale = (
            self.kinds is not KINDS and not self.is_final and conversation.is_deletion_contested()
        )
        self.record("stale" if stale else "resurrected", conversation.session_id, why)

    def count_unanswered(self) -> None:
        """Count a request that got no answer."""
        with self._lock:
            self.unknown += 1

    def record_answer(self, answer: TimedAnswer, *, degraded: bool, refused: bool) -> None:
        """Record an answer of the application."""
        with self._lock:
            self.answers.append(answer)
            self.degraded += degraded
            self.refused += refused

    def excuse(self, conversations: Iterable[Conversation]) -> None:
        """Expect nothing of these conversations from now on."""
        for conversation in conversations:
            conversation.excused = True

    @property
    def acknowledged_count(self) -> int:
        """How many turns and questions were answered."""
        return sum(len(conversation.list_acknowledged()) for conversation in self.conversations)

    def count(self, kind: str) -> int:
        """Count the findings of a kind."""
        return len(self._found[kind])

    @property
    def is_clean(self) -> bool:
        """Whether something was acknowledged and there is no finding."""
        return self.acknowledged_count > 0 and not any(self.count(kind) for kind in self.kinds)

    def format_summary(self) -> str:
        """Format the counts as the line of a drill shows them."""
        words = [f"acknowledged={self.acknowledged_count}"]
        words += [f"{kind}={self.count(kind)}" for kind in KINDS]
        words.append(f"unknown={self.unknown}")
        if self.kinds is not KINDS:
            words.append(f"refused={self.refused}")
            words += [f"{kind}={self.count(kind)}" for kind in (*OUTAGE_KINDS, "stale")]
            words.append(f"degraded={self.degraded}")
        return " ".join([*words, *(f"{name}={figure}" for name, figure in self.figures.items())])

    def list_details(self, most: int = 5) -> list[str]:
        """List the first findings of each kind and the last warnings; empty when all is well."""
        found = [
            f"{kind}: {what}: {why}"
            for kind in self.kinds
            for what, why in list(self._found[kind].items())[:most]
        ]
        away = [f"away from {started:.3f} to {ended:.3f}" for started, ended in self.outages[:most]]
        return [*found, *away, *(f"log: {line}" for line in self.warnings[-most:])] if found else []


def make_unique_text() -> str:
    """Make a text that was never sent before, in letters that no quantity is written with."""
    return f"note {uuid.uuid4().hex.translate(_LETTERS)}"
