"""The whole of a deployment for a test: a real nginx, gunicorn and Redis."""

from types import TracebackType
from typing import Self

from services.origins import parse_origins
from tests.support.nginx import Nginx
from tests.support.servers import Gunicorn, RedisServer


class Site:
    """The application as it is deployed: behind nginx, over Redis.

    Args:
        redis: where its conversations are.
        tls: whether nginx serves it over TLS, with a certificate that nobody trusts.
        settings: more of its settings.

    Attributes:
        gunicorn: what a test may stop and start.
        url: where nginx serves it.
    """

    def __init__(self, redis: RedisServer, *, tls: bool = False, **settings: str) -> None:
        usual = {"WEB_CONCURRENCY": "1", "SESSION_STAGE": "complete", "TRUSTED_PROXIES": "1"}
        usual["SESSION_COOKIE_SECURE"] = "true" if tls else "false"
        self.gunicorn = Gunicorn(REDIS_URL=redis.url, **(usual | settings))
        origins = parse_origins(settings.get("EMBED_ORIGINS", ""))
        self.nginx = Nginx(self.gunicorn.port, tls=tls, origins=origins)
        self.url = self.nginx.url

    def __enter__(self) -> Self:
        self.gunicorn.start()
        self.nginx.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.nginx.close()
        self.gunicorn.close()
