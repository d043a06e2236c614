"""All kinds of checks, told apart by `check`."""

from typing import Annotated

from pydantic import Field

from platepost.simulator.scenario.checks.machine import BoardCheck, CameraCheck
from platepost.simulator.scenario.checks.proof import (
    BrokerCheck,
    ChainCheck,
    CustodyCheck,
    DeliveredCheck,
    LatencyCheck,
    TruthCheck,
)
from platepost.simulator.scenario.checks.records import (
    AuditCheck,
    DecisionsCheck,
    HitsCheck,
    ReadsCheck,
    WithdrawnCheck,
)
from platepost.simulator.scenario.checks.states import ClockCheck, ListCheck, StateCheck

Check = Annotated[
    ReadsCheck
    | HitsCheck
    | WithdrawnCheck
    | AuditCheck
    | DecisionsCheck
    | StateCheck
    | ListCheck
    | ClockCheck
    | ChainCheck
    | DeliveredCheck
    | CustodyCheck
    | TruthCheck
    | BrokerCheck
    | LatencyCheck
    | BoardCheck
    | CameraCheck,
    Field(discriminator="check"),
]
