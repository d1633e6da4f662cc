"""Schemathesis over the whole description of an application, in this process."""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import schemathesis
from flask import Flask
from schemathesis import Case, GenerationMode, engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder

Makers = Sequence[Callable[[], str]]


class Seen(NamedTuple):
    """What a run found out.

    Attributes:
        statuses: what each operation was answered with, by its label.
        faults: every check that failed, with the request that shows it.
    """

    statuses: dict[str, set[int]]
    faults: list[str]


def described(app: Flask) -> Any:
    """The description as /openapi.json gives it."""
    return app.test_client(use_cookies=False).get("/openapi.json").get_json()


def closed(description: Any) -> Any:
    """The same, but an answer's members must all be in it; a client has to expect more.

    What takes members of a client's own says so, and goes on taking them.
    """
    for schema in description["components"]["schemas"].values():
        if "properties" in schema and schema.get("additionalProperties") is not True:
            schema["additionalProperties"] = False
    return description


def served(app: Flask) -> Callable[..., Iterable[bytes]]:
    """The application as under a server, which ends every answer by closing it."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with contextlib.closing(app(environ, start_response)) as answer:  # type: ignore[type-var]
            return [b"".join(answer)]

    return call


def run(app: Flask, config: dict[str, Any], ids: Mapping[str, Makers] | None = None) -> Seen:
    """Send what fits the description and what does not, and check every answer against it.

    Args:
        app: the application.
        config: Schemathesis's, as in its schemathesis.toml; the run is the same every time.
        ids: by the beginning of an address the makers of session ids, used in turn where a
            request that fits names a session.
    """
    settings = {"seed": 1, "output": {"sanitization": {"enabled": False}}, **config}
    schema = schemathesis.openapi.from_dict(
        closed(described(app)), config=SchemathesisConfig.from_dict(settings)
    )
    schema.app = served(app)
    makers = {begin: itertools.cycle(each) for begin, each in (ids or {}).items()}

    @schema.hook
    def map_case(_context: Any, case: Case[Any]) -> Case[Any]:
        known = next((ids for begin, ids in makers.items() if case.path.startswith(begin)), None)
        if known and case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
            for part in (case.body, case.query, case.path_parameters):
                if isinstance(part, dict) and "session_id" in part:
                    part["session_id"] = next(known)()
        return case

    seen = Seen({}, [])
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(event.recorder, seen)
        elif isinstance(event, events.NonFatalError):
            seen.faults.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return seen


def _note(recorder: ScenarioRecorder, seen: Seen) -> None:
    for case_id, interaction in recorder.interactions.items():
        case = recorder.cases[case_id].value
        if interaction.response and case.method == case.operation.method.upper():
            statuses = seen.statuses.setdefault(case.operation.label, set())
            statuses.add(interaction.response.status_code)
    for case_id, checks in recorder.checks.items():
        case = recorder.cases[case_id].value
        for check in checks:
            if check.failure_info:
                failure = check.failure_info.failure
                seen.faults.append(f"{case.operation.label}: {failure}\n{case.as_curl_command()}")
