"""What the list of conversations shows of each, stored at the head of the conversation's document.

Documents of the release before have no such entry, or one that it kept while it changed the rest;
there the same is read from the first message and from the members in front of LANDMARK.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from services import timestamps
from services.sessions.listing import Listed

LANDMARK = b',"matched_norms":'
"""What follows `complete` and `analyzed` in a conversation's document; it stands there once."""
LONGEST_TITLE = 80
"""The longest title, in characters."""
LONGEST_TIME = 40
"""The longest text that is taken for a time, in characters."""

_STEP = re.compile(rb',"complete":(true|false),"analyzed":(true|false)$')
# Of a text that is cut off, whole characters only.
_FIRST = re.compile(
    rb',"history":\[\{"role":"user","content":"((?:[^"\\]|\\[^u]|\\u[0-9a-fA-F]{4})*)', re.DOTALL
)


def build_list_entry(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The entry of a conversation with this data; None for what is no conversation."""
    history, asked = data.get("history"), data.get("qa_history")
    if not isinstance(history, list) or not isinstance(asked, list) or not history:
        return None
    first, complete, analyzed = history[0], data.get("complete"), data.get("analyzed")
    if not isinstance(first, dict) or not isinstance(first.get("content"), str):
        return None
    if not isinstance(complete, bool) or not isinstance(analyzed, bool):
        return None
    times = (entry.get("timestamp") for entry in (*history, *asked) if isinstance(entry, dict))
    known = [time for time in times if isinstance(time, str) and len(time) <= LONGEST_TIME]
    return {
        "title": build_title(first["content"]),
        "last_message_at": max(known, default=None),
        "complete": complete,
        "analyzed": analyzed,
    }


def read_list_entry(listed: Listed) -> dict[str, Any] | None:
    """What the list shows of a conversation; None for what is no conversation."""
    entry = dict(listed.entry or {})
    if not listed.is_current:
        step = _STEP.search(listed.passage)
        if not step:
            return None
        complete, analyzed = (word == b"true" for word in step.groups())
        title = entry.get("title") or _read_title(listed.head)
        entry = {"title": title, "complete": complete, "analyzed": analyzed}
    title, moment = entry.get("title"), entry.get("last_message_at")
    return {
        "session_id": listed.session_id,
        # A damaged entry still leads to its conversation.
        "title": title if isinstance(title, str) else _read_title(listed.head),
        "started_at": timestamps.isoformat(listed.created_at),
        "last_message_at": moment
        if moment and isinstance(moment, str)
        else timestamps.isoformat(listed.updated_at),
        "complete": entry.get("complete") is True,
        "analyzed": entry.get("analyzed") is True,
    }


def build_title(text: str) -> str:
    """The first words of a text, as many as fit into LONGEST_TITLE characters."""
    words = " ".join(text.split())
    if len(words) <= LONGEST_TITLE:
        return words
    whole, _, _ = words[: LONGEST_TITLE + 1].rpartition(" ")
    return whole or words[:LONGEST_TITLE]


def _read_title(head: bytes) -> str:
    """The title from the beginning of a document, which may end within the first message."""
    found = _FIRST.search(head)
    text = found[1].decode(errors="ignore") if found else ""
    return build_title(json.loads(f'"{text}"'))
