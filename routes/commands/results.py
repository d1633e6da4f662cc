"""The result of a command: text for people, JSON for programs, an exit code for scripts."""

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

DONE, REFUSED, UNAVAILABLE = 0, 1, 3
"""Exit codes; 2 is click's own for wrong usage."""
EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused, or some workers do not follow yet
  2  wrong usage
  3  the engine could not be reached
"""
"""The part of a group's help about them."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command prints, and how it exits.

    Attributes:
        text: for people.
        data: the same for programs.
        code: the exit code.
    """

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = DONE

    def show(self, *, as_json: bool) -> None:
        """Print it; that the engine could not be reached goes to stderr in either case."""
        if as_json:
            click.echo(json.dumps({"done": self.code == DONE, **self.data}))
        if self.code == UNAVAILABLE or not as_json:
            click.echo(self.text, err=self.code == UNAVAILABLE)


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
    def result(self) -> Result:
        """The refusal as it is printed."""
        lines = [*(f"refused: {reason}" for reason in self.reasons), f"{self.hint}."]
        data = {"refused": list(self.reasons), "hint": self.hint}
        return Result("\n".join(lines), data, REFUSED)


def print_result(
    provide: Callable[[], Any],
) -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Pass a command what `provide` returns, add `--json`, print its result, exit with its code."""

    def decorate(command: Callable[..., Result]) -> Callable[..., None]:
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
        @functools.wraps(command)
        def run(*, as_json: bool, **options: Any) -> None:
            result = _run_command(provide, command, options)
            result.show(as_json=as_json)
            raise SystemExit(result.code)  # click would turn a return value into 0

        return run

    return decorate


def refuse_memory(engine: str) -> None:
    """Keep a command from working on a dict of its own process.

    Raises:
        Refused: the engine with this name is one.
    """
    if engine == "memory":
        raise Refused(
            "memory:// is a dict inside each process, which no command can reach",
            hint="Set REDIS_URL or SESSION_STORE_URL to the service's own value",
        )


def refuse_off(room: ControlRoom) -> None:
    """Keep a command from an engine that the service does not use yet.

    Raises:
        Refused: the stage is off, in which every session is in the serving process.
    """
    if (control := room.read()) and control.stage is Stage.OFF:
        raise Refused(
            "in stage off the sessions are in the serving process",
            hint="Run it again in dualwrite or a later stage",
        )


def build_unavailable_result(text: str, error: StoreUnavailable) -> Result:
    """The result of a command that could not reach the engine."""
    return Result(text, {"error": text, "reason": error.reason}, UNAVAILABLE)


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows with aligned columns; the first one has the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _run_command(
    provide: Callable[[], Any], command: Callable[..., Result], options: dict[str, Any]
) -> Result:
    """Run a command; its errors become results too, so that no operator sees a traceback."""
    try:
        return command(provide(), **options)
    except Refused as refusal:
        return refusal.result
    except SessionConflict:
        return Refused("someone else changed it at the same moment", hint="Run it again").result
    except StoreUnavailable as error:
        text = f"The engine could not be reached ({error.reason}); start it or correct its URL."
        return build_unavailable_result(text, error)
    except InvalidSessionId:
        return Refused("this cannot be a tenant's name", hint="Check the name").result
    except SessionError:
        hint = "If it is no valid document, it is quarantined and the log says so; run it again"
        return Refused("a stored document cannot be read", hint=hint).result
