"""Log lines without ids: some conversations are open to anybody who knows their id."""

import logging
import re

HIDDEN = "..."
_ID = re.compile(
    # In an address, a query string, a referrer, or the key of a session, whatever form it has.
    r"(?P<before>(?:/sessions?/|/context/|session_id=|:session:|\bbrowser:|\bembedded=|\bbrowser=))"
    r"[^\s?&#\"'<>,;]+"
    # A UUID anywhere, unless a client or a proxy has chosen it as the id of its request.
    r"|(?<!request )[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def hide_ids(text: str) -> str:
    """The text with `...` in place of ids of sessions and browsers."""
    return _ID.sub(lambda found: f"{found['before'] or ''}{HIDDEN}", text)


class IdFreeFormatter(logging.Formatter):
    """A formatter that hides ids, also those in a traceback or in a message of somebody else."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or the lines of a traceback."""
        return hide_ids(super().format(record))
