"""Schemas of request bodies and query strings, and how they are checked."""

import re
import unicodedata
from typing import Any

from flask import current_app, request
from marshmallow import (
    EXCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    pre_load,
    validate,
    validates_schema,
)
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from routes.faults import keep_some_unknown
from services.conversation import interview
from services.errors import CorrectionRefused
from services.keyspaces import CONTEXT_TTL_LONGEST
from services.norms.facts import FACTS, Fact, Kind

MAX_TEXT = 4000
"""The longest message or question, in characters."""

MAX_NAME = 128
"""The longest id that a caller may choose freely, in characters."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What an address has instead of bytes that are not UTF-8."""
MAX_NESTING = 50
"""The deepest nesting of a body; a session's data may be twice as deep."""
MAX_PAGE = 200
"""The most entries of a list in one answer."""

Checked = dict[str, Any]
"""What a schema has loaded."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _check_not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("Please write something.")


_check_length = validate.Length(max=MAX_TEXT, error="Please use at most {max} characters.")


class Text(fields.String):
    """Text a person wrote, kept unchanged: not empty, not blank, not too long."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=True,
            validate=[_check_not_blank, _check_length],
            metadata={"minLength": 1, "pattern": r"\S"},  # the same rule, for the description
            **kwargs,
        )


class Id(fields.String):
    """A UUID in its usual spelling, loaded in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "uuid"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not isinstance(text, str) or not _UUID.fullmatch(text):
            raise ValidationError("Please send a UUID.")
        return text.lower()  # one spelling, so that one id is one key


class Seconds(fields.Integer):
    """A time in whole seconds; 60.0 is accepted, a string or a boolean is not."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
            raise self.make_error("invalid", input=value)
        return int(value)


class Body(Schema):
    """A body that has no other members than its own.

    Attributes:
        length_setting: names the application's setting for its length, if it holds a whole
            session instead of a message.
    """

    length_setting = ""

    class Meta:
        """Unknown members are refused, so that a misspelt one does not go unnoticed."""

        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow declares it as an instance's
        "unknown": "This field is not known here.",
        "type": "Please send an object.",
    }

    @pre_load
    def bound_unknown(self, given: Any, **_more: Any) -> Any:
        """Refuse no more unknown members than are counted; a body may have thousands."""
        return keep_some_unknown(given, self.fields) if type(given) is dict else given


class StartBody(Body):
    """The first words of a conversation."""

    initial_input = Text()
    client_message_id = Id()


class RespondBody(Body):
    """The next message of a conversation."""

    session_id = Id(required=True)
    message = Text()
    client_message_id = Id()


class SessionArgument(Body):
    """The conversation a request is about."""

    session_id = Id(required=True)


class CurrentBody(Body):
    """The conversation a browser shows from now on, or none."""

    session_id = Id(required=True, allow_none=True)


class AskBody(Body):
    """A question about the analysis."""

    session_id = Id(required=True)
    question = Text()
    client_message_id = Id()


def _build_correction(fact: Fact) -> fields.Raw:
    """A new value of a fact, as the description shows it; the interview checks it."""
    metadata: dict[str, Any] = {"type": ["boolean", "null"], "description": f"{fact.label}."}
    if fact.kind is Kind.NUMBER:
        metadata = {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": interview.HIGHEST_VALUES[fact.name],
            "description": f"{fact.label}, in {fact.unit}.",
        }
    if fact.kind is Kind.DATE:
        metadata |= {"type": ["string", "null"], "format": "date"}
    return fields.Raw(allow_none=True, metadata=metadata)


_corrections = {fact.name: _build_correction(fact) for fact in FACTS.values()}


class CorrectedFacts(Body.from_dict(_corrections)):  # type: ignore[misc] # made of the vocabulary
    """New values by the fact's name; null for what is not known."""

    @validates_schema
    def check(self, found: Checked, **_more: Any) -> None:
        """Refuse values that are impossible, or that contradict each other."""
        try:
            interview.read_corrections(found)
        except CorrectionRefused as refused:
            raise ValidationError(refused.to_messages()) from refused


class CorrectBody(Body):
    """Facts that were misunderstood."""

    session_id = Id(required=True)
    facts = fields.Nested(CorrectedFacts, required=True, metadata={"minProperties": 1})
    client_message_id = Id()


class ChatBody(Body):
    """A message to the one-endpoint chat; without a session id it opens a conversation."""

    message = Text()
    session_id = Id(allow_none=True)
    client_message_id = Id()


class Mapping(fields.Dict):
    """A mapping of anything; its members are not looked at one by one."""

    def _deserialize(self, value: Any, *_: Any, **_more: Any) -> Any:
        if type(value) is not dict:
            raise self.make_error("invalid")
        return value


class Entries(fields.List[Any]):
    """A list of anything; its entries are not looked at one by one."""

    def __init__(self) -> None:
        super().__init__(fields.Raw(allow_none=True))

    def _deserialize(self, value: Any, *_: Any, **_more: Any) -> Any:
        if type(value) is not list:
            raise self.make_error("invalid")
        return value


class ContextBody(Body):
    """The members of a context, or additions to them."""

    length_setting = "MAX_SESSION_LENGTH"

    conversation_state = Mapping(keys=fields.String())
    interrupted_queries = Entries()
    recent_interactions = Entries()
    user_preferences = Mapping(keys=fields.String())
    ttl = Seconds(
        validate=validate.Range(1, CONTEXT_TTL_LONGEST),
        metadata={
            "description": "Seconds it lives after each use; it overrides the tenant's setting."
        },
    )


class Page(Body):
    """Which part of a list to return."""

    start = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


def read_body(schema: Schema) -> Checked:
    """Read and check the request's JSON body.

    Raises:
        ValidationError: a member is missing or wrong.
        BadRequest, UnsupportedMediaType: it is not JSON, or not declared as JSON.
    """
    setting = getattr(schema, "length_setting", "")
    if setting:
        request.max_content_length = current_app.config[setting]
    if not request.is_json:
        raise UnsupportedMediaType  # before it is read
    _refuse_endless_bodies()
    found = request.get_json()
    _refuse_depth(found)
    loaded: Checked = schema.load(found)
    return loaded


def _refuse_depth(found: Any) -> None:
    """Refuse a body that is nested so deeply that some JSON decoders could not read it again.

    Raises:
        ValidationError: it is.
    """
    level: list[Any] = [found]  # without recursion, which a deep body would exhaust
    for _ in range(MAX_NESTING + 1):
        inside: list[Any] = []
        for one in level:
            if isinstance(one, dict | list):
                inside.extend(one.values() if isinstance(one, dict) else one)
        level = inside
        if not level:
            return
    raise ValidationError(f"Please nest members at most {MAX_NESTING} levels deep.")


def has_session_id() -> bool:
    """Whether the request's body names a session; it is unchecked and may be anything."""
    if not request.is_json:
        return False
    _refuse_endless_bodies()
    found = request.get_json(silent=True)
    return isinstance(found, dict) and bool(found.get("session_id"))


def _refuse_endless_bodies() -> None:
    """Refuse a body without a Content-Length that exceeds the limit; Werkzeug would truncate it.

    Raises:
        RequestEntityTooLarge: it is longer than MAX_CONTENT_LENGTH.
    """
    if request.content_length is not None:
        return
    limit = request.max_content_length
    if limit is not None:
        request.max_content_length = limit + 1  # one more, to see whether it exceeds the limit
        if len(request.get_data()) > limit:
            raise RequestEntityTooLarge


def read_query(schema: Schema) -> Checked:
    """Read and check the request's query string; unknown arguments are ignored.

    Raises:
        ValidationError: an argument is missing or wrong.
    """
    loaded: Checked = schema.load(request.args, unknown=EXCLUDE)
    return loaded


def parse_session_id(value: str) -> str:
    """Check a session id from the address.

    Raises:
        ValidationError: it is not a UUID.
    """
    loaded: dict[str, str] = _session_argument.load({"session_id": value})
    return loaded["session_id"]


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def parse_name(value: str) -> str:
    """Check an id from the address that its caller chose freely.

    Raises:
        ValidationError: it is too long, has control characters, or was not UTF-8.
    """
    # Every byte that is not UTF-8 becomes the same character, so two addresses could be one id.
    if REPLACEMENT in value or len(value) > MAX_NAME or any(_is_unprintable(one) for one in value):
        rule = f"Please use at most {MAX_NAME} characters, none of them a control character."
        raise ValidationError(rule, "session_id")
    return value


_session_argument = SessionArgument()
