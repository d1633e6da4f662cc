"""The stage this host knew last, for a process that starts while the engine is away.

Without it such a process would have to guess; with it a restart during an outage goes on as the
one before it did. It is a small file beside the spill, readable by people.
"""

import contextlib
import logging
import os
from pathlib import Path

import msgspec

from .stages import Plan, parse_stage

log = logging.getLogger(__name__)


class LastStage:
    """How this host was to serve when that was last known.

    Args:
        file: where it is kept; None where nothing is.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._kept: tuple[Plan | None] | None = None

    def keep(self, plan: Plan | None) -> None:
        """Remember a plan, None for no migration; a failure to do so is only logged."""
        if self._file is None or self._kept == (plan,):
            return
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            if plan is None:
                self._file.unlink(missing_ok=True)
            else:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(msgspec.json.encode(plan._asdict()))
                beside.replace(self._file)
            self._kept = (plan,)
        except OSError as error:
            log.warning("the stage cannot be remembered: %s", error.strerror)

    def read(self) -> Plan | None:
        """What was remembered; None where nothing was, or nothing readable."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if self._file is not None:
                kept = msgspec.json.decode(self._file.read_bytes())
                return Plan(
                    parse_stage(kept["stage"]), int(kept["cohort"]), str(kept["salt"]), stepped=True
                )
        return None


def open_last_stage(spill_url: str | None) -> LastStage:
    """The remembered stage of the deployment with this spill."""
    _, is_file, name = (spill_url or "").partition("sqlite:///")
    return LastStage(Path(name).with_name("stage.json") if is_file else None)
