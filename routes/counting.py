"""Answers counted by their status, as they were sent, and measured.

This is outside of the application, because what happens after the views can still replace an
answer by another one.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from services import metrics

UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics", "/ops/status"})
"""What monitoring asks for; it would dilute what people are answered."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""


def init_app(app: Flask) -> None:
    """Count every answer of this application."""
    app.wsgi_app = counted(app.wsgi_app)  # type: ignore[assignment]


def counted(application: Application) -> Application:
    """The same WSGI application, with its answers counted."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in UNCOUNTED:
            return application(environ, start_response)

        began = time.perf_counter()

        def start(status: str, *more: Any) -> Any:
            metrics.count_answer(status[:3], time.perf_counter() - began)
            return start_response(status, *more)

        return application(environ, start)

    return call
