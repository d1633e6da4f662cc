"""deploy/users.acl: Redis accepts it, and its user has what is needed and no more."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
import redis

from tests.support.redis_users import DEPLOYED, FILE, PASSWORD, PLACEHOLDER, list_commands
from tests.support.servers import ROOT, RedisServer

SECTION = re.compile(r"### The user of Redis\n(.*?)\n### ", re.DOTALL)
ROW = re.compile(r"^\| (`.*?`) \|", re.MULTILINE)
DIRECT = {"DEL", "EVAL", "EVALSHA", "GET", "GETRANGE", "INFO", "PEXPIRETIME", "PTTL", "ZREM"}
"""What is sent as it is, see `services/sessions/stores/redis/`; `SELECT` is redis-py's own."""


def start_with(text: str, folder: Path) -> RedisServer:
    """A Redis with this file of users."""
    file = folder / "users.acl"
    file.write_text(text, encoding="utf-8")
    return RedisServer("--aclfile", str(file))


def test_redis_takes_the_file_once_its_passwords_are_set(tmp_path: Path) -> None:
    """Not before, so that nobody serves with a password that everybody can read."""
    text = FILE.read_text(encoding="utf-8")
    with pytest.raises(RuntimeError, match="did not start"), start_with(text, tmp_path):
        pass
    digest = sha256(PASSWORD.encode()).hexdigest()
    with start_with(text.replace(PLACEHOLDER, f"#{digest}"), tmp_path) as server:
        with pytest.raises(redis.AuthenticationError):
            server.client().get("k")
        user = redis.Redis(port=server.port, username=DEPLOYED, password=PASSWORD)
        assert user.get("k") is None
        for forbidden in (user.flushall, user.keys, user.shutdown, user.config_get, user.acl_list):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()
        user.close()


def test_the_user_may_do_what_is_needed_and_no_more() -> None:
    """What the scripts call and the store sends; the page lists the same."""
    scripts = (ROOT / "services" / "sessions" / "stores" / "redis").glob("*.lua")
    called = {
        name
        for script in scripts
        for name in re.findall(r"redis\.p?call\('([A-Z]+)'", script.read_text(encoding="utf-8"))
    }
    allowed = {command.upper().replace("|", " ") for command in list_commands(DEPLOYED)}
    assert allowed == called | DIRECT | {"SCRIPT LOAD", "SELECT"}
    found = SECTION.search((ROOT / "docs" / "deployment.md").read_text(encoding="utf-8"))
    assert found
    listed = {name for row in ROW.findall(found[1]) for name in re.findall(r"`(.*?)`", row)}
    assert listed == allowed
