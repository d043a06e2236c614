"""Which posts use which key, as each says in its signed, retained status."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from platepost.provisioning.connection import Connection
from platepost.provisioning.control.status import CheckResult, judge, record_keys
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.wire.records import KeyState, KeyStatement, Source, Status

SURVEY_SECONDS = 3.0
"""For what the broker has retained."""


class AdoptionStatus(StrEnum):
    """What a post does with a statement."""

    GOES_BY_IT = "uses it"
    WAITING = "has not taken it yet"
    AWAY = "is away; takes it when it is back"
    REFUSED = "refused it"
    FIXED = "takes no new keys: its software is older, or its post.toml has no [control]"
    UNKNOWN = "has sent nothing signed by its own key"


@dataclass(frozen=True, slots=True)
class Holder:
    """One post."""

    post: str
    state: str
    """As `fleet status` says it."""
    keys: KeyState | None
    """Its keys for this purpose; None where it takes none, or nothing is known of it."""
    answered: bool
    configuration: str | None = None
    """Digest of the configuration that it goes by."""

    @property
    def present(self) -> bool:
        """Whether it is online."""
        return self.state in {"online", "degraded"}

    def adoption(self, statement: KeyStatement) -> AdoptionStatus:
        """Say what it does with a statement."""
        if not self.answered:
            return AdoptionStatus.UNKNOWN
        if self.keys is None:
            return self._without_keys(statement)
        if has_adopted(self.keys, statement):
            return AdoptionStatus.GOES_BY_IT
        refused = self.keys.refused
        if refused is not None and (refused.era, refused.number) == (statement.era, statement.number):
            return AdoptionStatus.REFUSED
        return AdoptionStatus.WAITING if self.present else AdoptionStatus.AWAY

    def _without_keys(self, statement: KeyStatement) -> AdoptionStatus:
        if statement.custodian is None:
            return AdoptionStatus.FIXED
        if not statement.custodian.required:
            return AdoptionStatus.GOES_BY_IT  # a custodian that a post does not know is none whose receipts it needs
        return AdoptionStatus.WAITING if self.present else AdoptionStatus.AWAY


def has_adopted(keys: KeyState, statement: KeyStatement) -> bool:
    """Tell whether keys are those of a statement: a post that was just enrolled has the key without the statement.

    What a post needs a custodian for can change while the key stays, so there the statement itself is asked for.
    """
    if statement.custodian is not None and (keys.era, keys.number) != (statement.era, statement.number):
        return False
    former = {key.thumbprint for key in statement.former}
    return keys.key == statement.key.thumbprint and former.issuperset(keys.former)


class KeyAdoption:
    """Follows the posts of a fleet over one connection.

    Args:
        fleet: the fleet.
        files: those of the key.
        connection: a connection of the fleet's publisher, subscribed to `topics`.

    """

    def __init__(self, fleet: Fleet, files: KeyFiles, connection: Connection) -> None:
        self._files = files
        self._connection = connection
        self._post_of = {Source(fleet.agency, post).topic("status"): post for post in fleet.posts()}
        self._keys = {post: record_keys(fleet, post) for post in fleet.posts()}
        self.holders = {post: Holder(post, "silent", None, answered=False) for post in fleet.posts()}
        """What is known of each post, by name."""
        self._seen = 0

    @staticmethod
    def topics(fleet: Fleet) -> list[str]:
        """Return what the connection must listen to."""
        return [Source(fleet.agency, post).topic("status") for post in fleet.posts()]

    def survey(self) -> None:
        """Learn how the posts are from what the broker has retained."""
        self._follow(lambda: all(holder.answered for holder in self.holders.values()), SURVEY_SECONDS)

    def await_all(self, statement: KeyStatement, seconds: float) -> None:
        """Wait until every post that is online uses a statement, or has refused it."""

        def settled() -> bool:
            return all(holder.adoption(statement) is not AdoptionStatus.WAITING for holder in self.holders.values())

        self._follow(settled, seconds)

    def standings(self, statement: KeyStatement) -> Mapping[str, AdoptionStatus]:
        """Say how each post stands to a statement."""
        return {post: holder.adoption(statement) for post, holder in self.holders.items()}

    def _follow(self, done: Callable[[], bool], seconds: float) -> None:
        def take(topic: str, payload: bytes) -> bool:
            self._seen += 1
            post = self._post_of.get(topic)
            if post is not None:
                row = judge(post, payload, self._keys.get(post))
                if row.status is not None:
                    self.holders[post] = _holder(row, row.status, self._files)
            return done()

        if not done():
            self._connection.wait(take, seconds, since=self._seen)


def _holder(row: CheckResult, status: Status, files: KeyFiles) -> Holder:
    state = status.configuration
    whose = (files.purpose, files.custodian)
    return Holder(
        row.post,
        row.state,
        next((key for key in status.keys if (key.purpose, key.custodian) == whose), None),
        answered=True,
        configuration=None if state is None else state.digest,
    )
