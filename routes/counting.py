"""Counts answers by their status as they are sent, and measures the time until they begin.

It wraps the application, because hooks that run after a view may still replace its answer.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from services import metrics

UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics", "/ops/status"})
"""What monitoring requests; counting it would hide what people get."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""


def init_app(app: Flask) -> None:
    """Count every answer of this application."""
    app.wsgi_app = count_answers(app.wsgi_app)  # type: ignore[assignment]


def count_answers(application: Application) -> Application:
    """Wrap a WSGI application to count its answers."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in UNCOUNTED:
            return application(environ, start_response)

        began = time.perf_counter()

        def start(status: str, *more: Any) -> Any:
            metrics.count_answer(status[:3], time.perf_counter() - began)
            return start_response(status, *more)

        return application(environ, start)

    return call
