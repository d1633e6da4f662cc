"""Origins of web pages, as browsers send them: scheme, host, and any unusual port."""

import ipaddress
import re

DEFAULT_PORTS = {"http": 80, "https": 443}
"""Ports that a browser leaves out."""
HIGHEST_PORT = 65_535

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


def parse_origins(text: str) -> frozenset[str]:
    """The origins in a comma-separated list, each as a browser sends it.

    Raises:
        ValueError: an entry is not an exact origin; the message is a sentence that names it.
    """
    pieces = [piece.strip() for piece in text.split(",")]
    found = {piece: _normalize(piece) for piece in pieces if piece}
    wrong = [piece for piece, origin in found.items() if origin is None]
    if wrong:
        named = ", ".join(map(repr, wrong))
        raise ValueError(f"Not an exact origin such as https://shop.example: {named}.")
    return frozenset(filter(None, found.values()))


def _normalize(piece: str) -> str | None:
    """An entry of the list as a browser sends it; None if it is not an origin."""
    # Some letters outside ASCII become ASCII letters in lower case, such as the Kelvin sign.
    found = _ORIGIN.fullmatch(piece.lower()) if piece.isascii() else None
    if not found:
        return None
    scheme, host, port = found["scheme"], found["host"], found["port"]
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    if port is None:
        return f"{scheme}://{host}"
    number = int(port)
    if not 1 <= number <= HIGHEST_PORT:
        return None
    return f"{scheme}://{host}" + (f":{number}" if number != DEFAULT_PORTS[scheme] else "")
