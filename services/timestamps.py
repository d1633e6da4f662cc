"""Timestamps: documents store milliseconds since 1970, responses carry ISO 8601."""

from datetime import UTC, datetime


def format_now() -> str:
    """The present time in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def isoformat(milliseconds: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
