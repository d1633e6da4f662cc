"""Asks a maker only what undecided norms still need, one topic at a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from services.conversation.interview import corrections, wording
from services.conversation.interview.state import State, apply_message, build_state, get_known_facts
from services.conversation.interview.topics import write_question
from services.conversation.language.terms import Value
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.message import Understanding, understand
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, Facts

__all__ = [
    "Reply",
    "State",
    "apply_message",
    "begin",
    "correct",
    "get_known_facts",
    "is_answer",
    "respond",
]

MOST_TURNS = 24
"""The interview ends after so many messages, whatever they say."""

_LONGEST_CLOSE = 8  # words of a message that only ends the talk
_SHORT = 32  # characters; answers such as "no" and "none of these" are worth caching
_understand_short = lru_cache(1024)(understand)  # its result is never changed

_MOST_ASKED = 2  # how often one topic is asked for
_MOST_MISSES = 2  # after so many messages that were not understood no question is repeated
# A topic is asked for only if this fact is a yes.
_REQUIRES = {"current": "mains", "battery": "battery", "screen": "is_display"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The interview's reply.

    Attributes:
        message: the echo of what was understood and the next question, or the end.
        complete: whether nothing more needs to be asked.
        missing: names of the facts that undecided norms still need; empty when complete.
        reasoning: why nothing more needs to be asked; "" until complete.
        understood: the echo alone; "" when nothing was understood.
    """

    message: str
    complete: bool
    missing: tuple[str, ...]
    reasoning: str
    understood: str


def begin(description: str, today: date | None = None) -> tuple[State, Reply]:
    """Start an interview from the maker's description of the product.

    Args:
        description: what the maker typed, which is stored unchanged.
        today: the product is assumed to be placed on the market on the next 1 January after it;
            the present day (UTC) by default.
    """
    return _take_turn(build_state(description, today or datetime.now(UTC).date()), description)


def respond(state: State, text: str) -> tuple[State, Reply]:
    """Read one message: an answer, a correction, or both; also after the interview has ended.

    Pure: returns a new state and does not change its argument. Never raises, whatever the text.
    The interview is complete after at most `MOST_TURNS` messages.
    """
    return _take_turn(state, text)


def correct(state: State, values: Mapping[str, Value | None]) -> tuple[State, Reply]:
    """Correct single facts; also after the interview has ended.

    Pure. Corrections do not count as a message, and as an answer only if they are one.

    Args:
        state: the interview's state.
        values: as `read_corrections` returns them.
    """
    before = get_known_facts(state)
    ready = corrections.prepare_state(state, values)
    message = corrections.build_message(state, ready, values)
    after = apply_message(ready, message)
    known = get_known_facts(after)
    said = [
        wording.write_echo(state, after, message),
        wording.write_changes(before, known, state, after),
        wording.write_assumptions(before, known, after),
    ]
    return _continue(state, after, before, known, said, understood=True)


def is_answer(state: State, text: str) -> bool:
    """Tell whether a message would be understood as an answer to the pending question."""
    message = _understand(state, text)
    after = apply_message(state, message)
    answered = {*get_known_facts(after), *after["unsure"]}
    return bool(wording.write_echo(state, after, message)) and not answered.isdisjoint(
        state["pending"]
    )


def _understand(state: State, text: str) -> Understanding:
    read = _understand_short if len(text) <= _SHORT else understand
    return read(text, state["topic"], kind_open=state["kind"] is None)


def _take_turn(state: State, text: str) -> tuple[State, Reply]:
    before = get_known_facts(state)
    message = _understand(state, text)
    after = apply_message(state, message)
    known = get_known_facts(after)
    heard = wording.write_echo(state, after, message)
    settled = not (heard or state["topic"]) and state["turns"] and _is_closing(message)
    if settled:
        heard = "Fine."
    elif not heard:
        after["misses"] += 1
    elif state["turns"] and not (state["kind"] or state["facts"]):
        after["description"] = text  # the first message did not describe a product
    after["turns"] += 1
    said = [
        heard or _write_miss(state, message),
        wording.write_changes(before, known, state, after) if state["turns"] else "",
        wording.write_assumptions(before, known, after),
    ]
    return _continue(state, after, before, known, said, understood=bool(heard))


def _continue(
    state: State,
    after: State,
    before: Facts,
    known: dict[str, Value],
    said: list[str],
    *,
    understood: bool,
) -> tuple[State, Reply]:
    """Add the next question, or the end, to what was said to a message."""
    if understood and state["pending"] and not _has_answer(state, after):
        after["asked"] = after["asked"][:-1]  # the question has not been answered at all yet
    reopened = {name for name in before if name not in known}
    if reopened:
        after["asked"] = [t for t in after["asked"] if reopened.isdisjoint(TOPIC_FACTS[t])]
    return _build_reply(after, known, " ".join(filter(None, said)), understood=understood)


def _is_closing(message: Understanding) -> bool:
    """Tell whether a message only says that there is nothing more to say: "no, thanks"."""
    words = message.words
    short = len(words) <= _LONGEST_CLOSE and any(word.isalpha() for word in words)
    return short and get_words("dialogue.closing").issuperset(words)


def _has_answer(state: State, after: State) -> bool:
    """Tell whether a message said anything about what was asked."""
    return any(name in after["facts"] or name in after["unsure"] for name in state["pending"])


def _write_miss(state: State, message: Understanding) -> str:
    if message.neither and "consumer" in state["pending"]:
        if state["asked"].count("who") >= _MOST_ASKED:
            return "I leave open who uses it."
        return "I take it that somebody uses it."
    if message.yes_or_no and len(state["pending"]) > 1:
        return "Yes to which of them?"
    if not state["topic"]:
        return "I could not read anything about a product in that."
    return "I could not read an answer in that."


def _build_reply(
    state: State, known: dict[str, Value], said: str, *, understood: bool
) -> tuple[State, Reply]:
    echo = said if understood else ""
    needed = set(get_catalogue().count_open_facts(known)).difference(state["unsure"])
    following = _choose_topic(state, known, needed)
    if following is None:
        state["topic"], state["pending"] = None, []
        norms = get_catalogue().norms
        open_norms = len(get_catalogue().list_undecided(known)) if state["unsure"] else 0
        end, reasoning = wording.write_closing(state, known, open_norms, len(norms))
        text = f"{said} {end}"
        return state, Reply(text, complete=True, missing=(), reasoning=reasoning, understood=echo)
    topic, pending = following
    again = topic in state["asked"]
    state["topic"], state["pending"] = topic, pending
    state["asked"] = [*state["asked"], topic]
    missing = tuple(name for name in FACTS if name in needed)
    text = f"{said} {write_question(topic, pending, known, again=again, denied=state['denied'])}"
    return state, Reply(text, complete=False, missing=missing, reasoning="", understood=echo)


def _choose_topic(state: State, known: Facts, needed: set[str]) -> tuple[str, list[str]] | None:
    """Choose the next topic and the facts to ask for.

    What cannot be asked any more moves from `needed` to the state's `unsure`.
    """
    chosen = None
    for topic, facts in TOPIC_FACTS.items():
        pending = [name for name in facts if name in needed]
        if topic == "kind":  # the kind decides these once the product is known to be electrical
            pending = [name for name in pending if name not in state["of_kind"]]
        if pending and _can_ask(topic, pending, known):
            if not _is_exhausted(state, topic):
                chosen = topic, pending
                break
            _give_up(state, needed, pending)
    if chosen is None:
        _give_up(state, needed, sorted(needed))
    return chosen


def _can_ask(topic: str, pending: Collection[str], known: Facts) -> bool:
    required = _REQUIRES.get(topic)
    if required:
        return known.get(required) is True
    if topic == "power":
        return set(pending) != {"input_a"}  # has a topic of its own
    if topic == "kind":
        return set(pending) != {"display_cm2"}
    return topic != "any" or set(pending) != {"pressure_bar"}


def _is_exhausted(state: State, topic: str) -> bool:
    if state["turns"] >= MOST_TURNS:
        return True
    most = 1 if state["misses"] > _MOST_MISSES else _MOST_ASKED
    asked: list[str] = state["asked"]
    return asked.count(topic) >= most


def _give_up(state: State, needed: set[str], names: Collection[str]) -> None:
    state["unsure"] = [*state["unsure"], *names]
    needed.difference_update(names)
