"""The six stages of a migration, and the plan by which a process serves."""

import hashlib
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """A step of the migration; the names are the field's for migration flags."""

    OFF = "off"
    DUALWRITE = "dualwrite"
    SHADOW = "shadow"
    LIVE = "live"
    RAMPDOWN = "rampdown"
    COMPLETE = "complete"

    @property
    def is_dict_first(self) -> bool:
        """Whether the dict decides, so that one process must serve."""
        return self in (Stage.OFF, Stage.DUALWRITE, Stage.SHADOW)

    @property
    def has_two_copies(self) -> bool:
        """Whether every write goes to both engines."""
        return self not in (Stage.OFF, Stage.COMPLETE)

    def step(self, by: int) -> "Stage | None":
        """The stage so many steps further (back when negative); None beyond the ends."""
        stages = list(Stage)
        at = stages.index(self) + by
        return stages[at] if 0 <= at < len(stages) else None


def parse_stage(name: str) -> Stage:
    """The stage with this name.

    Raises:
        ValueError: there is no such stage; the message names those there are.
    """
    try:
        return Stage(name)
    except ValueError:
        raise ValueError(f"{name!r} is no stage; use {', '.join(Stage)}") from None


class Plan(NamedTuple):
    """How a process serves.

    Attributes:
        stage: the stage.
        cohort: in shadow, the percentage of sessions that are served as in live.
        salt: makes this migration's cohorts other ones than the next one's.
        stepped: whether the stage is one of a migration under way, so that other processes may
            hold copies also in complete.
    """

    stage: Stage
    cohort: int = 0
    salt: str = ""
    stepped: bool = False


def in_cohort(session_id: str, percentage: int, salt: str) -> bool:
    """Whether a session is in the cohort; it stays in as the percentage (0 to 100) grows."""
    digest = hashlib.sha256(f"{salt}{session_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * 100 < percentage << 64
