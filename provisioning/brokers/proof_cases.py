"""The cases of the proof: every kind of client on every kind of topic.

`platepost.provisioning.brokers.rights` has the rights.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from paho.mqtt.client import topic_matches_sub

from platepost.provisioning.brokers.rights import COVERT, Access, Party, rights_of
from platepost.wire.records.topics import DECISIONS, KEYS, LEDGER, ROOT

GROUP = "proof"
"""A distribution group that no one else is in."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One client of the proof."""

    name: str
    party: Party
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is tried."""

    actor: Principal
    access: Access
    topic: str
    """Of the proof's own post, or below the hot list's; never one that a real post listens to."""
    allowed: bool


def topics(agency: str, post: str, operator: str, custodian: str) -> tuple[str, ...]:
    """Return one topic of every kind, none of which is another post's or would be taken for a list."""
    own = f"{ROOT}/{agency}/{post}"
    return (
        *(f"{own}/{name}" for name in ("read", "hit/proof", "status", "audit", "health")),
        f"{own}/{COVERT}/{GROUP}",
        f"{own}/response/{operator}",
        f"{own}/command/self-test",
        f"{own}/configuration",
        f"{own}/receipt/{custodian}",
        f"{ROOT}/{agency}/hotlist/proof",
        f"{ROOT}/{agency}/{KEYS}/proof",
        f"{ROOT}/{agency}/{KEYS}/custody/proof",
        # Someone must be able to write each, or no one is heard there.
        *(f"{ROOT}/{agency}/{DECISIONS}/{topic}" for topic in (custodian, f"{custodian}/{GROUP}")),
        f"{ROOT}/{agency}/{LEDGER}/{custodian}",
    )


def cases(agency: str, actors: tuple[Principal, ...], every_topic: tuple[str, ...]) -> Iterator[Case]:
    """Yield every client with every topic, to read and to write."""
    for actor in actors:
        for topic in every_topic:
            for access in ("write", "read"):
                yield Case(actor, access, topic, may(agency, actor, access, topic))


def impostures(agency: str, actors: tuple[Principal, ...], operator: str, custodian: str) -> Iterator[Case]:
    """Yield cases in which each client other than a post publishes as if it were one: below its own name.

    Only what someone reads, so that it is seen whether it came through.
    """
    for actor in actors:
        if actor.party is Party.POST:
            continue
        own = f"{ROOT}/{agency}/{actor.name}"
        unread = (f"{own}/command/", f"{own}/configuration", f"{own}/receipt/")
        for topic in topics(agency, actor.name, operator, custodian):
            if topic.startswith(own) and not topic.startswith(unread):
                yield Case(actor, "write", topic, allowed=False)


def may(agency: str, actor: Principal, access: str, topic: str) -> bool:
    """Tell whether the table of rights allows it."""
    filters = (
        right.filter(agency, actor.name) for right in rights_of(actor.party, actor.groups) if right.access == access
    )
    return any(topic_matches_sub(one, topic) for one in filters)
