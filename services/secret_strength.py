"""Whether a secret in the settings can be guessed, and lists of earlier secrets."""

import re

import msgspec

SECRET_LENGTH = 16
"""The shortest secret, in characters."""
FEWEST_PARTS = 11
"""The fewest parts of a secret. Sixteen random hexadecimal digits have about 15."""
SHORTEST_PATTERN = 3
"""Characters that make a repetition or a row; shorter ones occur by chance."""
ROWS = tuple(
    direction
    for row in (
        *("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop"),
        *("asdfghjkl", "zxcvbnm", "yxcvbnm"),
    )
    for direction in (row, row[::-1])
)
WORDS = (
    *("password", "passwort", "secret", "changeme", "change", "replace", "please", "insert"),
    *("default", "example", "sample", "random", "string", "token", "admin", "letmein", "welcome"),
    *("production", "development", "deployment", "application", "teaser", "chat", "session"),
    *("cookie", "flask", "redis", "test", "here", "your", "this", "with", "key", "not", "must"),
)
"""Words that stand in documents where a secret belongs."""
MOST_LOOKED_AT = 256
"""Characters of a secret that are looked at; so many are ample if they are any good."""
_COMMAND = re.compile(r"\$\(|token_hex|openssl")
_RUN = re.compile(r"(.)\1+", re.DOTALL)
_WORD = re.compile("|".join(_RUN.sub(r"\1", word) for word in sorted(WORDS, key=len, reverse=True)))


def check_secret(text: str, *, length: int = SECRET_LENGTH) -> None:
    """Check that a text can be a secret.

    Args:
        text: the text; it is never part of an error.
        length: how many characters it has at least.

    Raises:
        ValueError: it is too short, has control characters or broken Unicode, or has so few parts
            that it can be guessed.
    """
    stripped = text.strip()
    if not all(map(str.isprintable, stripped)):
        raise ValueError("It has characters that cannot be printed.")
    if len(stripped) < length:
        raise ValueError("It is too short.")
    if _COMMAND.search(stripped):
        raise ValueError("It is a command, not what the command prints.")
    if count_parts(stripped[:MOST_LOOKED_AT]) < FEWEST_PARTS:
        raise ValueError("It can be guessed.")


def count_parts(text: str) -> int:
    """Of how many characters, rows, words and repetitions a text consists.

    A part is what somebody who guesses would have to choose: one character, or all characters that
    go on as the alphabet, the keyboard, a usual word or an earlier piece of the text does.
    """
    text = _RUN.sub(r"\1", text.lower())
    parts = at = 0
    while at < len(text):
        at += max(1, _measure_word(text, at), _measure_row(text, at), _measure_repeat(text, at))
        parts += 1
    return parts


def parse_secrets(text: str) -> tuple[str, ...]:
    """The secrets in a list with commas, or in a JSON list, where secrets may have commas.

    Raises:
        ValueError: it begins like a JSON list of texts and is none.
    """
    if not text.lstrip().startswith("["):
        return tuple(filter(None, (piece.strip() for piece in text.split(","))))
    try:
        return tuple(msgspec.json.decode(text, type=list[str]))
    except ValueError:
        raise ValueError("Separate them by commas, or use a JSON list of texts.") from None


def _measure_word(text: str, at: int) -> int:
    found = _WORD.match(text, at)
    return len(found[0]) if found else 0


def _measure_row(text: str, at: int) -> int:
    return max(_measure_longest(text, at, row) for row in ROWS)


def _measure_repeat(text: str, at: int) -> int:
    """The longest piece from here on that began earlier; it may overlap, as in `abcabcabc`."""
    size = 0
    while at + size < len(text) and text.find(text[at : at + size + 1], 0, at + size) >= 0:
        size += 1
    return size if size >= SHORTEST_PATTERN else 0


def _measure_longest(text: str, at: int, row: str) -> int:
    """How many characters from here on stand in a row one after the other."""
    start = row.find(text[at])
    size = 0
    while start >= 0 and text[at + size : at + size + 1] == row[start + size : start + size + 1]:
        size += 1
        if start + size == len(row) or at + size == len(text):
            break
    return size if size >= SHORTEST_PATTERN else 0
