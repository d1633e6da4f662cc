"""Suggestions of what to send next: made when a conversation is stored, and read from it.

What the questions of a conversation mean is stored as well, so that no text is read a second time.
Documents of the release before have neither; of their texts the newest few are read.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from itertools import islice
from typing import Any

from services.conversation import questions

SUGGESTED = "suggested"
"""The member with the suggestions, and with the state of the conversation they were made for."""
MEANINGS = "meanings"
"""The member with the meaning of each message and question, by its id."""
MOST_READ_AGAIN = 20
"""The texts without a stored meaning that are read at a time, the newest first."""


def store_suggestions(session: MutableMapping[str, Any]) -> list[str]:
    """Make suggestions after a change, and store them; the session is changed in place."""
    if session["analyzed"]:
        session[MEANINGS] = _find_meanings(session)
    texts = _suggest(session, session.get(MEANINGS, {}))
    session[SUGGESTED] = {"after": _describe_state(session), "texts": texts}
    return texts


def read_suggestions(session: Mapping[str, Any]) -> list[str]:
    """The suggestions of a conversation as it is stored.

    They are made anew where another release, or the merging of two copies, changed it since.
    """
    stored = session.get(SUGGESTED)
    if isinstance(stored, dict) and stored.get("after") == _describe_state(session):
        texts: list[str] = stored["texts"]
        return texts
    return _suggest(session, _find_meanings(session) if session["analyzed"] else {})


def _suggest(session: Mapping[str, Any], meanings: Mapping[str, str]) -> list[str]:
    return questions.suggest(
        session["interview"],
        complete=session["complete"],
        analyzed=session["analyzed"],
        asked=frozenset(meanings.values()),
    )


def _describe_state(session: Mapping[str, Any]) -> list[Any]:
    """What suggestions depend on, in short: every turn, question and analysis changes it."""
    analyzed_at = session.get("analyzed_at") if session["analyzed"] else None
    return [len(session["history"]), len(session["qa_history"]), analyzed_at]


def _find_meanings(session: Mapping[str, Any]) -> dict[str, str]:
    """The stored meanings, and those of the newest texts that have none yet."""
    stored = session.get(MEANINGS)
    known = dict(stored) if isinstance(stored, dict) else {}
    unknown = ((key, text) for key, text in _list_newest(session) if key not in known)
    for key, text in islice(unknown, MOST_READ_AGAIN):
        known[key] = questions.find_meaning(text)
    return known


def _list_newest(session: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Ids and texts of what the visitor sent: the questions, then the messages, newest first."""
    for entry in reversed(session["qa_history"]):
        yield str(entry.get("id")), entry["question"]
    for entry in reversed(session["history"]):
        if entry["role"] == "user":
            yield str(entry.get("id")), entry["content"]
