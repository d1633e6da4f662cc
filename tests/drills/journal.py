"""What clients said and were told, and what was found to be wrong with it."""

import math
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

DAMAGE = ("lost", "doubled", "reordered", "resurrected")
"""What must never happen to a conversation."""
KINDS = (*DAMAGE, "errors_5xx")
"""What must not happen in a drill."""
OUTAGE_KINDS = ("starts_refused", "slow", "stuck", "storm")
"""What must not happen while the engine is away, or when it is back, either."""
_LETTERS = str.maketrans("0123456789abcdef", "ghjkmnpqrstvwxyz")


@dataclass(eq=False)
class Turn:
    """One message: invoked, and acknowledged or not.

    Attributes:
        text: what was said.
        message_id: the client_message_id, sent again until it is answered; empty for a turn
            without one, which is sent once and recognised by its text.
        invoked, answered: seconds on the monotonic clock; `answered` is None until then.
        reply: what was answered.
        left: when the client left it at that without an answer (monotonic).
    """

    text: str
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invoked: float = field(default_factory=time.monotonic)
    answered: float | None = None
    reply: str = ""
    left: float = math.inf

    def acknowledge(self, reply: str) -> None:
        """Remember the answer and when it came."""
        self.reply, self.answered = reply, time.monotonic()

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return self.message_id or self.text

    def overlaps(self, begun: float, ended: float) -> bool:
        """Whether it was under way at some moment between these two."""
        return self.invoked < ended and self.end > begun

    @property
    def end(self) -> float:
        """When it was answered, or not waited for any more; infinity until then."""
        return self.left if self.answered is None else self.answered


@dataclass(eq=False)
class Conversation:
    """What its clients know of a conversation; the first turn is its start.

    Attributes:
        session_id: empty until the start is acknowledged.
        turns: everything that was said, acknowledged or not.
        questions: what was asked about the analysis.
        complete, analyzed: whether the interview is known to be over, the analysis to be done.
        delete_sent, deleted: whether it was asked for, whether it is acknowledged.
        deletion: from when to when it was being deleted (monotonic).
        excused: whether the fault took it away by its nature, so that it may be missing.
        refused: whether the last request was told that sessions cannot be reached.
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

    def acknowledged(self) -> list[Turn]:
        """The turns and questions that were answered so far."""
        return [turn for turn in (*self.turns, *self.questions) if turn.answered is not None]

    def contested(self, turn: Turn) -> bool:
        """Whether something else was said in it while this turn was under way."""
        others = (*self.turns, *self.questions)
        return any(one is not turn and one.overlaps(turn.invoked, turn.end) for one in others)

    def deletion_contested(self) -> bool:
        """Whether something was said in it while it was being deleted."""
        return any(one.overlaps(*self.deletion) for one in (*self.turns, *self.questions))


class Answered(NamedTuple):
    """One answer: when it was asked for (monotonic), how long it took in seconds, what it was."""

    at: float
    seconds: float
    status: int


class Journal:
    """All conversations of a drill, and its findings; shared by all clients.

    Args:
        kinds: what counts as a finding; everything else is only counted.

    Attributes:
        conversations: everything that was begun.
        unknown: how many requests got no answer; each was repeated.
        refused: how many were told honestly that sessions cannot be reached.
        degraded: how many answers came by way of the spill.
        excuses: the answers to conversations that were excused, by status.
        answers: every answer of the application.
        outages: from when to when the engine was away (monotonic).
        over: whether all is over, so that what is found now stays as it is.
        figures: what else the line of the drill shows.
        log: what the application warned of meanwhile.
    """

    def __init__(self, kinds: Sequence[str] = KINDS) -> None:
        self.kinds = kinds
        self.conversations: list[Conversation] = []
        self.unknown = 0
        self.refused = 0
        self.degraded = 0
        self.excuses: Counter[int] = Counter()
        self.answers: list[Answered] = []
        self.outages: list[tuple[float, float]] = []
        self.over = False
        self.figures: dict[str, str] = {}
        self.log: list[str] = []
        self._found: dict[str, dict[str, str]] = defaultdict(dict)
        self._lock = threading.Lock()

    def open(self, text: str) -> Conversation:
        """A conversation that is about to be started with these words."""
        conversation = Conversation([Turn(text)])
        self.conversations.append(conversation)
        return conversation

    def fault(self, kind: str, what: str, why: str) -> None:
        """Note a finding; the same thing counts once, however often it is seen."""
        with self._lock:
            if self.over:
                self._found[kind][what] = f"{why} (for good)"
            else:
                self._found[kind].setdefault(what, f"{why} (at {time.monotonic():.3f})")

    def missing(self, conversation: Conversation, turn: Turn, why: str) -> None:
        """Note that an acknowledged turn was not to be seen.

        Two processes that find the engine away, or back, at different moments may each take a
        turn for the same conversation. Until both are merged either shows its own; that is
        counted as stale, and must be over when everything is.
        """
        stale = self.kinds is not KINDS and not self.over and conversation.contested(turn)
        self.fault("stale" if stale else "lost", turn.name, why)

    def alive(self, conversation: Conversation, why: str) -> None:
        """Note that a deleted conversation was served; see `missing`."""
        stale = self.kinds is not KINDS and not self.over and conversation.deletion_contested()
        self.fault("stale" if stale else "resurrected", conversation.session_id, why)

    def unanswered(self) -> None:
        """Note that a request got no answer."""
        with self._lock:
            self.unknown += 1

    def note(self, answered: Answered, *, degraded: bool, refused: bool) -> None:
        """Remember an answer of the application."""
        with self._lock:
            self.answers.append(answered)
            self.degraded += degraded
            self.refused += refused

    def excuse(self, conversations: Iterable[Conversation]) -> None:
        """Expect nothing of these conversations any more."""
        for conversation in conversations:
            conversation.excused = True

    @property
    def acknowledged(self) -> int:
        """How many turns and questions were answered."""
        return sum(len(conversation.acknowledged()) for conversation in self.conversations)

    def count(self, kind: str) -> int:
        """How many findings of a kind there are."""
        return len(self._found[kind])

    @property
    def clean(self) -> bool:
        """Whether something was acknowledged and nothing is wrong with it."""
        return self.acknowledged > 0 and not any(self.count(kind) for kind in self.kinds)

    def summary(self) -> str:
        """The counts, as the line of a drill shows them."""
        words = [f"acknowledged={self.acknowledged}"]
        words += [f"{kind}={self.count(kind)}" for kind in KINDS]
        words.append(f"unknown={self.unknown}")
        if self.kinds is not KINDS:
            words.append(f"refused={self.refused}")
            words += [f"{kind}={self.count(kind)}" for kind in (*OUTAGE_KINDS, "stale")]
            words.append(f"degraded={self.degraded}")
        return " ".join([*words, *(f"{name}={figure}" for name, figure in self.figures.items())])

    def details(self, most: int = 5) -> list[str]:
        """The first findings of each kind and the last warnings; nothing when all is well."""
        found = [
            f"{kind}: {what}: {why}"
            for kind in self.kinds
            for what, why in list(self._found[kind].items())[:most]
        ]
        away = [f"away from {begun:.3f} to {ended:.3f}" for begun, ended in self.outages[:most]]
        return [*found, *away, *(f"log: {line}" for line in self.log[-most:])] if found else []


def note() -> str:
    """A text nobody said before; in letters that no quantity is written with."""
    return f"note {uuid.uuid4().hex.translate(_LETTERS)}"
