"""Counts calls of functions, for budgets that no clock can spoil."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.support.servers import ROOT

PARSER = tuple(
    str(ROOT / "services" / "conversation" / name) for name in ("language", "understanding")
)
"""The folders of the code that reads texts."""


class Calls:
    """Calls that were counted.

    Attributes:
        number: how many.
    """

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def count_calls(*folders: str | Path) -> Iterator[Calls]:
    """Count the calls of functions in some folders in this thread, until the block ends."""
    calls, prefixes = Calls(), tuple(map(str, folders))

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(prefixes):
            calls.number += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)
