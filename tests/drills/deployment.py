"""A whole deployment for one drill: redis, gunicorns of the application, nginx before them."""

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
from tests.drills.http_connection import Wire
from tests.drills.managed_gunicorn import Masters
from tests.support.nginx import Nginx
from tests.support.proxy import Proxy
from tests.support.servers import ROOT, RedisServer, eventually

COMMAND_SECONDS = 60.0
FOLLOW_SECONDS = 15.0
"""How long a worker may take to report a stage; it follows within one when it is not busy."""
REFUSED_SECONDS = 30.0
"""How long `advance` may refuse, because something has to be sent first."""


class Deployment:
    """Servers that belong together, from entering to leaving.

    Args:
        stage: the stage that is stored when gunicorn starts; empty for none.
        pins: for each gunicorn the stage its environment names; empty to follow the stored one.
        arguments: more arguments for gunicorn's command line.
        by_command: whether the stage is changed by `flask migration`, as an operator does. It
            takes seconds each time; the suite writes what the command would.
        proxied: whether there is a proxy between gunicorn and Redis.
        options: more options for redis-server.
        settings: more settings for gunicorn.
        prefix: what stands before gunicorn's command, to limit it.
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
    ) -> None:
        self._stage = stage
        self._by_command = by_command
        self._stack = contextlib.ExitStack()
        self._folder = tempfile.TemporaryDirectory(prefix="teaser-redis-")
        # `advance` refuses a Redis that keeps nothing over a restart.
        self.redis = RedisServer("--save", "3600 1", "--dir", self._folder.name, *options)
        self._proxy = Proxy(self.redis.port) if proxied else None
        url = f"redis://127.0.0.1:{self._proxy.port}/0" if self._proxy else self.redis.url
        usual = {
            "REDIS_URL": url,
            "WEB_CONCURRENCY": "2",
            "GUNICORN_THREADS": "8",
            "LOG_LEVEL": "WARNING",
        }
        self.gunicorns = [
            Masters(*arguments, **{**usual, **settings}, **({"SESSION_STAGE": pin} if pin else {}))
            for pin in pins
        ]
        for gunicorn in self.gunicorns:
            gunicorn.command[:0] = prefix
        # No client of a drill is a browser: each conversation meets every host, and is not lost.
        self.nginx = Nginx(*(gunicorn.port for gunicorn in self.gunicorns), for_drills=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._folder)
            stack.enter_context(self.redis)
            if self._proxy:
                stack.enter_context(self._proxy)
            if self._by_command and self._stage == Stage.OFF:
                self.migration("begin")
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

    def empty_redis(self) -> None:
        """Remove what Redis has kept in files, while it does not run."""
        for kept in Path(self._folder.name).iterdir():
            if kept.is_dir():
                shutil.rmtree(kept)
            else:
                kept.unlink()

    @property
    def gunicorn(self) -> Masters:
        """The only gunicorn, or the first of two."""
        return self.gunicorns[0]

    def set_stage(self, stage: str, cohort: int = 0) -> None:
        """Change the stage and wait until the workers serve in it.

        Raises:
            RuntimeError: the command refused.
            TimeoutError: no worker followed.
        """
        self._store_stage(stage, cohort)
        self._wait_for(stage)

    def advance(self, stage: str) -> None:
        """Go one step further, to this stage, as soon as nothing hinders it.

        Raises:
            RuntimeError: the command went on refusing.
            TimeoutError: no worker followed.
        """
        if not self._by_command:
            return self.set_stage(stage)
        give_up = time.monotonic() + REFUSED_SECONDS
        while True:
            try:
                self.migration("advance")
                break
            except RuntimeError:
                if time.monotonic() > give_up:
                    raise
        self._wait_for(stage)
        if stage == Stage.DUALWRITE:
            self.migration("backfill")
        return None

    def rollback(self, stage: str) -> None:
        """Go one step back, to this stage.

        Raises:
            RuntimeError: the command refused.
            TimeoutError: no worker followed.
        """
        if not self._by_command:
            return self.set_stage(stage)
        self.migration("rollback")
        return self._wait_for(stage)

    def migration(self, *words: str) -> str:
        """`flask migration ...` as the operator types it; answers what it printed.

        Raises:
            RuntimeError: it refused.
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

    def stage(self) -> str:
        """The stage in which whoever answers serves."""
        wire = Wire(self.gunicorn.port)
        body = wire.send("GET", "/readyz").body
        wire.close()
        return str(body.get("stage", "")) if isinstance(body, dict) else ""

    def warnings(self) -> list[str]:
        """What the application logged that is more than usual."""
        lines = [line for one in self.gunicorns for line in one.output().splitlines()]
        return [line for line in lines if "[WARNING]" in line or "[ERROR]" in line]

    def _store_stage(self, stage: str, cohort: int = 0) -> None:
        if self._by_command:
            more = ["--cohort", str(cohort)] if cohort else []
            self.migration("set", stage, *more, "--force")
            return
        engine = open_store(self.redis.url)
        ControlRoom(engine).change(Stage(stage), cohort)
        engine.close()

    def _wait_for(self, stage: str) -> None:
        if not eventually(lambda: self.stage() == stage, FOLLOW_SECONDS):
            raise TimeoutError(f"the stage is {self.stage()}, not {stage}")
        # With two workers the other one may be some tenths of a second behind.
        time.sleep(0.3)
