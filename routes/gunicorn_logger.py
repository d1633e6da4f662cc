"""gunicorn's logger without ids, which it would quote from a request that it cannot read."""

from typing import Any

from gunicorn import glogging

from services.log_format import IdFreeFormatter


class Logger(glogging.Logger):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's own, with a formatter that hides ids."""

    def setup(self, cfg: Any) -> None:
        """Set up the handlers, also after a reload."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            usual = handler.formatter
            handler.setFormatter(IdFreeFormatter(usual._fmt, usual.datefmt))
