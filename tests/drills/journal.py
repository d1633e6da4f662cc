"""What clients said and were told, and what was found to be wrong with it."""

import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

DAMAGE = ("lost", "doubled", "reordered", "resurrected")
"""What must never happen to a conversation."""
KINDS = (*DAMAGE, "errors_5xx")
"""What must not happen in a drill."""
_LETTERS = str.maketrans("0123456789abcdef", "ghjkmnpqrstvwxyz")


@dataclass(eq=False)
class Turn:
    """One message: invoked, and acknowledged or not.

    Attributes:
        text: what was said.
        message_id: the client_message_id, sent again until it is answered.
        invoked, answered: seconds on the monotonic clock; `answered` is None until then.
        reply: what was answered.
    """

    text: str
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invoked: float = field(default_factory=time.monotonic)
    answered: float | None = None
    reply: str = ""

    def acknowledge(self, reply: str) -> None:
        """Remember the answer and when it came."""
        self.reply, self.answered = reply, time.monotonic()


@dataclass(eq=False)
class Conversation:
    """What its clients know of a conversation; the first turn is its start.

    Attributes:
        session_id: empty until the start is acknowledged.
        turns: everything that was said, acknowledged or not.
        questions: what was asked about the analysis.
        complete, analyzed: whether the interview is known to be over, the analysis to be done.
        delete_sent, deleted: whether it was asked for, whether it is acknowledged.
    """

    turns: list[Turn]
    questions: list[Turn] = field(default_factory=list)
    session_id: str = ""
    complete: bool = False
    analyzed: bool = False
    delete_sent: bool = False
    deleted: bool = False

    def acknowledged(self) -> list[Turn]:
        """The turns and questions that were answered so far."""
        return [turn for turn in (*self.turns, *self.questions) if turn.answered is not None]


class Journal:
    """All conversations of a drill, and its findings; shared by all clients.

    Attributes:
        conversations: everything that was begun.
        unknown: how many requests got no answer; each was repeated.
        log: what the application warned of meanwhile.
    """

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []
        self.unknown = 0
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
            self._found[kind].setdefault(what, why)

    def unanswered(self) -> None:
        """Note that a request got no answer."""
        with self._lock:
            self.unknown += 1

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
        return self.acknowledged > 0 and not any(self.count(kind) for kind in KINDS)

    def summary(self) -> str:
        """The counts, as the line of a drill shows them."""
        found = " ".join(f"{kind}={self.count(kind)}" for kind in KINDS)
        return f"acknowledged={self.acknowledged} {found} unknown={self.unknown}"

    def details(self, most: int = 5) -> list[str]:
        """The first findings of each kind and the last warnings; nothing when all is well."""
        found = [
            f"{kind}: {what}: {why}"
            for kind in KINDS
            for what, why in list(self._found[kind].items())[:most]
        ]
        return found + [f"log: {line}" for line in self.log[-most:]] if found else []


def note() -> str:
    """A text nobody said before; in letters that no quantity is written with."""
    return f"note {uuid.uuid4().hex.translate(_LETTERS)}"
