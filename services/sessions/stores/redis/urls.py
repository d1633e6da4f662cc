"""Tries a Redis URL without a connection: its parts, its options, and its files for TLS.

redis-py finds most errors only when it connects, some not at all, and what it raises may quote a
password. What is raised here never quotes a value.
"""

import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote_to_bytes, urlsplit

import redis
from redis.connection import SSLConnection

from ..base import StoreUrlError

HIGHEST_PORT = 65_535
HIGHEST_DATABASE = 2**31 - 1
LONGEST_SOCKET_PATH = 107
"""Bytes in the path of a Unix socket (unix(7))."""

_NUMBER = re.compile(r"[0-9]{1,10}")
_NAME = re.compile(r"[!-~]+")
_SWITCHES = ("true", "false", "yes", "no", "1", "0")
_REQUIREMENTS = ("none", "optional", "required")

Check = Callable[[str], bool]


def _is_number(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value)) and int(value) <= HIGHEST_DATABASE


def _is_switch(value: str) -> bool:
    return value.lower() in _SWITCHES


def _is_readable_file(value: str) -> bool:
    try:
        with Path(value).open("rb") as file:
            return bool(file.read(1))
    except (OSError, ValueError):
        return False


def _is_readable_folder(value: str) -> bool:
    return Path(value).is_dir() and os.access(value, os.R_OK | os.X_OK)


def _are_flags(value: str) -> bool:
    return all(flag.strip() in ssl.VerifyFlags.__members__ for flag in value.strip("[]").split(","))


def _is_anything(_value: str) -> bool:
    return True


OPTIONS: Mapping[str, tuple[Check, str]] = {
    "db": (_is_number, "a number"),
    "username": (_is_anything, ""),
    "password": (_is_anything, ""),
    "client_name": (lambda value: bool(_NAME.fullmatch(value)), "text without spaces"),
    "socket_read_size": (lambda value: _is_number(value) and int(value) > 0, "a positive number"),
}
"""The options of every Redis URL: a check of each, and what its value has to be."""
TLS_OPTIONS: Mapping[str, tuple[Check, str]] = {
    "ssl_cert_reqs": (lambda value: value in _REQUIREMENTS, "none, optional or required"),
    "ssl_check_hostname": (_is_switch, "true or false"),
    "ssl_ca_certs": (_is_readable_file, "a file that can be read"),
    "ssl_certfile": (_is_readable_file, "a file that can be read"),
    "ssl_keyfile": (_is_readable_file, "a file that can be read"),
    "ssl_ca_path": (_is_readable_folder, "a folder that can be read"),
    "ssl_ca_data": (_is_anything, ""),
    "ssl_password": (_is_anything, ""),
    "ssl_ciphers": (_is_anything, ""),
    "ssl_min_version": (lambda value: value in ("771", "772"), "771 (TLS 1.2) or 772 (TLS 1.3)"),
    "ssl_include_verify_flags": (_are_flags, "names such as VERIFY_X509_STRICT"),
    "ssl_exclude_verify_flags": (_are_flags, "names such as VERIFY_X509_STRICT"),
}
"""The same for rediss://."""


def check_url(url: str) -> None:
    """Find what is wrong with a redis://, rediss:// or unix:// URL, before redis-py has a look.

    Raises:
        StoreUrlError: its form, or one of its options.
    """
    try:
        url.encode()
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # UnicodeError is one
        raise StoreUrlError(
            "Host or port cannot be read; in a password, write / # ? @ : [ ] % as %2F and so on."
        ) from None
    if parts.fragment or url.endswith("#"):
        raise StoreUrlError("It has a #; in a password, write it as %23.")
    for part in (parts.username, parts.password, parts.hostname, parts.path):
        _decode(part or "")
    if parts.scheme == "unix":
        _check_socket(parts)
    else:
        _check_host(parts)
    options = _check_options(parts)
    _check_database(parts, options)


def check_connection(connection: object) -> None:
    """Try what a connection would need for TLS, as far as that goes without a server.

    Raises:
        StoreUrlError: its certificates, key or options cannot be used.
    """
    if not isinstance(connection, SSLConnection):
        return
    if connection.keyfile and not connection.certfile:
        raise StoreUrlError("ssl_keyfile needs ssl_certfile.")
    key = connection.keyfile or connection.certfile
    if key and not connection.certificate_password and b"ENCRYPTED" in Path(key).read_bytes():
        raise StoreUrlError("ssl_keyfile needs ssl_password.")  # OpenSSL would ask for it
    with socket.socket() as sock:
        try:
            connection._wrap_socket_with_ssl(sock).close()
        except (OSError, ValueError, TypeError, redis.RedisError):
            raise StoreUrlError(
                "TLS cannot be set up: certificate, key, password, ciphers or flags are not valid."
            ) from None


def _decode(text: str) -> str:
    """A part of the URL, decoded."""
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise StoreUrlError("What is encoded with % is no text in UTF-8.") from None
    if "\0" in decoded:
        raise StoreUrlError("It has a NUL character.")
    return decoded


def _check_socket(parts: SplitResult) -> None:
    if parts.hostname or not parts.path.strip("/"):
        raise StoreUrlError("Name the socket by its whole path, unix:///run/redis.sock.")
    if len(_decode(parts.path).encode()) > LONGEST_SOCKET_PATH:
        raise StoreUrlError(f"A socket's path has at most {LONGEST_SOCKET_PATH} bytes.")


def _check_host(parts: SplitResult) -> None:
    if parts.port is not None and not 0 < parts.port <= HIGHEST_PORT:
        raise StoreUrlError(f"A port is 1 to {HIGHEST_PORT}.")
    if parts.netloc.endswith(":"):
        raise StoreUrlError("The port is missing.")
    host = _decode(parts.hostname or "")
    try:
        host.encode("idna")  # as the system's resolver gets it
    except UnicodeError:
        raise StoreUrlError("The host is not a name or an address.") from None
    if host and not re.fullmatch(r"[\w.:%-]+", host):
        raise StoreUrlError("The host is not a name or an address.")


def _check_options(parts: SplitResult) -> dict[str, str]:
    known = {**OPTIONS, **TLS_OPTIONS} if parts.scheme == "rediss" else OPTIONS
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in TLS_OPTIONS and name not in known:
            raise StoreUrlError(f"{name} needs rediss://.")
        if name not in known:
            shown = name if re.fullmatch(r"[a-z_]{1,40}", name) else "an option of its"
            raise StoreUrlError(
                f"A Redis URL cannot set {shown}; it knows {', '.join(sorted(known))}."
            )
        if name in found:
            raise StoreUrlError(f"{name} is there twice.")
        check, kind = known[name]
        if not value or not check(value):
            raise StoreUrlError(f"{name} has to be {kind or 'given'}.")
        found[name] = value
    return found


def _check_database(parts: SplitResult, options: Mapping[str, str]) -> None:
    if parts.scheme == "unix" or parts.path in ("", "/"):
        return
    number = _decode(parts.path).removeprefix("/")
    if not _is_number(number):
        raise StoreUrlError("What follows the host is the database, a number such as /0.")
    if int(options.get("db", number)) != int(number):
        raise StoreUrlError("It names two databases.")
