"""Who may write and read what at the broker: one table, from which every broker's own access list is made.

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
"""The level below a post under which hits of covert entries lie, one level further for each distribution group."""


class Party(StrEnum):
    """What a client is to the broker."""

    POST = "post"
    """A camera unit."""
    SUBSCRIBER = "subscriber"
    """Receives hits, status, and health."""
    READER = "reader"
    """A subscriber who receives every record, for a reason and until a day (`platepost.provisioning.fleet.reads`)."""
    CUSTODIAN = "custodian"
    """The department's archive service: sends posts receipts for what it stored, and publishes decisions and the end of
    its ledger."""
    PUBLISHER = "publisher"
    """The department's own client, which publishes hot lists, configurations, and what vouches for new keys."""
    OPERATOR = "operator"
    """A person who commands posts; the post judges by the certificate's role what it does for them."""


@dataclass(frozen=True, slots=True)
class Right:
    """One permission."""

    access: Access
    topic: str

    def filter(self, agency: str, name: str) -> str:
        """Return the whole MQTT filter for the client called `name`, which may be a broker's own placeholder."""
        return f"{ROOT}/{agency}/{self.topic.replace(OWN, name)}"


def _rights(access: Access, *topics: str) -> tuple[Right, ...]:
    return tuple(Right(access, topic) for topic in topics)


RECORDS = ("read", "hit/+", "status", "audit", "health")
"""The topics of a post's records."""

HIT_TOPICS = ("hit/+", "status", "health")
"""Those that show only plates that are sought: reads show where everyone was, the audit log who did what."""

CUSTODIAN_TOPICS = (f"{DECISIONS}/+", f"{LEDGER}/+")
"""What custodians publish to everyone."""

SUBSCRIBER_RIGHTS = _rights("read", *(f"+/{topic}" for topic in HIT_TOPICS), *CUSTODIAN_TOPICS)
"""The rights of a subscriber without a grant."""

READER_RIGHTS = _rights("read", *(f"+/{topic}" for topic in RECORDS), *CUSTODIAN_TOPICS)
"""The rights of a subscriber who receives every record.

Not `#`: covert hits are for their group (see `rights_of`), and what a post answers for the operator who asked.
"""

RIGHTS: Mapping[Party, tuple[Right, ...]] = {
    # A post cannot write its own configuration or commands: anyone who steals its key cannot leave a retained one.
    Party.POST: _rights("write", *(f"{OWN}/{topic}" for topic in RECORDS), f"{OWN}/response/+", f"{OWN}/{COVERT}/+")
    # Its own status, retained, tells a post that its disk was taken back to an earlier state.
    + _rights("read", f"{OWN}/status", f"{OWN}/command/+", f"{OWN}/configuration", f"{OWN}/receipt/+")
    + _rights("read", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS),
    Party.SUBSCRIBER: SUBSCRIBER_RIGHTS,
    Party.READER: READER_RIGHTS,
    # In its own name only: with one custodian's certificate no one speaks for another.
    Party.CUSTODIAN: READER_RIGHTS
    + _rights("write", f"+/receipt/{OWN}", f"{DECISIONS}/{OWN}", f"{DECISIONS}/{OWN}/+", f"{LEDGER}/{OWN}"),
    Party.PUBLISHER: _rights("write", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS, "+/configuration")
    + _rights("read", "hotlist/#", f"{KEYS}/+", CUSTODY_KEYS, "+/configuration", "+/status", "+/audit"),
    Party.OPERATOR: _rights("write", "+/command/+")
    + _rights("read", f"+/response/{OWN}", "+/status", f"+/hit/{TEST_CATEGORY}"),
}
"""All that anyone may do. What is not here is refused."""


def rights_of(party: Party, groups: Iterable[str]) -> tuple[Right, ...]:
    """Return the rights of a client; in distribution `groups`, also to hits of their covert entries, and decisions."""
    own = (topic for group in groups for topic in (f"+/{COVERT}/{group}", f"{DECISIONS}/+/{group}"))
    return RIGHTS[party] + _rights("read", *own)
