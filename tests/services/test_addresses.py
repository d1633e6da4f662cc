"""Addresses of clients: however one is written, it counts as one."""

import pytest

from services.addresses import UNREADABLE, identify_client, parse_address


@pytest.mark.parametrize(
    "text",
    [
        *("203.0.113.7", "203.0.113.7:40000", "203.0.113.7:1", " 203.0.113.7 ", '"203.0.113.7:9"'),
        *("::ffff:203.0.113.7", "[::FFFF:203.0.113.7]:443", "::ffff:cb00:7107", "203.0.113.7:"),
        *("[::ffff:203.0.113.7]", "64:ff9b::203.0.113.7", "0:0:0:0:0:ffff:203.0.113.7"),
    ],
)
def test_an_ipv4_address_is_one_client(text: str) -> None:
    """With any port, and in the form of IPv6."""
    assert identify_client(text) == ("address", "203.0.113.7")
    assert str(parse_address(text)) == "203.0.113.7"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2001:db8::1",
            "[2001:db8::1]:443",
            "[2001:db8::1]",
            "[2001:DB8::1]:1",
            "2001:db8::1%eth0",
        ),
        *("2001:0db8:0000:0000:0000:0000:0000:0001", '"[2001:db8::1]"', "[2001:db8::1%1]:80"),
    ],
)
def test_an_ipv6_address_is_one_client_with_its_network(text: str) -> None:
    """A customer has 2^64 addresses; the network beside it is another customer's."""
    assert str(parse_address(text)) == "2001:db8::1"
    assert identify_client(text) == identify_client("2001:db8::ffff:1:2:3")
    assert identify_client(text) != identify_client("2001:db8:0:1::1")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.7.8",
            "203.0.113.256",
            "0x7f.1",
            "[::1",
        ),
        *("203.000.113.007", "203.0.113.7:port", "2001:db8::1::2", "[203.0.113.7]x", "a.example"),
        *("203.0.113.7;x", "\udcff", "x" * 10_000, "::" * 5000, "٢٠٣.0.113.7", "[]", "[]:1"),
    ],
)
def test_what_cannot_be_read_is_one_client_together(text: str) -> None:
    """Else each spelling would be another client to whoever makes them up."""
    assert parse_address(text) is None
    assert identify_client(text) == UNREADABLE
