"""Clients' addresses in one form, so that whoever is counted by one is counted once.

Proxies write an address with a port or without, in brackets or quotes, and IPv4 as IPv6.
"""

import ipaddress
import re
from collections.abc import Sequence

CUSTOMER_BITS = 64
"""The bits of an IPv6 address that the provider assigns; the rest is the customer's (RFC 6177)."""
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones (RFC 6052)."""
UNREADABLE = ("unreadable",)
"""All clients whose address cannot be read, as one."""

_IPV4 = re.compile(r"(?P<host>[0-9.]+)(?::[0-9]*)?")
_IPV6 = re.compile(r"(?P<host>[0-9a-fA-F:.]+)(?:%[^\]]*)?")
_BRACKETS = re.compile(r"\[(?P<host>[0-9a-fA-F:.]+)(?:%[^\]]*)?\](?::[0-9]*)?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """The address in what a proxy or a server says of a client; None if there is none.

    A port and an interface are left out; IPv4 in the form of IPv6 is IPv4.
    """
    stripped = text.strip().strip('"').strip()
    for form in (_IPV4, _BRACKETS, _IPV6):
        if found := form.fullmatch(stripped):
            break
    else:
        return None
    try:
        address = ipaddress.ip_address(found["host"])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def identify_client(text: str) -> Sequence[str]:
    """What counts as one client: an IPv4 address, or an IPv6 network, as it has so many addresses.

    The strings are part of the names under which counters are stored.
    """
    address = parse_address(text)
    if address is None:
        return UNREADABLE
    if isinstance(address, ipaddress.IPv4Address):
        return ("address", str(address))
    return ("network", str(int(address) >> (128 - CUSTOMER_BITS)))
