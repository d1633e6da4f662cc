"""What a server is asked once whenever a connection to it is set up: whether it is new enough.

What the scripts need came with Redis 7.0, and so did the command that is tried here. The version
is asked for only to name it: servers that speak the protocol number themselves as they like.
"""

import logging
import re

import redis
from redis.connection import Connection
from redis.exceptions import NoPermissionError

from ...errors import StoreUnavailable
from ..base import COUNTER_PREFIX

log = logging.getLogger(__name__)

NEEDED = "7.0"
"""The oldest Redis that has what the scripts use (PEXPIRETIME, PEXPIRE with NX and GT)."""
TOO_OLD = "server_too_old"
"""The reason of a server that lacks it."""
RETRY_AFTER = 30
"""Seconds after which asking again makes sense: somebody has to change something."""
_TRIED = ("PEXPIRETIME", f"{COUNTER_PREFIX}probe")
_UNKNOWN = re.compile(r"(ERR )?unknown command", re.IGNORECASE)
_VERSION = re.compile(rb"^redis_version:([0-9.]{1,20})", re.MULTILINE)


class Abilities:
    """Tells of a server that is too old, once for as long as it is."""

    def __init__(self) -> None:
        self._has_told = False

    def set_up(self, connection: Connection) -> None:
        """Set up a connection as redis-py does, and find out whether the server is new enough.

        Raises:
            StoreUnavailable: it is not.
            redis.RedisError: as redis-py's own.
        """
        connection.on_connect_check_health(check_health=False)
        connection.send_command(*_TRIED)
        try:
            connection.read_response()
        except NoPermissionError:
            # It says nothing of other commands. A script that lacks one fails before it writes.
            return
        except redis.ResponseError as error:
            if not _UNKNOWN.match(str(error)):
                raise
            self._tell(connection)
            raise StoreUnavailable(TOO_OLD, retry_after=RETRY_AFTER) from error
        self._has_told = False

    def _tell(self, connection: Connection) -> None:
        if self._has_told:
            return
        self._has_told = True
        version = _read_version(connection)
        log.error(
            "the Redis server is %s and does not know %s: use Redis %s or newer; until then nothing"
            " is read from it or written to it",
            version,
            _TRIED[0],
            NEEDED,
        )


def _read_version(connection: Connection) -> str:
    """The version that a server gives itself; where it gives none, that it is unknown."""
    connection.send_command("INFO", "server")
    try:
        said = connection.read_response()
    except redis.ResponseError:
        said = b""
    found = _VERSION.search(said) if isinstance(said, bytes) else None
    return found[1].decode() if found else "of unknown version"
