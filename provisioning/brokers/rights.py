"""Who may publish and subscribe to which topics: one table, from which every broker's ACL is generated.

Topics are MQTT filters below `alpr/v1/{agency}/`; `{name}` stands for the client's own name, the common name of its
certificate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from platepost.wire.records.hit import TEST_CATEGORY
from platepost.wire.records.topics import DECISIONS, KEYS, LEDGER, ROOT

Access = Literal["read", "write"]
OWN = "{name}"
CUSTODY_KEYS = f"{KEYS}/custody/+"
"""The statements about the keys of each custodian."""
COVERT = "covert"
"""Topic level below a post for hits of covert entries; the next level is the distribution group."""


class Party(StrEnum):
    """The role of a client."""

    POST = "post"
    """A camera unit."""
    SUBSCRIBER = "subscriber"
    """Receives hits, status, and health."""
    READER = "reader"
    """A subscriber who receives every record, for a stated reason, until a date: `provisioning.fleet.reads`."""
    CUSTODIAN = "custodian"
    """The department's archive service: sends posts receipts for what it stored, and publishes decisions and the head
    of its access log."""
    PUBLISHER = "publisher"
    """The department's own client, which publishes hot lists, configurations, and signed statements about new keys."""
    OPERATOR = "operator"
    """A person who sends commands to posts; the post decides by the role in the certificate what it executes."""


@dataclass(frozen=True, slots=True)
class Right:
    """One permission."""

    access: Access
    topic: str

    def filter(self, agency: str, name: str) -> str:
        """Return the full MQTT topic filter. `name` is the client's name or the broker's placeholder for it."""
        return f"{ROOT}/{agency}/{self.topic.replace(OWN, name)}"


def _rights(access: Access, *topics: str) -> tuple[Right, ...]:
    return tuple(Right(access, topic) for topic in topics)


RECORDS = ("read", "hit/+", "status", "audit", "health")
"""The topics of a post's records."""

HIT_TOPICS = ("hit/+", "status", "health")
"""Those with hot-listed plates only. Left out: reads, which show where everyone was, and the audit log."""

CUSTODIAN_TOPICS = (f"{DECISIONS}/+", f"{LEDGER}/+")
"""Topics of custodians that every subscriber may read."""

SUBSCRIBER_RIGHTS = _rights("read", *(f"+/{topic}" for topic in HIT_TOPICS), *CUSTODIAN_TOPICS)
"""The rights of a subscriber without a grant."""

READER_RIGHTS = _rights("read", *(f"+/{topic}" for topic in RECORDS), *CUSTODIAN_TOPICS)
"""The rights of a subscriber who receives every record.

Not `#`, because covert hits are for their group (see `rights_of`) and responses for the operator who asked.
"""

RIGHTS: Mapping[Party, tuple[Right, ...]] = {
    # A post cannot write its own configuration or commands: so a thief with its key cannot leave a retained message.
    Party.POST: _rights("write", *(f"{OWN}/{topic}" for topic in RECORDS), f"{OWN}/response/+", f"{OWN}/{COVERT}/+")
    # From its own retained status a post learns that its disk was rolled back.
    + _rights("read", f"{OWN}/status", f"{OWN}/command/+", f"{OWN}/configuration", f"{OWN}/receipt/+")
    + _rights("read", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS),
    Party.SUBSCRIBER: SUBSCRIBER_RIGHTS,
    Party.READER: READER_RIGHTS,
    # In its own name only: one custodian's certificate cannot be used to speak for another.
    Party.CUSTODIAN: READER_RIGHTS
    + _rights("write", f"+/receipt/{OWN}", f"{DECISIONS}/{OWN}", f"{DECISIONS}/{OWN}/+", f"{LEDGER}/{OWN}"),
    Party.PUBLISHER: _rights("write", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS, "+/configuration")
    + _rights("read", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS, "+/configuration", "+/status", "+/audit"),
    Party.OPERATOR: _rights("write", "+/command/+")
    + _rights("read", f"+/response/{OWN}", "+/status", f"+/hit/{TEST_CATEGORY}"),
}
"""All that anyone may do. What is not here is refused."""


def rights_of(party: Party, groups: Iterable[str]) -> tuple[Right, ...]:
    """Return a client's rights, with those to the covert hits and decisions of its distribution groups."""
    of_groups = (topic for group in groups for topic in (f"+/{COVERT}/{group}", f"{DECISIONS}/+/{group}"))
    return RIGHTS[party] + _rights("read", *of_groups)
