"""Rewords a change so that it can be read like a description.

A description says "without Wi-Fi"; a question says "if I leave the Wi-Fi out", "if we swap
Wi-Fi for Bluetooth" or "wenn ich WLAN weglasse".
"""

import re

_PHRASE = r"((?:\s+[^\s.,;:?!]+){1,6}?)\s+"  # the words between the two parts of a verb
_SPLIT = re.compile(
    rf"\b(?:leave|leaving|left|take|taking|took|switch|turn|strip|cut){_PHRASE}(?:out|off|away)\b",
    re.IGNORECASE,
)
_SWAPPED = re.compile(
    rf"\b(?:replace|replacing|replaced|swap|swapping|exchange|exchanging|substitute){_PHRASE}"
    r"(?:with|by|for|against)\b",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(?:if|when|suppose|assuming|imagine)((?:\s+[^\s.,;:?!]+){1,6}?)\s+"
    r"(?:is|was|were|are|gets|got)\s+(?:replaced|swapped|exchanged|substituted)\s+"
    r"(?:with|by|for|against)\b",
    re.IGNORECASE,
)
_REMOVE = re.compile(
    r"\b(?:take out|take away|take off|leave off|leave away|disable|disabled|disabling|omit|"
    r"omitted|omitting|skip|ditch|eliminate|delete|switch off|turn off|do away with|cut out|lose|"
    r"strip out|forgo|abandon|scrap|entferne|entfernen|streiche|streichen)\b",
    re.IGNORECASE,
)
_NO_LONGER = re.compile(
    r"\bno longer (?:has|have|uses|use|contains|contain|includes|include|comes with)\b",
    re.IGNORECASE,
)
_REMOVE_BEHIND = re.compile(
    r"\b(?:weglasse|weglassen|weglässt|wegfällt|entferne|entfernen|verzichte|verzichten|streiche|"
    r"streichen|weg)\b",
    re.IGNORECASE,
)
_IF = re.compile(r"\bwenn\b", re.IGNORECASE)


def reword_change(question: str) -> str:
    """Word a change as a description would; a text without a change stays as it is."""
    text = question
    if _REMOVE_BEHIND.search(text) and _IF.search(text):
        text = _REMOVE_BEHIND.sub(" ", _IF.sub("ohne", text, count=1))
    text = _PASSIVE.sub(r"if without\1. It has", text)
    text = _SWAPPED.sub(r"without\1. It has", text)
    text = _NO_LONGER.sub("has no", text)
    text = _SPLIT.sub(r"without\1", text)
    return _REMOVE.sub("without", text)
