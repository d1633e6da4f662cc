"""Schemas of the operators' overview, for the description of the API."""

from functools import partial

from marshmallow import Schema, fields, validate

from routes import responses
from services.sessions.migration.stages import Stage

_text = partial(fields.String, required=True)
_flag = partial(fields.Boolean, required=True)
_count = partial(fields.Integer, required=True, validate=validate.Range(min=0), strict=True)
_stage = partial(_text, validate=validate.OneOf([*Stage]))
_texts = partial(fields.List, fields.String(), required=True)


class Progress(Schema):
    """How far a requested task is."""

    number = _count(metadata={"description": "The number of the request; 0 when there was none."})
    done = _count()
    total = _count()


class WorkerReport(Schema):
    """The last report of a worker."""

    host = _text(metadata={"description": "By number, in the order of their names."})
    pid = _count()
    release = _text(metadata={"description": "Empty for one that does not say."})
    stage = _text()
    cohort = _count()
    pinned = _flag()
    sessions = _count(metadata={"description": "Entries in its dict."})
    unsent = _count()
    spilled = _count(metadata={"description": "Of its host."})
    mismatches = _count(metadata={"description": "In the last minute."})
    compared = _count()
    lag = _count()
    backfill = fields.Nested(Progress, required=True)
    comparison = fields.Nested(Progress, required=True)
    fault = _text(metadata={"description": "Why it does not follow; empty when it does."})
    age_seconds = fields.Float(required=True, metadata={"description": "Of this report."})
    follows = _flag(metadata={"description": "Whether it serves the requested stage."})


class Migration(Schema):
    """The requested stage, and how far the workers of every host are."""

    begun = _flag()
    stage = _text(allow_none=True, metadata={"description": "Null if it is unknown here."})
    cohort = _count()
    changed_at = _text(allow_none=True, metadata={"format": "date-time"})
    next = _text(allow_none=True, metadata={"description": "The stage that comes next."})
    hindrances = _texts(metadata={"description": "Why the next step may not be taken."})
    settled = _flag(metadata={"description": "Whether every worker serves the requested stage."})
    backfill = fields.Nested(Progress, required=True)
    workers = fields.List(fields.Nested(WorkerReport), required=True)


class Copies(Schema):
    """How many second copies were compared, and the results."""

    compared = _count()
    lag = _count()
    mismatched = _count()


class Classes(Schema):
    """How many answers began within each bound, and at the end all of them."""

    bounds = fields.List(fields.Float(), required=True, metadata={"description": "Seconds."})
    counts = fields.List(fields.Integer(), required=True)


class Overview(Schema):
    """Everything to watch; counts are those of all processes of this gunicorn and only grow."""

    at = _count(metadata={"description": "Milliseconds since 1970."})
    stage = _stage(metadata={"description": "What the process that answers serves."})
    cohort = _count()
    pinned = _flag()
    engine = _text(metadata={"description": "Which one decides."})
    reads = _texts(metadata={"description": "In the order in which they are read."})
    writes = _texts(metadata={"description": "In the order in which they are written."})
    warnings = _texts()
    degraded = _flag(metadata={"description": "Whether a breaker of any process is not closed."})
    breaker = fields.Nested(responses.Breaker, required=True)
    spill = fields.Nested(responses.SpillState, required=True, allow_none=True)
    unsent = _count()
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How many of each status."},
    )
    seconds = fields.Nested(Classes, required=True)
    copies = fields.Nested(Copies, required=True)
    migration = fields.Nested(Migration, required=True, allow_none=True)
    sessions = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        allow_none=True,
        metadata={"description": "How many there are of each kind."},
    )
    unasked = _texts(
        metadata={"description": "The members that are null because the engine is away."}
    )
