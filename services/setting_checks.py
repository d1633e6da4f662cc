"""What the values of single settings may be; each check raises a ValidationError that says why.

No message quotes a value that may hold a secret.
"""

import functools
import re
from collections.abc import Callable

from marshmallow import ValidationError, validate

from services.secret_strength import check_secret
from services.sessions.request_budget import REQUEST_SECONDS
from services.sessions.stores import check_store
from services.tokens import AUDIENCE, open_tokens

DEVELOPMENT_SECRET = "for-development-only"  # noqa: S105 - refused unless DEBUG is on
DEVELOPMENT_AUTH_SECRET = "for-development-only-never-in-a-deployment"  # noqa: S105 - as above
SHORTEST_TIMEOUT = 0.01
LONGEST_TIMEOUT = REQUEST_SECONDS
"""One reply may take as long as a whole request may wait, and no longer."""

CHECK_NOT_BLANK = validate.Regexp(r"\s*\S", error="It must not be empty.")
CHECK_COMMIT = validate.Regexp(
    r"[A-Za-z0-9._-]{0,64}\Z", error="Use at most 64 letters, digits, `.`, `_` and `-`."
)
_HEADER_TEXT = re.compile(r"[!-~]*")


def build_check(
    parse: Callable[[str], object], sentence: str, *, empty: bool = False
) -> Callable[[str], None]:
    """A check that a value can be parsed; `{}` in the sentence is the error.

    Args:
        parse: raises ValueError for a wrong value.
        sentence: the message.
        empty: whether an empty value is parsed as well, and not accepted as it is.
    """

    def check(value: str) -> None:
        try:
            if value or empty:
                parse(value)
        except ValueError as error:
            raise ValidationError(sentence.format(error)) from None

    return check


def _open_secret(secret: str) -> object:
    return open_tokens(secret, None, audience=AUDIENCE, issuer=None)


def open_key_set(file: str) -> object:
    """Open a key set; a ValueError says why it cannot be used."""
    return open_tokens(None, file, audience=AUDIENCE, issuer=None)


def check_secret_key(value: str) -> None:
    """Refuse what others can know or guess."""
    if value == DEVELOPMENT_SECRET:
        raise ValidationError("It is not secret.")
    build_check(check_secret, "{}", empty=True)(value)


def check_auth_secret(value: str) -> None:
    """The same for bearer tokens, which need a longer secret."""
    if value == DEVELOPMENT_AUTH_SECRET:  # it is in the public source
        raise ValidationError("It is not secret.")
    build_check(_open_secret, "It cannot be used: {}.", empty=True)(value)
    build_check(check_secret, "{}")(value)


def check_ops_token(value: str) -> None:
    """The same for the operators' token, which a header has to carry."""
    if not _HEADER_TEXT.fullmatch(value):
        raise ValidationError("It has characters that a header cannot carry.")
    build_check(check_secret, "{}")(value)


def check_timeout(seconds: float) -> None:
    """Refuse what is not between the shortest and the longest, in seconds."""
    if not SHORTEST_TIMEOUT <= seconds <= LONGEST_TIMEOUT:  # nan is in no range
        raise ValidationError(f"Use {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT:g} seconds.")


def check_spill_url(url: str) -> None:
    """Refuse what is not on this host, or cannot be used."""
    if url and not url.startswith(("sqlite:///", "memory://")):
        raise ValidationError("A spill is on this host: use sqlite:///path or memory://.")
    check_url(url, is_spill=True)


def is_redis(url: str) -> bool:
    """Whether a URL names a Redis."""
    return url.startswith(("redis://", "rediss://", "unix://"))


def check_redis_url(url: str) -> None:
    """Refuse what names no Redis, or cannot be used."""
    if url and not is_redis(url):
        raise ValidationError("Use a redis://, rediss:// or unix:// URL.")
    check_url(url)


def check_url(url: str, *, is_spill: bool = False) -> None:
    """Refuse a URL that names no usable engine; nothing is connected or made yet."""
    if url:
        build_check(functools.partial(check_store, is_spill=is_spill), "{}")(url)
