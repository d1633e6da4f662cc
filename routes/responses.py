"""Schemas of responses, for the description of the API; nothing is serialised by them."""

from functools import partial
from typing import Any, get_args

from marshmallow import Schema, fields, validate

from services.conversation.analysis import Status
from services.conversation.interview import SOURCES
from services.conversation.questions import MOST_SUGGESTIONS
from services.conversation.questions import Step as Intent
from services.norms.facts import Kind
from services.sessions.migration.stages import Stage
from services.sessions.outage.breaker import State as BreakerState

TEXT = {"type": "string"}
"""A page, or anything else that is not JSON."""


def _text(description: str = "", **more: Any) -> fields.String:
    metadata = {"description": description} if description else {}
    return fields.String(required=True, metadata=metadata | more.pop("metadata", {}), **more)


def _one_of(*choices: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(choices))


_flag = partial(fields.Boolean, required=True)
_texts = partial(fields.List, fields.String(), required=True)
_id = partial(fields.String, required=True, metadata={"format": "uuid"})
_current = partial(_id, allow_none=True)
_time = partial(fields.String, required=True, metadata={"format": "date-time"})
_count = partial(fields.Integer, required=True, validate=validate.Range(min=0), strict=True)
_percent = partial(fields.Integer, required=True, validate=validate.Range(0, 100), strict=True)


class Error(Schema):
    """The body of every error."""

    error = _text("One sentence for a person.")
    code = _text("One stable word for a program.")
    request_id = _text("What to quote when asking for help.")
    errors = fields.Dict(
        keys=fields.String(), metadata={"description": "What is wrong, by the member at fault."}
    )
    more_errors = fields.Integer(
        validate=validate.Range(min=1),
        strict=True,
        metadata={"description": "How many more there are; they are counted up to a thousand."},
    )


_suggestions = partial(
    fields.List,
    fields.String(),
    validate=validate.Length(max=MOST_SUGGESTIONS),
    metadata={"description": "Short texts that may be sent next as they are."},
)


class Turn(Schema):
    """The answer to a message."""

    complete = _flag(metadata={"description": "Whether the analysis can be run."})
    message = _text()
    missing = _texts(metadata={"description": "What is still to be found out."})
    reasoning = fields.String(metadata={"description": "What was understood, once complete."})
    suggestions = _suggestions(required=True)


class Correction(Turn):
    """The answer to a correction."""

    correction = _text("The correction in words, as it stands in the history.")


class Start(Turn):
    """The answer to the first message."""

    session_id = _id()


class Deadline(Schema):
    """A date in the life of a norm."""

    date = _text(metadata={"format": "date"})
    what = _text()


class NormResult(Schema):
    """The result for one norm."""

    norm_id = _text()
    norm_name = _text()
    applies = _flag()
    status = _one_of(*get_args(Status))
    confidence = _percent()
    reasoning = _text()
    url = _text(metadata={"format": "uri"})
    kind = _one_of("regulation", "directive", "standard")
    summary = _text()
    note = _text()
    doubts = _texts()
    open_facts = _texts(metadata={"description": "What keeps it open."})
    deadlines = fields.List(fields.Nested(Deadline), required=True)


_norms = partial(fields.List, fields.Nested(NormResult))


class Analysis(Schema):
    """The results, of which `norms` are those that apply, best first."""

    product_description = _text()
    norms = _norms(required=True)
    total_norms = _count()
    all_norm_results = _norms(required=True, metadata={"description": "Every norm checked."})
    disclaimer = _text()


class FullAnalysis(Analysis):
    """The results, with what was searched."""

    databases_checked = _texts()


class Step(Schema):
    """A step of an analysis."""

    phase = _one_of("summary", "databases", "analyzing", "finalizing")
    status = _text("What happens now.")
    progress = _count(required=False, metadata={"description": "While analyzing."})
    total = _count(required=False, metadata={"description": "While analyzing."})


class LastStep(Analysis):
    """The last step of an analysis."""

    phase = _one_of("complete")


class BrokenStep(Schema):
    """The last step of an analysis that failed."""

    phase = _one_of("error")
    error = _text("One sentence for a person.")


STEPS = (Step, LastStep, BrokenStep)
EVENT = {
    "type": "object",
    "description": "One event of the stream, its fields by their names.",
    "required": ["id", "data"],
    "properties": {
        "id": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "oneOf": [{"$ref": f"#/components/schemas/{step.__name__}"} for step in STEPS]
            },
        },
    },
}
"""An event of an analysis; in OpenAPI 3.1 the schema of an event stream is that of each event."""


class ChatAnswer(Schema):
    """The answer to a message to the one-endpoint chat."""

    session_id = _id()
    intent = _one_of(*Intent)
    response = _text()
    success = _flag()
    suggestions = _suggestions(required=True)
    notice = fields.String(
        metadata={"description": "That the earlier conversation could not be read any more."}
    )


class QuestionAnswer(Schema):
    """The answer to a question about the analysis."""

    answer = _text()
    relevant_norms = _texts(metadata={"description": "Their ids."})
    confidence = _percent()
    proposed_description = fields.String(
        metadata={"description": "The product as the question would have it."}
    )
    suggestions = _suggestions(required=True)


class QuestionEntry(QuestionAnswer):
    """A question and its answer, as they are kept."""

    question = _text()
    timestamp = _time()
    id = _id()
    suggestions = _suggestions()


class Message(Schema):
    """One message; those of the assistant have the members of a turn's answer."""

    role = _one_of("user", "assistant")
    content = _text()
    id = _id()
    timestamp = _time()
    reply_to = fields.String(metadata={"format": "uuid"})
    complete = fields.Boolean()
    open_facts = fields.List(fields.String())
    reasoning = fields.String()
    intent = fields.String(validate=validate.OneOf(list(Intent)))
    notice = fields.String()
    suggestions = _suggestions()
    correction = fields.Dict(
        keys=fields.String(),
        metadata={"description": "The facts that a message of the user corrected."},
    )


class Fact(Schema):
    """A fact of the product, as it is understood."""

    name = _text("What to correct it by.")
    label = _text("What it is about; fits after “still to be known:”.")
    kind = _one_of(*Kind)
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={
            "type": ["boolean", "number", "string", "null"],
            "description": "A date is YYYY-MM-DD; null is what is not known.",
        },
    )
    words = _text("The value in a few words.")
    unit = _text("Of a number; empty for the others.")
    source = _one_of(*SOURCES)


class Conversation(Schema):
    """A conversation so far; after the analysis with its results."""

    session_id = _id()
    history = fields.List(fields.Nested(Message), required=True)
    started = _flag()
    complete = _flag()
    analyzed = _flag()
    missing = _texts()
    facts = fields.List(fields.Nested(Fact), required=True)
    suggestions = _suggestions(required=True)
    qa_history = fields.List(fields.Nested(QuestionEntry), required=True)
    product_description = fields.String()
    matched_norms = _norms()
    all_norm_results = _norms()
    disclaimer = fields.String()


class ConversationEntry(Schema):
    """A conversation in a list."""

    session_id = _id()
    title = _text("The first words of it.")
    started_at = _time()
    last_message_at = _time()
    complete = _flag()
    analyzed = _flag()


class Current(Schema):
    """Which conversation a browser shows."""

    current = _current()


class ConversationList(Current):
    """A browser's conversations, the one with the newest message first."""

    conversations = fields.List(fields.Nested(ConversationEntry), required=True)


class StoredEntry(Schema):
    """A conversation or a saved state as it is stored."""

    session_id = _id()
    created_at = _time()
    updated_at = _time()
    data = fields.Dict(keys=fields.String(), required=True)


class BrowserExport(Current):
    """Everything that is stored of a browser."""

    exported_at = _time()
    conversations = fields.List(fields.Nested(StoredEntry), required=True)
    states = fields.List(fields.Nested(StoredEntry), required=True)
    unreadable = _texts(metadata={"description": "Ids of what could not be read."})


class Deleted(Schema):
    """It does not exist, or no longer exists."""

    status = _one_of("deleted")


class Cleared(Deleted):
    """None of them exists any longer."""

    deleted = _count(metadata={"description": "How many were deleted now."})


class Done(Schema):
    """It is done."""

    success = _flag()
    message = _text()


class State(Schema):
    """A saved state."""

    session_id = _id()
    data = fields.Dict(keys=fields.String(), required=True)
    message = _text()


class ContextEntry(Schema):
    """A context in a list."""

    session_id = _text()
    user_id = _text()
    tenant_id = _text()
    stored_at = _time()
    last_updated = _time()
    ttl = _count(metadata={"description": "Seconds it lives after each use."})


class Timed(Schema):
    """A response that says how long it took."""

    response_time_ms = fields.Float(required=True)


class Context(ContextEntry, Timed):
    """A context."""

    conversation_state = fields.Dict(keys=fields.String(), required=True)
    interrupted_queries = fields.List(fields.Raw(), required=True)
    recent_interactions = fields.List(fields.Raw(), required=True)
    user_preferences = fields.Dict(keys=fields.String(), required=True)


class ContextList(Timed):
    """Contexts, the ones used last first."""

    sessions = fields.List(fields.Nested(ContextEntry), required=True)
    next_start = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The `start` of the next page; null after the last."},
    )


class ContextDeleted(Deleted, Timed):
    """The context does not exist, or no longer exists."""


class Health(Schema):
    """The process lives."""

    status = _one_of("ok")


class Breaker(Schema):
    """Whether the engine is used; each direction has its breaker."""

    read = _one_of(*BreakerState)
    write = _one_of(*BreakerState)


class SpillState(Schema):
    """What waits for the engine, or why that is unknown."""

    backlog = fields.Integer()
    age_seconds = fields.Float()
    unavailable = fields.String()


class Readiness(Schema):
    """Whether the process can serve, and from which engine."""

    status = _one_of("ready", "unavailable")
    release = _text("The version, with the commit where it is known.")
    stage = _one_of(*Stage)
    cohort = _percent()
    pinned = _flag(metadata={"description": "Whether SESSION_STAGE names the stage."})
    engine = _text("The engine that serves.")
    backlog = _count(metadata={"description": "Sessions that are not sent yet."})
    warnings = _texts()
    breaker = fields.Nested(Breaker, required=True)
    spill = fields.Nested(SpillState, required=True, allow_none=True)
    degraded = _flag()
    reason = fields.String(metadata={"description": "Why the engine could not be reached."})


READINESS = Readiness(partial=[name for name in Readiness._declared_fields if name != "status"])
"""Everybody is told the status, and only operators the rest."""
