"""What all record types share: the frozen base model and the annotated types of their fields."""

import re
from copy import deepcopy
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)

Known = TypeVar("Known", bound=BaseModel)

DIGEST = re.compile(r"[0-9a-f]{64}")


def milliseconds(moment: datetime) -> datetime:
    """Return `moment` in UTC, cut to whole milliseconds: the resolution of every time on the wire."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def timestamp(moment: datetime) -> str:
    """Write an aware `moment` as RFC 3339, UTC, milliseconds: `2026-01-31T17:05:09.120Z`."""
    return milliseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


UtcTime = Annotated[
    AwareDatetime,
    AfterValidator(milliseconds),
    PlainSerializer(timestamp, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]
"""An instant: RFC 3339, UTC, milliseconds."""

Line = StringConstraints(
    pattern=r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$",
)
"""Text of one line without control characters and without marks that turn the direction of writing.

People read it in logs and on consoles. What reads its source back to front poses as something else.
"""

Identifier = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
"""A UUID of version 7: unique, and sortable by the time it was made."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, 64 lower-case hexadecimal digits."""

Thumbprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""RFC 7638 thumbprint of a key, SHA-256 in base64url: the `kid` of its signatures."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", max_length=64)]
"""A name for machines: lower-case words joined by underscores."""

PLATE_LENGTH = 24
PlateText = Annotated[str, StringConstraints(min_length=1, max_length=PLATE_LENGTH)]
"""Characters of a plate; which of the three plate strings it is, the field says."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share or probability between 0 and 1."""

Seconds = Annotated[float, Field(ge=0.0)]
"""A duration in seconds."""

Count = Annotated[int, Field(ge=0)]
"""A number of things."""


class WireModel(BaseModel):
    """A part of a record: immutable, every field known, absent rather than null when there is nothing to say."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        use_attribute_docstrings=False,
        defer_build=True,  # commands need few of them, and building all takes longer than many a command
    )

    def wire(self) -> dict[str, Any]:
        """Return what goes on the wire: JSON types only, fields without a value left out."""
        return self.model_dump(mode="json", exclude_none=True)


Outcome = Literal["success", "failure", "refused"]


def read_known(model: type[Known], value: Any) -> Known:
    """Validate what may come from newer software: members that this version does not know are left out.

    Raises:
        pydantic.ValidationError: what this version knows is missing or of the wrong form.

    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
        if not unknown:
            raise
    known = deepcopy(value)
    for *path, name in unknown:
        part = known
        for step in path:
            part = part[step]
        del part[name]
    return model.model_validate(known)
