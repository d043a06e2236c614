"""A new key distributed to posts: looked at first, announced, awaited, taken into use; or the former taken away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from joserfc.jwk import ECKey

from platepost.provisioning.connection import Connection
from platepost.provisioning.control.keys.adoption import AdoptionStatus, Holder, KeyAdoption, has_adopted
from platepost.provisioning.control.keys.rotation import RotationStep, Voucher, announce, declare, retire, take_into_use
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.trust.authority import CHAIN_FILE, read_certificates
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import new_key, public_pem
from platepost.wire.control.desired import read
from platepost.wire.errors import RefusedError
from platepost.wire.hotlist import HotListRefused
from platepost.wire.hotlist.package import verify_package
from platepost.wire.keys.follow import follow
from platepost.wire.keys.history import KeyHistory
from platepost.wire.keys.statement import Key, roots_of
from platepost.wire.records import CustodianTerms, Purpose, Source


def preview_adoption(copy: Fleet, files: KeyFiles, holder: Holder, done: RotationStep) -> AdoptionStatus:
    """Preview how a post would apply a statement.

    Args:
        copy: the fleet in which the step was done.
        files: those of the key, in that fleet.
        holder: the post.
        done: the step.

    """
    if not holder.answered:
        return AdoptionStatus.UNKNOWN
    if holder.keys is None:
        return holder.adoption(done.statement)
    held = {key.thumbprint(): key for key in (*files.readable(), *files.revoked())}.get(holder.keys.key)
    # A key that the fleet does not know leads nowhere, unless the root speaks.
    pem = public_pem(new_key()) if held is None else held.as_pem(private=False)
    terms = done.statement.custodian
    history = KeyHistory(Key.of(pem), era=holder.keys.era, number=holder.keys.number, terms=terms)
    roots = roots_of(read_certificates(copy.authority / CHAIN_FILE))
    followed = follow(
        history,
        files.lines(),
        purpose=files.purpose,
        agency=copy.agency,
        roots=roots,
        custodian=files.custodian,
    )
    present = followed.history.present
    if (present and present.thumbprint) != done.present or (
        not followed.taken and not has_adopted(holder.keys, done.statement)
    ):
        return AdoptionStatus.REFUSED
    return AdoptionStatus.GOES_BY_IT if holder.present else AdoptionStatus.AWAY


Step = Literal["replace", "retire", "revoke"]
ACTS: Mapping[Step, str] = {"replace": "key_announced", "retire": "key_retired", "revoke": "key_revoked"}


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """What is asked for.

    Attributes:
        purpose: what the keys sign.
        step: `replace`, `retire` the former, or `revoke` all before.
        vouch: who vouches for a new key.
        overlap: for how long the former is accepted.
        seconds: how long posts may take.
        anyway: whether to go on though a post would be left behind.
        custodian: whose keys they are, with the purpose custody.

    """

    purpose: Purpose
    step: Step
    vouch: Voucher
    overlap: timedelta | None
    seconds: float
    anyway: bool
    custodian: str | None = None


@dataclass(frozen=True, slots=True)
class RotationResult:
    """What came of it."""

    done: RotationStep
    in_use: bool
    """Whether the fleet signs with the key."""
    standings: Mapping[str, AdoptionStatus]

    @property
    def behind(self) -> list[str]:
        """The posts that are online, or may be, and do not use it."""
        good = {AdoptionStatus.GOES_BY_IT, AdoptionStatus.AWAY, AdoptionStatus.UNKNOWN}
        return [post for post, adoption in self.standings.items() if adoption not in good]


class KeyDistributor:
    """Distributes statements about keys from a fleet to its posts.

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
        on_act: Callable[[str, RotationStep], None],
    ) -> None:
        self._fleet = fleet
        self._broker = broker
        self._who = who
        self._on_act = on_act

    def distribute(self, request: RotationRequest) -> RotationResult:
        """Do one step; where it was cut off before, go on with it.

        Raises:
            ProvisioningError: why not; nothing has changed then.

        """
        files = self._fleet.keys(request.purpose, request.custodian)
        with self._connection(files) as connection:
            adoption = KeyAdoption(self._fleet, files, connection)
            adoption.survey()
            if not request.anyway:
                self._look_before(request, adoption.holders, connection)
            done = self._step(self._fleet, request)
            self._on_act(ACTS[request.step], done)
            self._publish(files, connection)
            if request.step == "revoke":
                # At once, no matter who has heard of it: what the former signs may be someone else's.
                take_into_use(files)
            adoption.await_all(done.statement, request.seconds)
            result = RotationResult(done, in_use=True, standings=adoption.standings(done.statement))
        if request.step == "replace":
            if result.behind and not request.anyway:
                return RotationResult(done, in_use=False, standings=result.standings)
            take_into_use(files)
            self._on_act("key_rotated", done)
        return result

    def declare(self, terms: CustodianTerms, seconds: float) -> RotationResult:
        """Tell posts what they need a custodian's receipts for; where it was cut off before, go on with it.

        Args:
            terms: what for.
            seconds: how long posts may take.

        Raises:
            ProvisioningError: why not; nothing has changed then.

        """
        files = self._fleet.keys(Purpose.CUSTODY, terms.name)
        with self._connection(files) as connection:
            adoption = KeyAdoption(self._fleet, files, connection)
            adoption.survey()
            result = declare(self._fleet, files, terms, self._who)
            self._on_act("custodian_required" if terms.required else "custodian_released", result)
            self._publish(files, connection)
            adoption.await_all(result.statement, seconds)
            return RotationResult(result, in_use=True, standings=adoption.standings(result.statement))

    def rehearse(self, copy: Fleet, request: RotationRequest) -> RotationResult:
        """Do one step in a copy of the fleet, and judge with the posts' own judgment what each would make of it.

        The broker is asked how the posts are, and told nothing.

        Raises:
            ProvisioningError: why not.

        """
        present, files = (fleet.keys(request.purpose, request.custodian) for fleet in (self._fleet, copy))
        with self._connection(present) as connection:
            adoption = KeyAdoption(self._fleet, present, connection)
            adoption.survey()
            if not request.anyway:
                self._look_before(request, adoption.holders, connection)
        result = self._step(copy, request)
        take_into_use(files)
        standings = {post: preview_adoption(copy, files, holder, result) for post, holder in adoption.holders.items()}
        return RotationResult(result, in_use=True, standings=standings)

    def _step(self, fleet: Fleet, request: RotationRequest) -> RotationStep:
        files = fleet.keys(request.purpose, request.custodian)
        if request.step == "retire":
            return retire(files, self._who)
        revoke = request.step == "revoke"
        return announce(fleet, files, self._who, vouch=request.vouch, revoke=revoke, overlap=request.overlap)

    def _publish(self, files: KeyFiles, connection: Connection) -> None:
        connection.publish(files.topic(self._fleet.agency), b"\n".join(files.lines()), retain=True)

    def _connection(self, files: KeyFiles) -> Connection:
        own = files.topic(self._fleet.agency)  # of a fleet without posts all there is
        topics = [own, *KeyAdoption.topics(self._fleet), *self._configurations()]
        return Connection(self._fleet.publisher, broker=self._broker, topics=topics)

    def _configurations(self) -> dict[str, str]:
        return {Source(self._fleet.agency, post).configuration: post for post in self._fleet.posts()}

    # --- before

    def _look_before(self, request: RotationRequest, holders: Mapping[str, Holder], connection: Connection) -> None:
        """Make sure that no one is left behind.

        Raises:
            ProvisioningError: who, and what to do.

        """
        files = self._fleet.keys(request.purpose, request.custodian)
        terms = files.terms()
        fixed = [post for post, holder in holders.items() if holder.answered and holder.keys is None]
        if fixed and request.step != "revoke" and (terms is None or terms.required):
            raise ProvisioningError(
                f"{', '.join(fixed)} would reject what the new key signs: {AdoptionStatus.FIXED}. Update or visit "
                "them first; --anyway continues without them"
            )
        if request.step != "retire":
            return
        last = files.last()
        behind = [
            post
            for post, holder in holders.items()
            if last is not None
            and holder.present
            and holder.adoption(last) in {AdoptionStatus.WAITING, AdoptionStatus.REFUSED}
        ]
        if behind:
            raise ProvisioningError(
                f"{', '.join(behind)} does not go by the new key for {files.label} yet; run the command without "
                f"--retire again, or give --anyway"
            )
        if request.purpose is Purpose.LISTS:
            self._look_at_lists()
        elif request.purpose is Purpose.CONFIGURATION:
            self._look_at_configurations(holders, connection)

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

    def _look_at_configurations(self, holders: Mapping[str, Holder], connection: Connection) -> None:
        """Look for configurations that wait on the broker for a post that is away, under the former key."""
        keys = self._fleet.keys(Purpose.CONFIGURATION)
        posts, waiting = self._configurations(), list[str]()

        def take(topic: str, payload: bytes) -> bool:
            post = posts.get(topic)
            if post is not None and _waits(payload, holders[post].configuration, keys.accepted()):
                waiting.append(post)
            return False

        connection.wait(take, 0.0)
        if waiting:
            names = ", ".join(sorted({*waiting}))
            raise ProvisioningError(
                f"the configuration that stands at the broker for {names} is signed with the old key: sign and publish"
                f" it again, or give --anyway"
            )


def _waits(payload: bytes, applied: str | None, keys: Sequence[ECKey]) -> bool:
    """Tell whether a configuration is yet to be applied, and known by a former key only."""
    try:
        retained = read(payload, keys)
    except RefusedError:
        return False
    present = keys[0].thumbprint()
    return retained.signer != present and retained.digest != applied and retained.payload.expires > datetime.now(UTC)
