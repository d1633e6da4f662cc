"""Splits what people type into words, numbers and the few signs that have a meaning."""

import re
import unicodedata

LONGEST = 4_000
"""Characters that are read; what lies behind them is ignored."""

_LONGEST_NUMBER = 15  # digits and signs; no product description needs longer numbers

_TOKEN = re.compile(
    r"[^\W\d_]+(?:'[^\W\d_]+)*"
    r"|[2-5]g(?![^\W_])"  # generations of mobile networks
    r"|\d+(?:[.,]\d+)*"
    r"|(?<=\d)\s?[-\u2010-\u2015/\u00d7]\s?(?=\d)"  # ranges, fractions and products of numbers
    r"|\s[-\u2010-\u2015]+\s"
    r"""|''|\u2032\u2032|["\u201d~\u2248\u2393=.,;:!?()\n&+]"""
)
_PLURAL_GROUPS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:\.\d{3}){2,}")
_SIGNS = {"''": '"', "\u2032\u2032": '"', "\u201d": '"', "\u00d7": "x"}
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015"


def split_tokens(text: str) -> list[str]:
    """Split a text into lower-case tokens; hyphens inside words separate them.

    Between two numbers "-", "/" and "x" are kept, a dash between words is "-" as well, and a
    possessive "'s" is dropped. Never raises, whatever the text.
    """
    text = text[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")[:LONGEST]
    text = text.casefold()
    if "w/" in text:
        text = text.replace("w/o ", "without ").replace("w/ ", "with ")
    found = _TOKEN.findall(text)
    return [token if token.isalnum() else _normalise(token) for token in found]


def _normalise(token: str) -> str:
    if token.endswith("'s"):
        return token[:-2]
    sign = token.strip()
    if not sign:
        return "."
    return "-" if sign[0] in _DASHES else _SIGNS.get(sign, sign)


def read_number(token: str) -> float | int | None:
    """Read a number with a decimal point or comma; None when it is none or far too long.

    "1,500" and "1.000.000" are whole numbers with separated thousands, "1,5" is one and a half.
    """
    if len(token) > _LONGEST_NUMBER or not token[:1].isdigit():
        return None
    if token.isdecimal():
        return int(token)
    if _PLURAL_GROUPS.fullmatch(token):
        token = token.replace(",", "") if "," in token else token.replace(".", "")
    try:
        value = float(token.replace(",", "."))
    except ValueError:
        return None
    return int(value) if value.is_integer() else value
