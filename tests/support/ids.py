"""JSON values as ids: any of them, the same one written otherwise, and which are the same."""

from typing import Any

from hypothesis import strategies as st

NUMBERS = (
    st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 2.5, 1732999999.123])
    | st.sampled_from([2**53, 2**53 + 1, 2.0**53, 2**63, 2.0**63, 2**64 - 1, 2**64, 2.0**64])
    | st.sampled_from([-(2**63), -(2.0**63), -(2**63) - 1, 10**22, 1e22, 10**30, 1e30, 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
)
IDS = st.recursive(
    st.booleans() | NUMBERS | st.sampled_from(["", "0", "1", "1.0", "true", "null", "[1]"]),
    lambda inner: (
        st.lists(inner | st.none(), max_size=2)
        | st.dictionaries(st.sampled_from("ab"), inner | st.none(), max_size=2)
    ),
    max_leaves=4,
)
"""Everything that may be an id; few enough that two of them are often the same."""


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON: by kind, numbers by what they are worth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def respell(value: Any) -> Any:
    """The same value, numbers as the other kind where that is exact and members turned round."""
    if isinstance(value, dict):
        return {name: respell(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return [respell(entry) for entry in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**300:
        return value
    return float(value) if float(value) == value else value
