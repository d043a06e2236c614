"""Carrying a new key to the posts: looked at first, announced, awaited, taken into use; or the former taken away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from joserfc.jwk import ECKey

from device.control import RefusedError
from device.control.configuration.desired import read
from device.hotlist import HotListRefused
from device.hotlist.package import verify_package
from device.records import Purpose, Source, keys_topic
from provisioning.control.keys.rehearsal import would
from provisioning.control.keys.steps import Succession, Voucher, announce, retire, take_into_use
from provisioning.control.keys.watch import Holder, KeyWatch, Standing
from provisioning.control.wire import Wire
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.hotlist.archive import Archive

Step = Literal["replace", "retire", "revoke"]
ACTS: Mapping[Step, str] = {"replace": "key_announced", "retire": "key_retired", "revoke": "key_revoked"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for.

    Attributes:
        purpose: what the keys sign.
        step: `replace`, `retire` the former, or `revoke` all before.
        vouch: who vouches for a new key.
        overlap: for how long the former is accepted.
        seconds: how long posts may take.
        anyway: whether to go on though a post would be left behind.

    """

    purpose: Purpose
    step: Step
    vouch: Voucher
    overlap: timedelta | None
    seconds: float
    anyway: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    succession: Succession
    in_use: bool
    """Whether the fleet signs with the key."""
    standings: Mapping[str, Standing]

    @property
    def behind(self) -> list[str]:
        """The posts that are on the air, or may be, and do not go by it."""
        good = {Standing.GOES_BY_IT, Standing.AWAY, Standing.UNKNOWN}
        return [post for post, standing in self.standings.items() if standing not in good]


class Carrier:
    """Carries statements about keys from a fleet to its posts.

    Args:
        fleet: the fleet.
        broker: `host:port`.
        who: the administrator who answers for it.
        tell: told each act, with its object and details, as it is done.

    """

    def __init__(
        self,
        fleet: Fleet,
        broker: str,
        *,
        who: str,
        tell: Callable[[str, Succession], None],
    ) -> None:
        self._fleet = fleet
        self._broker = broker
        self._who = who
        self._tell = tell

    def carry(self, wishes: Wishes) -> Outcome:
        """Do one step; where it was cut off before, go on with it.

        Raises:
            ProvisioningError: why not; nothing has changed then.

        """
        with self._wire() as wire:
            watch = KeyWatch(self._fleet, wishes.purpose, wire)
            watch.survey()
            if not wishes.anyway:
                self._look_before(wishes, watch.holders, wire)
            done = self._step(self._fleet, wishes)
            self._tell(ACTS[wishes.step], done)
            wire.publish(
                keys_topic(self._fleet.agency, wishes.purpose),
                b"\n".join(self._fleet.keys(wishes.purpose).lines()),
                retain=True,
            )
            if wishes.step == "revoke":
                # At once, whoever has heard of it: what the former signs may be somebody else's.
                take_into_use(self._fleet, wishes.purpose)
            watch.await_all(done.statement, wishes.seconds)
            outcome = Outcome(done, in_use=True, standings=watch.standings(done.statement))
        if wishes.step == "replace":
            if outcome.behind and not wishes.anyway:
                return Outcome(done, in_use=False, standings=outcome.standings)
            take_into_use(self._fleet, wishes.purpose)
            self._tell("key_rotated", done)
        return outcome

    def rehearse(self, copy: Fleet, wishes: Wishes) -> Outcome:
        """Do one step in a copy of the fleet, and judge with the posts' own judgement what each would make of it.

        The broker is asked how the posts are, and told nothing.

        Raises:
            ProvisioningError: why not.

        """
        with self._wire() as wire:
            watch = KeyWatch(self._fleet, wishes.purpose, wire)
            watch.survey()
            if not wishes.anyway:
                self._look_before(wishes, watch.holders, wire)
        done = self._step(copy, wishes)
        take_into_use(copy, wishes.purpose)
        standings = {post: would(copy, wishes.purpose, holder, done) for post, holder in watch.holders.items()}
        return Outcome(done, in_use=True, standings=standings)

    def _step(self, fleet: Fleet, wishes: Wishes) -> Succession:
        if wishes.step == "retire":
            return retire(fleet, wishes.purpose, self._who)
        revoke = wishes.step == "revoke"
        return announce(fleet, wishes.purpose, self._who, vouch=wishes.vouch, revoke=revoke, overlap=wishes.overlap)

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        own = (keys_topic(self._fleet.agency, purpose) for purpose in Purpose)  # of a fleet without posts all there is
        topics = [*own, *KeyWatch.topics(self._fleet), *self._configurations()]
        with Wire(self._fleet.publisher, self._broker, topics) as wire:
            yield wire

    def _configurations(self) -> dict[str, str]:
        return {Source(self._fleet.agency, post).configuration: post for post in self._fleet.posts()}

    # --- before

    def _look_before(self, wishes: Wishes, holders: Mapping[str, Holder], wire: Wire) -> None:
        """Make sure that nobody is left behind.

        Raises:
            ProvisioningError: who, and what to do.

        """
        fixed = [post for post, holder in holders.items() if holder.heard and holder.keys is None]
        if fixed and wishes.step != "revoke":
            raise ProvisioningError(
                f"{', '.join(fixed)} would know nothing that the new key signs: {Standing.FIXED}. Update or visit "
                "them first; --anyway goes on without them"
            )
        if wishes.step != "retire":
            return
        last = self._fleet.keys(wishes.purpose).last()
        behind = [
            post
            for post, holder in holders.items()
            if last is not None and holder.present and holder.standing(last) in {Standing.WAITING, Standing.REFUSED}
        ]
        if behind:
            raise ProvisioningError(
                f"{', '.join(behind)} does not go by the new key for {wishes.purpose} yet; give the command without "
                "--retire again, or --anyway"
            )
        if wishes.purpose is Purpose.LISTS:
            self._look_at_lists()
        else:
            self._look_at_configurations(holders, wire)

    def _look_at_lists(self) -> None:
        archive = Archive(self._fleet.list_archive)
        present = self._fleet.keys(Purpose.LISTS).accepted()[:1]
        for path in (archive.complete, archive.delta):
            try:
                if path is not None:
                    verify_package(path.read_bytes(), present)
            except HotListRefused as refusal:
                raise ProvisioningError(
                    "the newest list is signed with the former key; a post that has been away could not take it: build "
                    "and publish a complete list first, or give --anyway"
                ) from refusal

    def _look_at_configurations(self, holders: Mapping[str, Holder], wire: Wire) -> None:
        """Look for configurations that wait on the broker for a post that is away, under the former key."""
        keys = self._fleet.keys(Purpose.CONFIGURATION)
        posts, waiting = self._configurations(), list[str]()

        def take(topic: str, payload: bytes) -> bool:
            post = posts.get(topic)
            if post is not None and _waits(payload, holders[post].configuration, keys.accepted()):
                waiting.append(post)
            return False

        wire.wait(take, 0.0)
        if waiting:
            names = ", ".join(sorted({*waiting}))
            raise ProvisioningError(
                f"the configuration that stands at the broker for {names} is signed with the former key: sign and "
                "publish it anew, or give --anyway"
            )


def _waits(payload: bytes, applied: str | None, keys: Sequence[ECKey]) -> bool:
    """Tell whether a configuration is yet to be applied, and known by a former key only."""
    try:
        told = read(payload, keys)
    except RefusedError:
        return False
    present = keys[0].thumbprint()
    return told.signer != present and told.digest != applied and told.said.expires > datetime.now(UTC)
