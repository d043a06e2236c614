"""The steps of a rollout: survey, a stage of posts, the watch over them, the way back."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from platepost.provisioning.connection import ANSWER_SECONDS, Connection
from platepost.provisioning.control.signing import Settings, digest_of, next_version, note_version, sign_configuration
from platepost.provisioning.control.status import CheckResult, judge, record_keys
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.control.desired import Desired, read
from platepost.wire.errors import RefusedError
from platepost.wire.faults import COMPARED, CONFIGURATION_FAULTS
from platepost.wire.records import Purpose, Source
from platepost.wire.records.configuration import ConfigurationState

SURVEY_SECONDS = 3.0
"""For what the broker has retained."""
COMPARED_SECONDS = 1860.0
"""Longest time for which a post compares its reads, and a status more."""
CHECK_SECONDS = 5.0
_HIGHEST = 2**52
"""Of versions that are gone on from: who has stolen the key may have given the highest that there is."""


@dataclass(slots=True)
class Target:
    """One post of a rollout."""

    post: str
    before: Settings = field(default_factory=dict)
    """What it was told last, which a rollback tells it again."""
    baseline: frozenset[str] = frozenset()
    """What ailed it before."""
    present: bool = False
    """Whether it was there to be asked."""
    digest: str | None = None
    version: int | None = None


class Rollout:
    """One rollout over one connection.

    Args:
        fleet: the fleet.
        connection: a connection of the fleet's publisher, subscribed to `topics`.
        who: the administrator who answers for it.
        apply_seconds: how long a post may take to answer.
        watch_seconds: how long all posts that have the change are watched after each stage.
        say: tells a person what happens.

    """

    def __init__(
        self,
        fleet: Fleet,
        connection: Connection,
        *,
        who: str,
        apply_seconds: float,
        watch_seconds: float,
        say: Callable[[str], None],
    ) -> None:
        self._fleet = fleet
        self._connection = connection
        self._who = who
        self._apply_seconds = apply_seconds
        self._publish_seconds = ANSWER_SECONDS
        self._watch_seconds = watch_seconds
        self._say = say
        self._post_of = {Source(fleet.agency, post).topic("status"): post for post in fleet.posts()}
        self._watched: dict[str, Target] = {}
        """Posts that applied the change: they are watched to the end, also while others are told."""
        self._since = 0
        self._keys = {post: record_keys(fleet, post) for post in fleet.posts()}

    @staticmethod
    def topics(fleet: Fleet, posts: Iterable[str]) -> list[str]:
        """Return what the connection must listen to."""
        sources = [Source(fleet.agency, post) for post in posts]
        return [topic for source in sources for topic in (source.topic("status"), source.configuration)]

    def survey(self, posts: Collection[str]) -> dict[str, Target]:
        """Learn how posts are and what they were told, from what the broker has retained.

        Versions of this fleet that are higher than any it remembers, as after a restored backup, are remembered.

        Raises:
            ProvisioningError: what a post was told last is not the fleet's, or not known, so that what lay over it
                would lose what the post alone was told.

        """
        targets = {post: Target(post) for post in posts}
        configurations = {Source(self._fleet.agency, post).configuration: post for post in posts}
        retained: dict[str, Desired | None] = {}
        states: dict[str, ConfigurationState] = {}

        def take(topic: str, payload: bytes) -> bool:
            if topic in configurations and payload:
                retained[configurations[topic]] = self._read_retained(payload)
            row = self._row(topic, payload)
            if row is not None and row.post in targets and row.status is not None:
                target = targets[row.post]
                target.baseline = frozenset(reason.name for reason in row.status.reasons)
                target.present = row.present
                if row.status.configuration is not None:
                    states[row.post] = row.status.configuration
            return False

        def lacks(post: str) -> bool:
            return post not in retained and post in states and states[post].state != "file"

        self._connection.wait(take, SURVEY_SECONDS)
        if any(lacks(post) for post in posts):
            self._connection.wait(
                lambda *message: take(*message) or not any(lacks(post) for post in posts), SURVEY_SECONDS
            )
        for post, target in targets.items():
            target.before = self._before(post, retained.get(post), states.get(post))
        return targets

    def versions(self, posts: Collection[str]) -> dict[str, str]:
        """Return which software each post runs, of those that are online."""
        versions: dict[str, str] = {}

        def take(topic: str, payload: bytes) -> bool:
            row = self._row(topic, payload)
            if row is not None and row.status is not None and row.present and row.post in posts:
                versions[row.post] = row.status.versions.software
            return versions.keys() == {*posts}

        self._connection.wait(take, SURVEY_SECONDS)
        return versions

    def _before(self, post: str, retained: Desired | None, state: ConfigurationState | None) -> Settings:
        """Return what a post goes by, or will when it is back; and remember the versions that it was given."""
        versions = (None if retained is None else retained.payload.version, None if state is None else state.version)
        for version in versions:
            if version is not None and version < _HIGHEST:
                note_version(self._fleet, post, version)
        if state is None or (retained is not None and retained.digest == state.digest):
            return {} if retained is None else retained.payload.settings
        refused = (
            retained is not None and state.refused is not None and state.refused.version == retained.payload.version
        )
        if retained is not None and not refused:
            return retained.payload.settings
        if state.state == "file":
            return {}
        raise ProvisioningError(
            f"{post} goes by version {state.version}, which is not at the broker: sign and publish its configuration "
            f"again"
        )

    def stage(self, targets: Collection[Target], change: Settings) -> dict[str, str]:
        """Give a change to posts, wait for their word, watch all that have it; return what went wrong, by post.

        Posts that were away when they were surveyed are told, and neither awaited nor watched. Watched are those of
        former stages too. A post that is not watched because the connection was lost is not well either.
        """
        since = self._connection.received
        self._since = self._since or since
        for target in targets:
            try:
                self._publish(target, merged(target.before, change))
            except ProvisioningError as error:
                return {target.post: f"could not be told: {error}"}
        awaited = {target.post: target for target in targets if target.present}
        wrong = self._await(awaited, since)
        if wrong:
            return wrong
        self._watched |= awaited
        if not awaited:
            return self._watch(0)
        self._say(f"{len(awaited)} applied it; watching all that have it for {self._watch_seconds:g} s")
        return self._watch(self._watch_seconds)

    def wait_less(self, seconds: float) -> None:
        """From now on, wait at most so long for posts and for the broker.

        The broker retains what it was given for a post that does not answer in time.
        """
        self._apply_seconds = min(self._apply_seconds, seconds)
        self._publish_seconds = min(self._publish_seconds, seconds)

    def roll_back(self, targets: Collection[Target]) -> dict[str, str]:
        """Tell posts again what they were told before; return what went wrong, by post.

        A lost connection gets as long to come back as a post gets to answer.
        """
        since = self._connection.received
        wrong: dict[str, str] = {}
        for target in targets:
            # Waited for once, not for each of a thousand posts, when the broker has gone for good.
            if not self._connection.is_back(within=0 if wrong else self._apply_seconds):
                wrong[target.post] = "could not be notified: the broker does not answer"
                continue
            try:
                self._publish(target, target.before)
            except ProvisioningError as error:
                wrong[target.post] = f"could not be told: {error}"
        present = {target.post: target for target in targets if target.present and target.post not in wrong}
        return wrong | self._await(present, since)

    def _publish(self, target: Target, settings: Settings) -> None:
        version = next_version(self._fleet, target.post)
        jws = sign_configuration(self._fleet, target.post, settings, version=version, who=self._who)
        note_version(self._fleet, target.post, version)
        target.version, target.digest = version, digest_of(jws)
        topic = Source(self._fleet.agency, target.post).configuration
        self._connection.publish(topic, jws, retain=True, seconds=self._publish_seconds)

    def _await(self, awaited: Mapping[str, Target], since: int) -> dict[str, str]:
        wrong: dict[str, str] = {}
        applied: set[str] = set()

        def settled(topic: str, payload: bytes) -> bool:
            row = self._row(topic, payload)
            if row is not None and row.post in awaited and row.status is not None and row.status.configuration:
                target, state = awaited[row.post], row.status.configuration
                if state.digest == target.digest:
                    applied.add(row.post)
                elif state.refused is not None and state.refused.version == target.version:
                    wrong[row.post] = f"refused it: {state.refused.reason}: {state.refused.message}"
            return applied | wrong.keys() == awaited.keys()

        if awaited:
            self._connection.wait(settled, self._apply_seconds, since=since)
        silent = awaited.keys() - applied - wrong.keys()
        return wrong | dict.fromkeys(sorted(silent), f"did not answer within {self._apply_seconds:g} s")

    def _watch(self, seconds: float) -> dict[str, str]:
        """Watch for some seconds, and longer while a post still compares its reads with those before the change."""
        watched = self._watched
        wrong: dict[str, str] = {}
        applied: set[str] = set()
        comparing: set[str] = set()

        def failing(topic: str, payload: bytes) -> bool:
            row = self._row(topic, payload)
            if row is None or row.post not in watched:
                return False
            target = watched[row.post]
            state = row.status.configuration if row.status is not None else None
            if state is not None and state.digest == target.digest:
                applied.add(row.post)
            if row.status is not None:
                compares = any(notice.name == COMPARED for notice in row.status.notices)
                (comparing.add if compares else comparing.discard)(row.post)
            # What was said before the post applied it is about what was before.
            why = _failure(row, target) if row.post in applied else None
            if why is not None:
                wrong[row.post] = why
            return why is not None

        # From the first stage on: what a canary says while the others are told counts too.
        self._connection.wait(failing, seconds, since=self._since, until_lost=True)
        if comparing and not wrong:
            self._say(f"{len(comparing)} compare what they read with before; watching on, half an hour at most")
        for _ in range(math.ceil(COMPARED_SECONDS / CHECK_SECONDS)):
            if wrong or not comparing or self._connection.was_ended(within=0):
                break
            self._connection.wait(failing, CHECK_SECONDS, since=self._since, until_lost=True)
        if not wrong and self._connection.was_ended(within=0):
            return dict.fromkeys(sorted(watched), "was not watched to the end: the broker hung up")
        return wrong

    def _row(self, topic: str, payload: bytes) -> CheckResult | None:
        post = self._post_of.get(topic)
        return None if post is None else judge(post, payload, self._keys[post])

    def _read_retained(self, payload: bytes) -> Desired | None:
        keys = self._fleet.keys(Purpose.CONFIGURATION)
        with suppress(RefusedError):
            read(payload, keys.revoked())
            return None  # the post has let go of it
        try:
            return read(payload, keys.readable())
        except RefusedError as refusal:
            raise ProvisioningError(f"a post's last configuration is not from this fleet: {refusal}") from refusal


def _failure(row: CheckResult, target: Target) -> str | None:
    if row.status is None:
        return f"its records are not its own: {', '.join(row.remarks)}"
    if row.state == "offline":
        return "went offline"
    state = row.status.configuration
    if state is not None and state.digest != target.digest:
        return "gave it back"
    blamed = {fault.value for fault in CONFIGURATION_FAULTS}
    fresh = {reason.name for reason in row.status.reasons} - target.baseline
    bad = sorted(fresh & blamed)
    return f"has: {', '.join(bad)}" if bad else None


def merged(before: Settings, change: Settings) -> dict[str, dict[str, Any]]:
    """Return settings with a change on top: what a post alone was told stays."""
    result = {section: dict(keys) for section, keys in before.items()}
    for section, keys in change.items():
        result.setdefault(section, {}).update(keys)
    return result
