"""What people decided about a hit: the payload of a custodian's signed statement, with neither plate nor name."""

from typing import Annotated, Literal

from pydantic import Field

from platepost.wire.records.base import Identifier, UtcTime, WireModel
from platepost.wire.records.receipt import ClientName

DECISION_TYPE = "platepost-decision+jws"
"""The JWS header's `typ`."""


class Decision(WireModel):
    """The payload of a decision: a compact JWS, ES256, by the custodian's own key."""

    agency: ClientName = Field(description="Whose hit it is.")
    post: ClientName = Field(description="The post that made the hit.")
    custodian: ClientName = Field(description="The sender: the common name of its certificate.")
    hit: Identifier = Field(description="Identifier of the hit.")
    number: Annotated[int, Field(ge=1, lt=2**31)] = Field(
        description="Of several decisions about one hit, the highest number counts. The same number is the same again."
    )
    time: UtcTime = Field(description="When it was decided, by the department's clock.")
    decision: Literal["rejected", "actionable", "closed", "withdrawn", "reopened"] = Field(
        description=(
            "`rejected`: it is none; `actionable`: confirmed by eye, and the state's system asked; `closed`: what came "
            "of it; `withdrawn`: not valid, whatever was decided before; `reopened`: the rejection was wrong, and "
            "nothing is decided."
        )
    )
    reason: Literal[
        "misread",
        "other_state",
        "other_vehicle",
        "illegible",
        "stale_entry",
        "active",
        "not_practical",
        "stop",
        "recovered",
        "arrest",
        "nothing",
        "wrong_person",
        "text_changed",
        "not_listed",
        "signature",
        "entry_removed",
        "wrong_rejection",
    ] = Field(
        description=(
            "Of a rejection, why. Of what is actionable, what the state's system shows: `active`, or `not_practical` "
            "to ask. Of what is closed, what came of it. Of what is withdrawn, why: the plate reads otherwise by now, "
            "the entry left the post's list, the hit's signature failed, the entry was removed or ended. Of what was "
            "reopened, always `wrong_rejection`."
        )
    )
