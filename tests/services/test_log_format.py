"""No id in a log line, wherever it comes from, and everything else as it was."""

import logging

import pytest

from services.log_format import IdFreeFormatter, hide_ids

ID = "0b4a7c1e-5d8f-4c39-9a43-6f4f1f6f8f10"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"GET /api/develope/session/{ID} HTTP/1.1", "GET /api/develope/session/... HTTP/1.1"),
        ("GET /api/v1/context/my%20own?x=1 failed", "GET /api/v1/context/...?x=1 failed"),
        (f"/api/develope/analyze-stream?session_id={ID}&a=1", None),
        (f"key chat:session:{ID} of {ID.upper()}", "key chat:session:... of ..."),
        ("tenant:acme:user:ann:session:first, and more", None),
        ("the browser:ab-_0123456789 is unreadable", "the browser:... is unreadable"),
        (f"Invalid Request Line 'GET /{ID} x'", "Invalid Request Line 'GET /... x'"),
    ],
)
def test_ids_are_hidden(text: str, shown: str | None) -> None:
    """Those of conversations, states, contexts and browsers, in addresses and in keys."""
    found = hide_ids(text)
    assert ID not in found.lower()
    assert "first" not in found
    assert shown is None or found == shown


@pytest.mark.parametrize(
    "text",
    [
        f"request {ID} failed",
        "request 5d8f4c399a436f4f1f6f8f100b4a7c1e failed",
        "no read until the engine answers: timeout",
        "2 sessions could not be sent before the end",
    ],
)
def test_everything_else_stays(text: str) -> None:
    """Request ids above all, by which answers and logs are found."""
    assert hide_ids(text) == text


def test_a_traceback_has_none_either() -> None:
    """An error may quote what it was about."""
    try:
        raise KeyError(f"chat:session:{ID}")
    except KeyError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "x.py", 1, "failed", (), (KeyError, error, error.__traceback__)
        )
    line = IdFreeFormatter("%(message)s").format(record)
    assert "Traceback" in line
    assert ID not in line
