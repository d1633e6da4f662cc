"""Names that are made to be taken for other names: what people send who want somebody else's."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Triple = tuple[str, str, str]
"""Tenant, user and session of a context."""

SEPARATORS = (":", "%3a", "%3A", "%253a", ":user:", ":session:", "/", "..", "\\", " ", "+", "")
LOOK_ALIKES = (
    *("a", "A", "\u0430", "\uff41", "\u00e4", "a\u0308", "\u0061\u200b", "\ufeffa"),
    *("K", "\u212a", "k", "\u017f", "s", "\u00df", "ss", "I", "\u0131", "i"),
)
"""The same letter to an eye, to a font, to Unicode's normal forms or without regard to case."""
PATTERNS = ("*", "?", "[a-z]", "{x}", "{", "}", "%", "%%", "%s", "%00", "_", "'", '"', ";", "--")
"""What means more than itself to Redis, to its Cluster, to SQL, to a URL or to a format."""
JSON_ENDS = ('","created_at":', '","owner":null', '","session_id":"a', "\\u0000")
UNPRINTABLE = ("\x00", "a\x00", "\x00a", "\x1f", "\x7f", "\x85", "\n", "\r\n")
BROKEN = ("\ud800", "a\udfff", "\udc80a")
"""Halves of a character, which are no Unicode text."""
LONG = "a" * 10_240

_pieces = st.sampled_from((*SEPARATORS, *LOOK_ALIKES, *PATTERNS, *JSON_ENDS))
_joined = st.lists(_pieces, min_size=1, max_size=4).map("".join)
texts = st.one_of(_joined, _joined, st.sampled_from((*UNPRINTABLE, *BROKEN, LONG, "")))
"""Anything somebody may send in the place of a name."""
names = st.one_of(st.sampled_from((*LOOK_ALIKES, *PATTERNS)), _joined).filter(
    lambda text: bool(text.strip())
)
"""Those that are good names: not blank, of characters that can be seen or at least sent."""

_LIKE: tuple[tuple[Triple, ...], ...] = (
    (("a:b", "c", "s"), ("a", "b:c", "s"), ("a", "b", "c:s")),
    (("a", "b", "c"), ("a:user:b", "c", "c"), ("a", "b:session:c", "c")),
    (("a%3Ab", "c", "s"), ("a:b", "c", "s"), ("a%253Ab", "c", "s")),
    (("a", "b", "c:corrupt"), ("a", "b", "c"), ("a", "b:session:c", "corrupt")),
    (("*", "*", "*"), ("a", "b", "c"), ("?", "b", "c")),
    (("{a}", "b", "c"), ("a", "b", "c"), ("{a}", "b", "{c}")),
    (("..", "a", "b"), (".", "a", "b"), ("../..", "a", "b")),
)
triples = st.one_of(
    st.sampled_from(_LIKE).map(list),
    st.lists(st.tuples(texts, texts, texts), min_size=2, max_size=3, unique=True),
    st.lists(st.tuples(names, names, names), min_size=2, max_size=3, unique=True),
)
"""Two or three different contexts that something might take for one."""


def bounded(examples: int) -> settings:
    """So many examples, the same ones every time; an engine is kept from one to the next."""
    options: dict[str, Any] = {
        "max_examples": examples,
        "derandomize": True,
        "database": None,
        "deadline": None,
        "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    }
    return settings(**options)
