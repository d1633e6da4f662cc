"""How a command answers: text for people, JSON for programs, an exit code for scripts."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from services.sessions.errors import (
    InvalidSessionId,
    SessionConflict,
    SessionError,
    StoreUnavailable,
)
from services.sessions.migration.control import ControlRoom
from services.sessions.migration.stages import Stage

DONE, REFUSED, UNASKED = 0, 1, 3
"""Exit codes; 2 is click's own for wrong usage."""
EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused, or not settled
  2  wrong usage
  3  the engine could not be asked
"""
"""The part of a group's help about them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers.

    Attributes:
        text: for people.
        data: the same for programs.
        code: the exit code.
    """

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = DONE

    def show(self, *, as_json: bool) -> None:
        """Print it; that the engine could not be asked goes to stderr in either case."""
        if as_json:
            click.echo(json.dumps({"done": self.code == DONE, **self.data}))
        if self.code == UNASKED or not as_json:
            click.echo(self.text, err=self.code == UNASKED)


class Refused(Exception):
    """A command that is not carried out.

    Args:
        reasons: why, a sentence each.
        hint: what to do about it.
    """

    def __init__(self, *reasons: str, hint: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons
        self.hint = hint

    @property
    def answer(self) -> Answer:
        """The refusal as it is printed."""
        lines = [*(f"refused: {reason}" for reason in self.reasons), f"{self.hint}."]
        data = {"refused": list(self.reasons), "hint": self.hint}
        return Answer("\n".join(lines), data, REFUSED)


def answering_with(
    find: Callable[[], Any],
) -> Callable[[Callable[..., Answer]], Callable[..., None]]:
    """Give a command what `find` answers and `--json`, print its answer, exit with its code."""

    def decorate(command: Callable[..., Answer]) -> Callable[..., None]:
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
        @functools.wraps(command)
        def run(*, as_json: bool, **options: Any) -> None:
            answer = _answer_of(find, command, options)
            answer.show(as_json=as_json)
            raise SystemExit(answer.code)

        return run

    return decorate


def refuse_memory(engine: str) -> None:
    """Keep a command from working on a dict of its own.

    Raises:
        Refused: the engine with this name is one.
    """
    if engine == "memory":
        raise Refused(
            "memory:// is a dict of each process, which no command can reach",
            hint="Set REDIS_URL or SESSION_STORE_URL as the service has it",
        )


def refuse_off(room: ControlRoom) -> None:
    """Keep a command from an engine that is not what the service goes by.

    Raises:
        Refused: the stage is off, in which everything is in the serving process.
    """
    if (control := room.read()) and control.stage is Stage.OFF:
        raise Refused(
            "in stage off the sessions are in the serving process",
            hint="Run it again from dualwrite on",
        )


def unasked(text: str, error: StoreUnavailable) -> Answer:
    """What a command answers when the engine could not be asked."""
    return Answer(text, {"error": text, "reason": error.reason}, UNASKED)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows with their columns in line; the first one is the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _answer_of(
    find: Callable[[], Any], command: Callable[..., Answer], options: dict[str, Any]
) -> Answer:
    """What a command answers, its errors as answers too."""
    try:
        return command(find(), **options)
    except Refused as refusal:
        return refusal.answer
    except SessionConflict:
        return Refused("someone else changed it at this moment", hint="Run it again").answer
    except StoreUnavailable as error:
        text = f"The engine could not be asked ({error.reason}); start it or correct its URL."
        return unasked(text, error)
    except InvalidSessionId:
        return Refused("that cannot be a tenant's name", hint="Look at the name again").answer
    except SessionError:
        hint = "It is set aside if it is no document; the log says so; run it again"
        return Refused("something that is stored cannot be read", hint=hint).answer
