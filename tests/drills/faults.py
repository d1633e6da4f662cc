"""What can happen between the application and Redis: each fault as its beginning and its end."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import redis

from tests.drills.deployment import Deployment
from tests.support.servers import eventually, free_port

LOADING_SECONDS = 3.0
"""How long Redis is made to load what it has, about."""
RELOAD_SECONDS = 60.0
FLAP_SECONDS = 0.4
"""How long a flapping connection is up or down, at a time."""
OPTIONS = ("--enable-debug-command", "yes")
"""What redis-server needs for these faults."""

Deed = Callable[[Deployment], None]


class Fault(NamedTuple):
    """One fault.

    Attributes:
        begin, end: what brings it about, and what ends it.
        proxied: whether it is the proxy's.
    """

    begin: Deed
    end: Deed
    proxied: bool = False


def configure(setting: str, value: str) -> Deed:
    """Changes a setting of the running Redis."""

    def change(deployment: Deployment) -> None:
        with deployment.redis.client() as client:
            client.config_set(setting, value)

    return change


def run(*command: str | int) -> Deed:
    """Has Redis run a command."""

    def send(deployment: Deployment) -> None:
        with deployment.redis.client() as client:
            client.execute_command(*command)

    return send


def send(number: signal.Signals) -> Deed:
    """Sends Redis a signal."""
    return lambda deployment: deployment.redis.signal(number)


def kill(deployment: Deployment) -> None:
    """SIGKILL Redis and wait for its end."""
    deployment.redis.stop(signal.SIGKILL)


def start_again(deployment: Deployment) -> None:
    """Start Redis with what it has kept."""
    deployment.redis.start()


def start_empty(deployment: Deployment) -> None:
    """Start Redis with nothing in it."""
    deployment.empty_redis()
    deployment.redis.start()


def ask_for_password(deployment: Deployment) -> None:
    """Redis wants a password from now on, also from those who are connected."""
    with deployment.redis.client() as client:
        client.config_set("requirepass", "unknown to the application")
        client.client_kill_filter(_type="normal", skipme=True)


def ask_for_none(deployment: Deployment) -> None:
    """Redis wants no password any more."""
    with deployment.redis.client("unknown to the application") as client:
        client.config_set("requirepass", "")


def load(deployment: Deployment) -> None:
    """Redis writes what it has into a file and loads it again, slowly; it answers LOADING."""
    with deployment.redis.client() as client:
        each = int(LOADING_SECONDS * 1e6 / max(int(client.dbsize()), 1))
        # Both are redis-server's own means for its own tests.
        client.config_set("loading-process-events-interval-bytes", 1024)
        client.config_set("key-load-delay", each)
    threading.Thread(target=_reload, args=(deployment,), daemon=True).start()
    if not eventually(lambda: not _answers(deployment)):
        raise TimeoutError("Redis does not begin to load")


def loaded(deployment: Deployment) -> None:
    """Wait until it has loaded."""
    if not eventually(lambda: _answers(deployment), RELOAD_SECONDS):
        raise TimeoutError("Redis does not come to the end of loading")
    configure("key-load-delay", "0")(deployment)


def _reload(deployment: Deployment) -> None:
    with deployment.redis.client() as client, contextlib.suppress(redis.ConnectionError):
        client.execute_command("DEBUG", "RELOAD")


def _answers(deployment: Deployment) -> bool:
    """Whether it says PONG; redis-py would go on asking one that loads."""
    try:
        with socket.create_connection(("127.0.0.1", deployment.redis.port), timeout=1) as wire:
            wire.sendall(b"PING\r\n")
            return wire.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def replicate_nobody(deployment: Deployment) -> None:
    """Redis becomes the replica of a server that is not there, and takes no writes."""
    run("REPLICAOF", "127.0.0.1", free_port())(deployment)


def fill(deployment: Deployment) -> None:
    """Redis may not use more memory than it does, and drops nothing."""
    with deployment.redis.client() as client:
        client.config_set("maxmemory", 1_000_000)


def latency(milliseconds: int) -> Fault:
    """Every reply is late by so much, give or take a fifth."""
    seconds = milliseconds / 1000

    def begin(deployment: Deployment) -> None:
        deployment.proxy.latency(seconds, jitter=seconds / 5)

    return Fault(begin, up, proxied=True)


def up(deployment: Deployment) -> None:
    """The proxy lets everything through."""
    deployment.proxy.up()


FAULTS = {
    "refused": Fault(lambda deployment: deployment.proxy.down(), up, proxied=True),
    "rejected": Fault(lambda deployment: deployment.proxy.reject(), up, proxied=True),
    "blackhole": Fault(lambda deployment: deployment.proxy.timeout(), up, proxied=True),
    "latency-50": latency(50),
    "latency-200": latency(200),
    "latency-1000": latency(1000),
    "slicer": Fault(lambda deployment: deployment.proxy.slicer(), up, proxied=True),
    "frozen": Fault(send(signal.SIGSTOP), send(signal.SIGCONT)),
    "pause-write": Fault(run("CLIENT", "PAUSE", 60_000, "WRITE"), run("CLIENT", "UNPAUSE")),
    "oom": Fault(fill, configure("maxmemory", "0")),
    "read-only": Fault(replicate_nobody, run("REPLICAOF", "NO", "ONE")),
    "noauth": Fault(ask_for_password, ask_for_none),
    "loading": Fault(load, loaded),
    "killed": Fault(kill, start_again),
}
"""Faults that end without anything being lost, by name."""


@contextlib.contextmanager
def during(fault: Fault, deployment: Deployment) -> Iterator[None]:
    """The fault lasts as long as the block."""
    fault.begin(deployment)
    try:
        yield
    finally:
        fault.end(deployment)


def flap(deployment: Deployment, seconds: float) -> None:
    """The connection to Redis comes and goes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with during(FAULTS["rejected"], deployment):
            time.sleep(FLAP_SECONDS)
        time.sleep(FLAP_SECONDS)


def reset(deployment: Deployment, seconds: float, *, at_a_time: int = 2) -> None:
    """Again and again some replies are lost after their requests were done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        deployment.proxy.reset_peer(at_a_time)
        time.sleep(0.1)
