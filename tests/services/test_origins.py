"""Origins as browsers send them: exact ones only."""

import pytest

from services import origins


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" , ", set()),
        ("https://shop.example", {"https://shop.example"}),
        (" https://a.example , http://b.example,", {"https://a.example", "http://b.example"}),
        ("HTTPS://Shop.Example:8443", {"https://shop.example:8443"}),
        ("https://a.example:443,http://a.example:80", {"https://a.example", "http://a.example"}),
        ("http://a.example:443", {"http://a.example:443"}),
        ("http://localhost:03000", {"http://localhost:3000"}),
        (
            "http://127.0.0.1:3000,http://[0:0::1]:3000",
            {"http://127.0.0.1:3000", "http://[::1]:3000"},
        ),
        ("https://xn--bcher-kva.example", {"https://xn--bcher-kva.example"}),
    ],
)
def test_a_list_of_origins(text: str, expected: set[str]) -> None:
    """In the spelling that a browser has for them, however they were written."""
    assert origins.parse_origins(text) == expected


@pytest.mark.parametrize(
    "piece",
    [
        *("*", "null", "shop.example", "//shop.example", "https://", "https://*.example"),
        *("https://*", "https://shop.example/", "https://shop.example/path", "https://a.example?b"),
        *("https://a.example#b", "https://user@a.example", "https://a.example:", "ftp://a.example"),
        *("https://a.example:0", "https://a.example:65536", "https://a.example:x", "https://a..b"),
        *("https://.example", "https://a.example.", "https://b\u00fccher.example", "https://[::1"),
        *("https://[:::1]", "https://a b.example", "https://a.example https://b.example"),
        *("https://a.example\nhttps://b.example", "https://a_b.example", "file:///etc"),
        *("https://\u212a.example", "https://a.example:\u0664\u0664"),
    ],
)
def test_what_is_no_exact_origin_is_refused(piece: str) -> None:
    """And named, beside whatever is right."""
    with pytest.raises(ValueError, match="Not an exact origin") as refused:
        origins.parse_origins(f"https://shop.example,{piece}")
    assert repr(piece) in str(refused.value)
    assert "'https://shop.example'" not in str(refused.value)
