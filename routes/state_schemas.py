"""Schemas of a front end's saved state; members that are not known here are kept unchanged."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from routes.faults import check_members
from routes.schemas import Body, Id


def _check_amount(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValidationError("Please send a number of 0 or more.")


def _check_moment(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValidationError("Please send a text or a number.")


class Amount(fields.Raw):
    """A quantity of 0 or more."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "number", "minimum": 0}
        super().__init__(validate=_check_amount, metadata=metadata, **kwargs)


class Moment(fields.Raw):
    """A point in time, as text or as a number."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": ["string", "number"]}
        super().__init__(validate=_check_moment, metadata=metadata, **kwargs)


class Kept(Schema):
    """An object of a front end, of which only some members are known here."""

    class Meta:
        """Other members are up to the front end."""

        unknown = INCLUDE

    error_messages = {"type": "Please send an object."}  # noqa: RUF012 - as in Body


class StateMessage(Kept):
    """A message as a front end shows it."""

    id = fields.String(required=True)
    role = fields.String(required=True)
    content = fields.String(required=True)
    timestamp = Moment()


class StateMetrics(Kept):
    """What an agent has consumed."""

    tokens = Amount()
    cost = Amount()
    latency = Amount()


class StateAgent(Kept):
    """An agent as its card shows it."""

    status = fields.String(required=True)
    model = fields.String()
    metrics = fields.Nested(StateMetrics)


class StateLogEntry(Kept):
    """A line of a front end's log."""

    timestamp = Moment()
    agent = fields.String()
    event = fields.String(required=True)
    details = fields.Raw(allow_none=True)


class StateData(Kept):
    """What a front end of several agents needs to show itself again."""

    messages = fields.List(fields.Nested(StateMessage))
    agents = fields.Dict(keys=fields.String(), values=fields.Nested(StateAgent))
    logs = fields.List(fields.Nested(StateLogEntry))
    last_updated = Moment()


class Unconverted(fields.Nested):
    """An object that is checked and returned as it is: it may be large, and is stored whole."""

    def _deserialize(self, value: Any, *_: Any, **_more: Any) -> Any:
        check_members(self, value)
        return value


class StateBody(Body):
    """A front end's state, and the id it is saved under."""

    length_setting = "MAX_STATE_LENGTH"

    session_id = Id(required=True)
    data = Unconverted(StateData, required=True)
