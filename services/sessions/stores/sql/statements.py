"""What the SQL engine says to SQLite, each statement once for all calls.

SQLAlchemy takes several times longer to build a statement than SQLite to run it. What differs
from call to call are parameters: `now`, in milliseconds since 1970; `its_...`, the columns of the
record at hand; `expected`, the version that it replaces; `identity`, how the body of the same
session and owner begins; `index`, the key of one, and `before`, an instant; `old_version` and
`old_body` of what must still be stored. None is named like a column, because SQLAlchemy would set
that column to it.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from ..base import QUARANTINE_SUFFIX, Condition
from .table import sessions

EXPIRED_AT_ONCE = 500
"""Expired rows that one statement of a clean-up removes, so that others get to write between."""
EXPIRED_PER_CREATION = 8
"""Expired rows removed with every new one, so that the table stays bounded without a job."""

_c = sessions.c
_now = sa.bindparam("now", type_=_c.expires_at.type)
_its = {
    name: sa.bindparam(f"its_{name}", type_=_c[name].type)
    for name in (
        "key",
        "version",
        "body",
        "expires_at",
        "member",
        "keyspace_index",
        "owner_index",
        "written_at",
        "idle_index",
        "active_at",
    )
}
_contents = {name: its for name, its in _its.items() if name != "key"}

_named = _c.key == _its["key"]
_expired = _c.expires_at <= _now
_lives = _c.expires_at > _now
_is_it = sa.and_(_c.version == _its["version"], _c.body == _its["body"])
_is_old = sa.and_(_c.version == sa.bindparam("old_version"), _c.body == sa.bindparam("old_body"))
# Living documents, without those in quarantine.
_handed_out = sa.and_(sa.func.substr(_c.key, -len(QUARANTINE_SUFFIX)) != QUARANTINE_SUFFIX, _lives)
_identity = sa.bindparam("identity", type_=_c.body.type)
_same_owner = sa.and_(
    sa.func.length(_identity) > 0,
    sa.func.substr(_c.body, 1, sa.func.length(_identity)) == _identity,
)
_index = sa.bindparam("index", type_=_c.keyspace_index.type)
_indexed = sa.and_(
    sa.or_(_c.keyspace_index == _index, _c.owner_index == _index), sa.not_(_c.deleted), _lives
)
_record: sa.Select[Any] = sa.select(
    _c.key,
    _c.version,
    _c.body,
    _c.expires_at,
    _c.member,
    _c.deleted,
    _c.idle_index,
    _c.active_at,
    _c.keyspace_index,
    _c.owner_index,
)


def _upsert(where: Any = None, **changes: Any) -> Any:
    """Write a row, over the stored one where that is allowed."""
    new = insert(sessions).values(_its)
    contents = {name: new.excluded[name] for name in _contents} | changes
    return new.on_conflict_do_update(index_elements=["key"], set_=contents, where=where)


_raised = sa.func.max(_c.version + 1, _its["version"])
_raised_if_lives = sa.case((_expired, _its["version"]), else_=_raised)
_change = sa.update(sessions).where(_named, _lives).values(_contents)
WRITES = {
    condition: write.returning(_c.version)
    for condition, write in {
        Condition.ABSENT: _upsert(_expired),
        Condition.OLDER: _upsert(sa.or_(_expired, _c.version < _its["version"])),
        Condition.ANY: _upsert(version=_raised_if_lives),
        Condition.OWNED: _upsert(sa.or_(_expired, _same_owner), version=_raised_if_lives),
        Condition.MIRROR: _upsert(
            sa.or_(
                _expired,
                sa.and_(_c.version < _its["version"], sa.or_(_c.deleted, _same_owner)),
            )
        ),
        Condition.IDLE: _change.where(
            sa.func.coalesce(_c.active_at, 0) <= _its["active_at"]
        ).values(version=_raised),
        Condition.UNCHANGED: _change.where(_c.version == sa.bindparam("expected")),
    }.items()
}
"""The one statement of a conditional write; it answers the stored version or nothing."""
STORED = sa.select(_c.version, _is_it).where(_named, _lives)
"""Which version is stored, and whether it is this very document."""
INSTALL = _upsert()
"""Keep a record, whatever is there."""
SWAP = _change.where(_is_old)
"""Put a record in the place of exactly the old document."""
EXTEND = (
    sa.update(sessions)
    .where(_named, _lives)
    .values(
        expires_at=sa.func.max(_c.expires_at, _its["expires_at"]),
        active_at=sa.func.max(_c.active_at, _its["active_at"]),
    )
)
"""Let a document live longer."""
QUARANTINE = (
    sa.update(sessions)
    .prefix_with("OR REPLACE")
    .where(_named, _lives, _is_old)
    .values(
        key=sa.bindparam("quarantine_key"),
        expires_at=sa.bindparam("keep_until"),
        keyspace_index=None,
        owner_index=sa.case(
            (_c.owner_index.in_(sa.bindparam("left", expanding=True)), None), else_=_c.owner_index
        ),
        idle_index=None,
    )
)
"""Move exactly the old value to the key `quarantine_key`, for until `keep_until`, out of the
indexes that are `left`."""
DELETE = sa.delete(sessions).where(_named, _lives)
"""Remove what is under a key."""
QUARANTINED = sa.select(_c.body).where(_c.key == _its["key"] + QUARANTINE_SUFFIX)
"""What is in quarantine under a key."""
DELETE_QUARANTINED = sa.delete(sessions).where(_c.key == _its["key"] + QUARANTINE_SUFFIX)
"""Remove it."""
FORGET = sa.delete(sessions).where(_named, _is_it)
"""Remove a document where it is still exactly this one."""
REMOVE_EXPIRED = sa.delete(sessions).where(_named, _expired)
"""Remove what is under a key if it has expired."""
_some_expired = sa.select(_c.key).where(_expired).limit(EXPIRED_PER_CREATION)
DROP_EXPIRED = sa.delete(sessions).where(_c.key.in_(_some_expired.scalar_subquery()))
"""Remove a few of all that have expired."""
_expired_in = (
    sa.select(_c.key)
    .where(_expired, sa.or_(_c.keyspace_index == _index, _c.owner_index == _index))
    .limit(EXPIRED_AT_ONCE)
)
TRIM = sa.delete(sessions).where(_c.key.in_(_expired_in.scalar_subquery()))
"""Remove some of what has expired in an `index`."""

# The expiry comes along: an expired row that is met is removed.
VALUE = sa.select(_c.version, _c.body, _c.expires_at).where(_named)
VALUES = sa.select(_c.key, _c.version, _c.body).where(
    _c.key.in_(sa.bindparam("keys", expanding=True)), _lives
)
"""What is stored under many `keys`."""
_length = sa.bindparam("length", type_=sa.Integer)
_landmark = sa.bindparam("landmark", type_=_c.body.type)
_before = sa.bindparam("before_it", type_=sa.Integer)
_head = sa.func.substr(_c.body, 1, _length)
_UPDATED, _DIGITS = b',"updated_at":', 13
"""What stands in front of that member's value, and its digits until the year 2286."""
_updated = sa.func.substr(
    _head, sa.func.instr(_head, sa.literal(_UPDATED)) + len(_UPDATED), _DIGITS
)
_entry = sa.literal(',"list_entry":{"at":').concat(sa.cast(_updated, sa.Text)).concat(",")
_is_listed = sa.func.instr(_head, sa.cast(_entry, sa.LargeBinary)) > 0
_place = sa.func.instr(_c.body, _landmark)
EXTRACTS = sa.select(
    _c.key,
    _c.version,
    _head.label("head"),
    sa.case(
        (sa.or_(sa.func.length(_landmark) == 0, _is_listed, _place == 0), b""),
        else_=sa.func.substr(
            _c.body, sa.func.max(1, _place - _before), sa.func.min(_before, _place - 1)
        ),
    ).label("passage"),
).where(_c.key.in_(sa.bindparam("keys", expanding=True)), _lives)
"""The first bytes (`length`) of many `keys`, and those in front of a `landmark` (`before_it`)."""
ENDS = sa.select(_c.expires_at).where(_named)
COPY = _record.where(_named)
"""The columns of a whole record."""
KEYS = sa.select(_c.key).where(_handed_out)
"""The keys of all documents."""
WAITING = _record.where(_handed_out).order_by(_c.deleted.desc(), _c.written_at)
"""Whole records: tombstones first, then those that were written first."""
BACKLOG = sa.select(sa.func.count(), sa.func.min(_c.written_at)).where(_handed_out)
"""How many documents there are, and when the first was written."""
COUNT = sa.select(sa.func.count()).where(_indexed)
"""How many stand in an `index`."""
MEMBERS = (
    sa.select(_c.member)
    .where(_indexed)
    .order_by(_c.expires_at.desc(), _c.member.desc())
    .offset(sa.bindparam("start"))
    .limit(sa.bindparam("limit"))
)
"""The names in an `index`, so many (`limit`) from this place on (`start`)."""
IDLE = (
    sa.select(_c.member)
    .where(
        _c.idle_index == sa.bindparam("index", type_=_c.idle_index.type),
        _c.active_at <= sa.bindparam("before", type_=_c.active_at.type),
        sa.not_(_c.deleted),
    )
    .order_by(_c.active_at, _c.member)
    .limit(sa.bindparam("limit"))
)
"""The names in an `index` by last use that were not used after `before`, so many (`limit`)."""
PING = sa.select(_c.key).limit(1)
"""A sign of life: the table can be read."""
