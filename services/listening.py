"""The addresses gunicorn listens on, and whether only this machine reaches them."""

import ipaddress
import re
import socket
from pathlib import Path

HIGHEST_PORT = 65_535
LONGEST_SOCKET_PATH = 107
"""Bytes in the path of a Unix socket (unix(7))."""

_ADDRESS = re.compile(
    r"(?:tcp://)?(?P<host>\[[0-9A-Za-z:.%]+\]|[A-Za-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?"
)
_SOCKET = re.compile(r"unix:(?://)?(?P<path>.*)", re.DOTALL)
_DESCRIPTOR = re.compile(r"fd://[0-9]{1,9}")


def check_addresses(text: str) -> None:
    """Check a list of addresses with commas, each as gunicorn's `bind` takes it.

    Raises:
        ValueError: one of them is none; the message says what is wrong.
    """
    for address in text.split(","):
        _check_address(address.strip())


def are_local(text: str) -> bool:
    """Whether only this machine reaches all addresses in such a list."""
    return all(_is_local(address.strip()) for address in text.split(","))


def _check_address(address: str) -> None:
    if unix := _SOCKET.fullmatch(address):
        return _check_socket(Path(unix["path"]))
    if _DESCRIPTOR.fullmatch(address):
        return None
    found = _ADDRESS.fullmatch(address)
    # `8000` alone would be a host to gunicorn.
    if not found or (found["port"] is None and (found["host"] or "0").isdecimal()):
        raise ValueError(
            "Use host:port such as 127.0.0.1:8000, [::1]:8000, or unix:/run/teaser-chat.sock."
        )
    if int(found["port"] or 0) > HIGHEST_PORT:
        raise ValueError(f"A port is at most {HIGHEST_PORT}.")
    if found["host"].startswith("["):
        try:
            ipaddress.IPv6Address(found["host"][1:-1])
        except ValueError:
            raise ValueError("What is in brackets is no IPv6 address.") from None
    return None


def _check_socket(path: Path) -> None:
    if not path.name or len(bytes(path)) > LONGEST_SOCKET_PATH:
        raise ValueError(f"A socket's path has 1 to {LONGEST_SOCKET_PATH} bytes.")
    if not path.parent.is_dir():
        raise ValueError("The socket's folder does not exist.")
    if path.is_dir():
        raise ValueError("A folder is where the socket would be.")


def _is_local(address: str) -> bool:
    if _SOCKET.fullmatch(address):
        return True
    found = _ADDRESS.fullmatch(address)
    if not found:
        return False  # a descriptor may be anything
    host = found["host"].strip("[]").lower()
    if host == "localhost":
        return True
    try:
        # As the system reads it: 127.1 is 127.0.0.1.
        number = host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
        ip = ipaddress.ip_address(number)
    except (OSError, ValueError):
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
