"""A whole deployment for one drill: Redis, gunicorns of the application, nginx in front."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from services.sessions.migration.control import ControlRoom
from services.sessions.migration.stages import Stage
from services.sessions.stores import open_store
from tests.drills.http_connection import HttpConnection
from tests.drills.managed_gunicorn import ManagedGunicorn
from tests.support.nginx import Nginx
from tests.support.proxy import Proxy
from tests.support.redis_users import PASSWORD, read_rules
from tests.support.servers import ROOT, RedisServer, eventually

COMMAND_SECONDS = 60.0
FOLLOW_SECONDS = 15.0
"""How long a worker may take to report a stage; one that is not busy takes a second."""
REFUSED_SECONDS = 30.0
"""How long `advance` may refuse because copies have to be sent first."""


class Deployment:
    """Servers that belong together, running for as long as the block lasts.

    Args:
        stage: the stage that is stored when gunicorn starts; empty for none.
        pins: for each gunicorn the stage pinned in its environment; empty to follow the stored one.
        arguments: more arguments for gunicorn's command line.
        by_command: whether `flask migration` changes the stage, as an operator does. That takes
            seconds each time; the test suite writes what the command would write.
        proxied: whether there is a proxy between gunicorn and Redis.
        options: more options for redis-server.
        settings: more settings for gunicorn.
        prefix: a command before gunicorn's own that limits it.
        user: as which user of deploy/users.acl gunicorn connects to Redis; empty for the default.
    """

    def __init__(
        self,
        stage: str,
        *,
        pins: Sequence[str] = ("",),
        arguments: Sequence[str] = (),
        by_command: bool = True,
        proxied: bool = False,
        options: Sequence[str] = (),
        settings: Mapping[str, str] = MappingProxyType({}),
        prefix: Sequence[str] = (),
        user: str = "",
    ) -> None:
        self._stage = stage
        self._by_command = by_command
        self._stack = contextlib.ExitStack()
        self._folder = tempfile.TemporaryDirectory(prefix="teaser-redis-")
        # `advance` refuses a Redis without persistence.
        more = ("--user", user, *read_rules(user), f">{PASSWORD}") if user else ()
        self.redis = RedisServer("--save", "3600 1", "--dir", self._folder.name, *options, *more)
        self._proxy = Proxy(self.redis.port) if proxied else None
        port = self._proxy.port if self._proxy else self.redis.port
        url = f"redis://{f'{user}:{PASSWORD}@' if user else ''}127.0.0.1:{port}/0"
        usual = {
            "REDIS_URL": url,
            "WEB_CONCURRENCY": "2",
            "GUNICORN_THREADS": "8",
            "LOG_LEVEL": "WARNING",
        }
        self.gunicorns = [
            ManagedGunicorn(
                *arguments, **{**usual, **settings}, **({"SESSION_STAGE": pin} if pin else {})
            )
            for pin in pins
        ]
        for gunicorn in self.gunicorns:
            gunicorn.command[:0] = prefix
        # The clients of a drill send no cookie, so each conversation is served by every host.
        self.nginx = Nginx(*(gunicorn.port for gunicorn in self.gunicorns), for_drills=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._folder)
            stack.enter_context(self.redis)
            if self._proxy:
                stack.enter_context(self._proxy)
            if self._by_command and self._stage == Stage.OFF:
                self.run_migration("begin")
            elif self._stage:
                self._store_stage(self._stage)
            for gunicorn in self.gunicorns:
                stack.enter_context(gunicorn)
            stack.enter_context(self.nginx)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def proxy(self) -> Proxy:
        """The proxy between gunicorn and Redis.

        Raises:
            RuntimeError: there is none.
        """
        if self._proxy is None:
            raise RuntimeError("this deployment has no proxy")
        return self._proxy

    def fail_over(self) -> RedisServer:
        """Make a new Redis the primary, as a managed one does: connections to the old one stay.

        Returns:
            The old one, a replica from now on.

        Raises:
            TimeoutError: the new one did not take over.
        """
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="teaser-redis-"))
        old, new = self.redis, self._stack.enter_context(RedisServer("--dir", folder))
        with old.client() as before, new.client() as after:
            after.replicaof("127.0.0.1", str(old.port))
            if not eventually(lambda: after.info("replication")["master_link_status"] == "up"):
                raise TimeoutError("the new Redis does not follow the old one")
            before.execute_command("FAILOVER", "TO", "127.0.0.1", new.port)
            if not eventually(lambda: before.info("replication")["role"] == "slave"):
                raise TimeoutError("the new Redis does not take over")
        self.proxy.redirect(new.port)
        self.redis = new
        return old

    def delete_redis_files(self) -> None:
        """Delete the files of Redis while it is stopped."""
        for path in Path(self._folder.name).iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    @property
    def gunicorn(self) -> ManagedGunicorn:
        """The only gunicorn, or the first of several."""
        return self.gunicorns[0]

    def set_stage(self, stage: str, cohort: int = 0) -> None:
        """Change the stage and wait until the workers follow.

        Raises:
            RuntimeError: the command refused.
            TimeoutError: no worker followed.
        """
        self._store_stage(stage, cohort)
        self._wait_for(stage)

    def advance(self, stage: str) -> None:
        """Go one step forward, to this stage, as soon as nothing blocks it.

        Raises:
            RuntimeError: the command kept refusing.
            TimeoutError: no worker followed.
        """
        if not self._by_command:
            return self.set_stage(stage)
        deadline = time.monotonic() + REFUSED_SECONDS
        while True:
            try:
                self.run_migration("advance")
                break
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
        self._wait_for(stage)
        if stage == Stage.DUALWRITE:
            self.run_migration("backfill")
        return None

    def rollback(self, stage: str) -> None:
        """Go one step back, to this stage.

        Raises:
            RuntimeError: the command refused.
            TimeoutError: no worker followed.
        """
        if not self._by_command:
            return self.set_stage(stage)
        self.run_migration("rollback")
        return self._wait_for(stage)

    def run_migration(self, *words: str) -> str:
        """Run `flask migration ...` as an operator types it, and return its output.

        Raises:
            RuntimeError: the command refused.
        """
        environment = self.gunicorn.environment.copy()
        environment.pop("SESSION_STAGE", None)
        done = subprocess.run(
            [sys.executable, "-m", "flask", "migration", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"flask migration {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def read_stage(self) -> str:
        """Read the stage of the worker that happens to answer."""
        connection = HttpConnection(self.gunicorn.port)
        body = connection.send("GET", "/readyz").body
        connection.close()
        return str(body.get("stage", "")) if isinstance(body, dict) else ""

    def read_warnings(self) -> list[str]:
        """Read the warnings and errors that the application logged."""
        lines = [line for one in self.gunicorns for line in one.output().splitlines()]
        return [line for line in lines if "[WARNING]" in line or "[ERROR]" in line]

    def _store_stage(self, stage: str, cohort: int = 0) -> None:
        if self._by_command:
            more = ["--cohort", str(cohort)] if cohort else []
            self.run_migration("set", stage, *more, "--force")
            return
        engine = open_store(self.redis.url)
        ControlRoom(engine).change(Stage(stage), cohort)
        engine.close()

    def _wait_for(self, stage: str) -> None:
        if not eventually(lambda: self.read_stage() == stage, FOLLOW_SECONDS):
            raise TimeoutError(f"the stage is {self.read_stage()}, not {stage}")
        # The other worker may be some tenths of a second behind.
        time.sleep(0.3)
