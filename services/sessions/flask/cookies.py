"""The browser's signed cookie: its names, its signature, and until when it counts.

Where cookies need TLS the name has the prefix `__Host-`, which a browser takes from this very host
only, for all paths. So nothing that a subdomain or another path sets can take the cookie's place.
The name without the prefix was used by earlier releases. Their cookies still count; what is set
under it now is for them alone, should one of them serve this browser again.
"""

import base64
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

HOST_PREFIX = "__Host-"
SID_BYTES = 32
"""Random bytes in the id of a browser whose cookie has no prefix."""
HOST_SID_BYTES = SID_BYTES + 1
"""Random bytes in any other; by its length such an id is refused under the name without prefix."""
HOST_SID_LENGTH = (HOST_SID_BYTES * 4 + 2) // 3
"""The characters of such an id in base64 without padding."""
CLOCK_SKEW = 3600
"""Seconds by which the clocks of two hosts may differ."""
MOST_TRIED = 8
"""The most cookies of one name that are verified; a header may have thousands."""


class Signed(NamedTuple):
    """A cookie whose signature is right.

    Attributes:
        sid: the browser's id.
        age: seconds since it was issued.
        is_current: whether it would be signed in the same way now, and have the same name.
    """

    sid: str
    age: float
    is_current: bool


class Signer:
    """Signs and verifies cookies, each for one lifetime.

    Args:
        secrets: the first one signs; all of them verify.
        lifetime: seconds for which a cookie counts.
    """

    def __init__(self, secrets: Iterable[str], *, lifetime: float) -> None:
        self._keys = [
            hmac.digest(secret.encode(), b"browser cookie", "sha256") for secret in secrets
        ]
        self._lifetime = lifetime

    def sign(self, sid: str, now: float) -> str:
        """The cookie: the id, when it was issued (seconds since 1970), and a proof of both."""
        issued = f"{int(now):x}"
        return f"{sid}.{issued}.{_prove(self._keys[0], sid, issued)}"

    def verify(self, cookie: str, now: float) -> Signed | None:
        """What a cookie says; None if it is not one of ours, too old, or from the future."""
        sid, _, rest = cookie.partition(".")
        issued, _, proof = rest.partition(".")
        for key in self._keys:
            if hmac.compare_digest(_prove(key, sid, issued).encode(), proof.encode()):
                age = now - int(issued, 16)
                if not -CLOCK_SKEW <= age < self._lifetime:
                    return None
                return Signed(sid, age, key is self._keys[0])
        return None


def list_names(name: str, *, is_host_only: bool) -> tuple[str, ...]:
    """The names that a cookie is looked for under, and the only one or two it is set under."""
    return (f"{HOST_PREFIX}{name}", name) if is_host_only else (name,)


def list_names_to_set(names: Sequence[str], sid: str) -> Sequence[str]:
    """The names to set a cookie under: that of earlier releases only for an id refused there.

    An older id already has its cookie under that name. Were it renewed, somebody could go on
    planting it in the browsers of others.
    """
    return names if len(sid) == HOST_SID_LENGTH else names[:1]


def find_cookie(
    header: str, names: Sequence[str], signer: Signer, now: float
) -> tuple[bool, Signed | None]:
    """Whether a Cookie header has a cookie of these names, and the one that counts.

    A name counts only if no name before it is there. Of several cookies of one name the last valid
    one counts: browsers send those for longer paths, which are not ours, first.
    """
    for name in names:
        values = [value for value in _read_values(header, name) if value]
        if values:
            verified = (signer.verify(value, now) for value in values[: -MOST_TRIED - 1 : -1])
            found = filter(None, verified)
            if name != names[0]:
                found = filter(None, map(_accept_earlier, found))
            return True, next(found, None)
    return False, None


def _accept_earlier(signed: Signed) -> Signed | None:
    """A cookie of an earlier release, if it is one, so that it gets its present name."""
    return None if len(signed.sid) == HOST_SID_LENGTH else signed._replace(is_current=False)


def _read_values(header: str, name: str) -> Iterator[str]:
    """The values of a name, compared exactly.

    Other parsers strip every kind of space. A subdomain may set a cookie whose name begins with
    such a space, to which browsers do not apply the rules of the prefix.
    """
    for pair in header.split(";"):
        found, _, value = pair.strip(" \t").partition("=")
        if found == name:
            yield value


def _prove(key: bytes, sid: str, issued: str) -> str:
    mac = hmac.digest(key, f"{sid}.{issued}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
