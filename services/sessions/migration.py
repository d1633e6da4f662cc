"""Which engine serves: the stages between the in-process dict and the engine, and the seam.

`old` is the dict of this process, `new` the engine. Callers see one Store, whatever the stage,
so that a stage is added here and nowhere else.
"""

from enum import StrEnum

from services.sessions.stores import Store


class Stage(StrEnum):
    """A step of the migration; the names are the field's for migration flags."""

    OFF = "off"
    DUALWRITE = "dualwrite"
    SHADOW = "shadow"
    LIVE = "live"
    RAMPDOWN = "rampdown"
    COMPLETE = "complete"


SERVED = (Stage.OFF, Stage.COMPLETE)
"""The stages this release can serve."""


def stage_named(name: str) -> Stage:
    """The stage with this name.

    Raises:
        ValueError: there is no such stage, or this release cannot serve it.
    """
    served = " or ".join(SERVED)
    if name not in list(Stage):
        raise ValueError(f"{name!r} is no stage; use {served}")
    stage = Stage(name)
    if stage not in SERVED:
        raise ValueError(f"the stage {name} is not there yet; use {served}")
    return stage


def serving_store(stage: Stage, old: Store, new: Store) -> Store:
    """The store that serves in a stage: the dict when off, the engine when complete."""
    return old if stage is Stage.OFF else new
