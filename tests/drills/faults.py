"""Faults between the application and Redis, each with how it begins and how it ends."""

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
"""About how long Redis is made to take for loading its data."""
RELOAD_SECONDS = 60.0
FLAP_SECONDS = 0.4
"""How long a flapping connection stays up or down each time."""
OPTIONS = ("--enable-debug-command", "yes")
"""The options of redis-server that these faults need."""

Action = Callable[[Deployment], None]


class Fault(NamedTuple):
    """One fault.

    Attributes:
        begin, end: what causes it, and what ends it.
        proxied: whether the proxy causes it.
    """

    begin: Action
    end: Action
    proxied: bool = False


def set_config(setting: str, value: str) -> Action:
    """Build the action that changes a setting of the running Redis."""

    def change(deployment: Deployment) -> None:
        with deployment.redis.client() as client:
            client.config_set(setting, value)

    return change


def run_command(*command: str | int) -> Action:
    """Build the action that has Redis run a command."""

    def execute(deployment: Deployment) -> None:
        with deployment.redis.client() as client:
            client.execute_command(*command)

    return execute


def send_signal(number: signal.Signals) -> Action:
    """Build the action that sends Redis a signal."""
    return lambda deployment: deployment.redis.signal(number)


def kill(deployment: Deployment) -> None:
    """SIGKILL Redis and wait until it has ended."""
    deployment.redis.stop(signal.SIGKILL)


def start_with_data(deployment: Deployment) -> None:
    """Start Redis with the data it has kept."""
    deployment.redis.start()


def start_empty(deployment: Deployment) -> None:
    """Start Redis without data."""
    deployment.delete_redis_files()
    deployment.redis.start()


def require_password(deployment: Deployment) -> None:
    """Make Redis require a password, also from clients that are connected."""
    with deployment.redis.client() as client:
        client.config_set("requirepass", "unknown to the application")
        client.client_kill_filter(_type="normal", skipme=True)


def drop_password(deployment: Deployment) -> None:
    """Make Redis require no password any more."""
    with deployment.redis.client("unknown to the application") as client:
        client.config_set("requirepass", "")


def reload_data(deployment: Deployment) -> None:
    """Make Redis save its data and load it again slowly; meanwhile it answers LOADING."""
    with deployment.redis.client() as client:
        each = int(LOADING_SECONDS * 1e6 / max(int(client.dbsize()), 1))
        # redis-server has both settings for its own tests.
        client.config_set("loading-process-events-interval-bytes", 1024)
        client.config_set("key-load-delay", each)
    threading.Thread(target=_reload, args=(deployment,), daemon=True).start()
    if not eventually(lambda: not _is_serving(deployment)):
        raise TimeoutError("Redis does not start loading")


def wait_until_loaded(deployment: Deployment) -> None:
    """Wait until it has loaded its data."""
    if not eventually(lambda: _is_serving(deployment), RELOAD_SECONDS):
        raise TimeoutError("Redis does not finish loading")
    set_config("key-load-delay", "0")(deployment)


def _reload(deployment: Deployment) -> None:
    with deployment.redis.client() as client, contextlib.suppress(redis.ConnectionError):
        client.execute_command("DEBUG", "RELOAD")


def _is_serving(deployment: Deployment) -> bool:
    """Whether it answers PONG; redis-py would keep retrying while it loads."""
    try:
        with socket.create_connection(("127.0.0.1", deployment.redis.port), timeout=1) as wire:
            wire.sendall(b"PING\r\n")
            return wire.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def replicate_nowhere(deployment: Deployment) -> None:
    """Make Redis the replica of a server that is not there, so that it accepts no writes."""
    run_command("REPLICAOF", "127.0.0.1", free_port())(deployment)


def limit_memory(deployment: Deployment) -> None:
    """Allow Redis no more memory than it already uses; it evicts nothing."""
    with deployment.redis.client() as client:
        client.config_set("maxmemory", 1_000_000)


def build_latency(milliseconds: int) -> Fault:
    """Build the fault that delays every reply by so much, plus or minus a fifth."""
    seconds = milliseconds / 1000

    def begin(deployment: Deployment) -> None:
        deployment.proxy.latency(seconds, jitter=seconds / 5)

    return Fault(begin, clear_proxy, proxied=True)


def clear_proxy(deployment: Deployment) -> None:
    """Make the proxy let everything through."""
    deployment.proxy.up()


FAULTS = {
    "refused": Fault(lambda deployment: deployment.proxy.down(), clear_proxy, proxied=True),
    "rejected": Fault(lambda deployment: deployment.proxy.reject(), clear_proxy, proxied=True),
    "blackhole": Fault(lambda deployment: deployment.proxy.timeout(), clear_proxy, proxied=True),
    "latency-50": build_latency(50),
    "latency-200": build_latency(200),
    "latency-1000": build_latency(1000),
    "slicer": Fault(lambda deployment: deployment.proxy.slicer(), clear_proxy, proxied=True),
    "frozen": Fault(send_signal(signal.SIGSTOP), send_signal(signal.SIGCONT)),
    "pause-write": Fault(
        run_command("CLIENT", "PAUSE", 60_000, "WRITE"), run_command("CLIENT", "UNPAUSE")
    ),
    "oom": Fault(limit_memory, set_config("maxmemory", "0")),
    "read-only": Fault(replicate_nowhere, run_command("REPLICAOF", "NO", "ONE")),
    "noauth": Fault(require_password, drop_password),
    "loading": Fault(reload_data, wait_until_loaded),
    "killed": Fault(kill, start_with_data),
    "proxy-errors": Fault(
        lambda deployment: deployment.proxy.answer(b"-upstream failure\r\n"),
        clear_proxy,
        proxied=True,
    ),
    "quota": Fault(
        lambda deployment: deployment.proxy.answer(b"-ERR max daily request limit exceeded\r\n"),
        clear_proxy,
        proxied=True,
    ),
}
"""Faults that lose nothing, by name."""


@contextlib.contextmanager
def sustain(fault: Fault, deployment: Deployment) -> Iterator[None]:
    """Keep up a fault for as long as the block lasts."""
    fault.begin(deployment)
    try:
        yield
    finally:
        fault.end(deployment)


def flap(deployment: Deployment, seconds: float) -> None:
    """Break and restore the connection to Redis again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with sustain(FAULTS["rejected"], deployment):
            time.sleep(FLAP_SECONDS)
        time.sleep(FLAP_SECONDS)


def reset(deployment: Deployment, seconds: float, *, at_a_time: int = 2) -> None:
    """Lose some replies again and again, after their requests were carried out."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        deployment.proxy.reset_peer(at_a_time)
        time.sleep(0.1)
