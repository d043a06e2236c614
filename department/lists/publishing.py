"""The signer: has what people entered and what was imported built, signed and published, and says what came of it.

It runs where the fleet's folder and its keys are. All that it does with them is `provisioning`'s; the log of acts has
it in the name of the service, with the names of the people whose requests these were.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from django.db import connection
from django.db.models import Q
from joserfc.jwk import ECKey

from platepost.common.errors import HotListError
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.imports import adopt, forget_former, hand_built, has_files, imported_rows
from platepost.department.lists.models import ListEntry, ListRecovery, ListRequest
from platepost.department.policy.policy import policy_in_force
from platepost.provisioning.commands.authorship import logged
from platepost.provisioning.commands.hotlist.options import Department
from platepost.provisioning.commands.hotlist.options import department as opened_department
from platepost.provisioning.commands.hotlist.publish import LOOK_AROUND_SECONDS, monitor_of
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.carried import CarriedList
from platepost.provisioning.hotlist.changes import Removal, from_news
from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.distribution import all_heard
from platepost.provisioning.hotlist.epochs import key_messages
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.publish import publish
from platepost.provisioning.hotlist.report import facts_of
from platepost.provisioning.hotlist.rows import TEST_ROW, HotListRow, SizeJumpError, SourceError
from platepost.provisioning.hotlist.sealing import Epoch
from platepost.wire.hotlist.errors import BadSignature, ChainTooLong
from platepost.wire.hotlist.keys import PlateText
from platepost.wire.hotlist.layout import MOST_PATTERNS, PatternEntry
from platepost.wire.hotlist.manifest import LONGEST_LINE, LONGEST_REASON, Manifest, read_unverified, verify
from platepost.wire.hotlist.overlay import Overlay
from platepost.wire.hotlist.package import PackageFile, load_key, recipients, split
from platepost.wire.hotlist.settings import SIZE_JUMP
from platepost.wire.records.keys import Purpose

LOCK = 4_218_870_551
"""Advisory lock of the one signer of a database."""
COMPLETE_EVERY = timedelta(hours=24)
"""How old a complete list becomes before another is built: deltas grow, and a package is good for seven days."""
_SET_BACK = "posts were set back to an earlier list by hand, as version {}: look at the imports first"
"""Why a whole list is held then: it would bring back what was wrong."""
_PURPOSE = "department's lists, asked for by"
"""How the purpose begins under which this service publishes, in the fleet's log of acts."""
_AT_ONCE = "entries that the policy has active at once, such as Amber alerts"
"""Why a list with these alone is published whatever its size."""
_ENTRY = re.compile(r" #(\d{1,18})$")
"""In a partial plate's case: the number of the entry that it is of."""
RETRY_SECONDS = 5.0
"""After a broker or the fleet's files failed."""


@dataclass(frozen=True, slots=True)
class SignerSettings:
    """Where the keys are, and in whose name they sign."""

    fleet: Path
    who: str
    """A certified person of the fleet, best a service of the role `list-builder`: its name, or its folder."""
    broker: str | None = None
    """`host:port`; as the fleet says where None."""
    list_format: int | None = None
    """Of complete lists; that of the last one where None."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What posts are to have, as of one moment, and what is to be noted once they are offered it."""

    at: datetime
    entries: Sequence[ListEntry]
    gone: Sequence[ListEntry]
    recoveries: Sequence[ListRecovery]
    others: tuple[PatternEntry, ...] = ()
    """Partial plates of a list that was built by hand."""

    @classmethod
    def now(cls, others: Sequence[PatternEntry] = ()) -> "_Wanted":
        ids = [number for (number,) in rows("SELECT id FROM lists_in_force")]
        people = ListEntry.objects.order_by("pk")
        # A package that was built and never got out has entries that were never listed: the next delta goes on from it.
        approved = people.exclude(second_person=True, at_once=False, approved_at=None)
        return cls(
            datetime.now(UTC),
            _carried(people.filter(pk__in=ids), MOST_PATTERNS - len(others)),
            list(approved.filter(unlisted_version=None).exclude(ended_at=None)),
            list(ListRecovery.objects.filter(version=None)),
            tuple(others),
        )

    def at_once(self) -> "_Wanted | None":
        """Return what posts are to have now whatever else is held; None where they have it."""
        if not any(entry.at_once and entry.listed_version is None for entry in self.entries):
            return None
        entries = [entry for entry in self.entries if entry.at_once or entry.listed_version is not None]
        # The partial plates of a package are all there are: those of entries that ended stay until the rest goes out.
        return replace(
            self, entries=[*entries, *(entry for entry in self.gone if entry.partial)], gone=(), recoveries=()
        )

    def rows(self) -> Iterator[HotListRow]:
        for entry in self.entries:
            if not entry.partial:
                yield HotListRow(
                    entry.plate, entry.category, entry.priority, entry.state, entry.expires_at,
                    entry.reference.strip(), entry.distribution, entry.safe,
                )  # fmt: skip

    def patterns(self) -> tuple[PatternEntry, ...]:
        own = (entry.pattern(entry.reference, entry.author) for entry in self.entries if entry.partial)
        return (*self.others, *own)

    def removals(self) -> Iterator[Removal]:
        return _removals(self.gone, self.recoveries)


def _carried(entries: Iterable[ListEntry], room: int) -> list[ListEntry]:
    """Return the entries without the partial plates that posts have no room for: the newest, none that is listed.

    The pages cannot see that there is no room: other people's covert entries are hidden from them.
    """
    entries = list(entries)
    partial = sorted(
        (entry for entry in entries if entry.partial), key=lambda entry: (not entry.listed_version, entry.pk)
    )
    left_out = {entry.pk for entry in partial[max(room, 0) :]}
    return [entry for entry in entries if entry.pk not in left_out]


def _removals(gone: Iterable[ListEntry], recoveries: Iterable[ListRecovery]) -> Iterator[Removal]:
    for entry in gone:
        if not entry.partial:
            yield Removal(0, PlateText(entry.plate), reference=entry.reference.strip())
    for recovery in recoveries:
        yield Removal(0, PlateText(recovery.plate))


class _HeldError(HotListError):
    """A person must look at the sources before a list is built: posts were set back to an earlier one, for instance."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The newest complete list that posts have, and the delta on it."""

    complete: Path
    delta: Path | None
    own: bool
    """Whether this service built it."""
    adopted: bool
    """Whether a list built by hand counts, of which there are no rows: what is built next carries it on."""


class ListSigner:
    """Publishes what is asked for.

    Args:
        settings: where the keys are.

    Raises:
        ProvisioningError: there is no fleet.

    """

    def __init__(self, settings: SignerSettings) -> None:
        self._settings = settings
        self._fleet = Fleet.load(settings.fleet)
        self._on_posts: int | None = None
        """The newest version that a post held when last looked: a fleet restored from a backup knows of older ones."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only signer of the database, and hear of requests. Raises ListRefusedError where another one is."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone() != (True,):
                raise ListRefusedError("another signer works on this database")
            cursor.execute("LISTEN lists_request")
            yield
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

    @staticmethod
    def wait(seconds: float) -> None:
        """Wait for a request, at most for some seconds."""
        for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
            pass

    def ask_daily(self) -> None:
        """Ask for a complete list where the last one is a day old, or not one that every post can have.

        Posts drop what a revoked key signed; a new post cannot open a list of format 1 that was built before it was
        added.
        """
        newest = Archive(self._fleet.list_archive).complete
        age = float("inf")
        if newest is not None and self._is_for_all(newest):
            age = datetime.now(UTC).timestamp() - newest.stat().st_mtime
        # One that is held is asked for again the next day: what was wrong may be right by then.
        lately = Q(state="held", at__gt=datetime.now(UTC) - COMPLETE_EVERY)
        requested = ListRequest.objects.filter(Q(state="waiting") | lately, kind="complete").exists()
        if newest is not None and not self._have_keys(newest):
            # With the next delta, if an empty one, the new posts' key messages go out.
            ListRequest.objects.get_or_create(kind="delta", state="waiting")
        if age > COMPLETE_EVERY.total_seconds() and not requested:
            ListRequest.objects.create(kind="complete")

    def _is_for_all(self, package: Path) -> bool:
        try:
            with package.open("rb") as file:
                line, sealed = split(PackageFile(file.fileno()))
                sealed_to = set(recipients(sealed))
            of_an_epoch = read_unverified(line).epoch is not None
            return _is_signed(package, self._fleet.keys(Purpose.LISTS).readable()) and (
                of_an_epoch or self._thumbprints() <= sealed_to
            )
        except HotListError:  # damaged: who builds the next one says so
            return False

    def _have_keys(self, package: Path) -> bool:
        """Tell whether every post has a message with the keys of a list of format 2."""
        try:
            epoch = read_unverified(_manifest_line(package)).epoch
        except HotListError:
            return True
        return epoch is None or self._thumbprints() <= key_messages(Archive(self._fleet.list_archive).keys).keys()

    def _thumbprints(self) -> set[str]:
        paths = (self._fleet.recipient_key(post) for post in self._fleet.posts())
        return {load_key(path.read_bytes(), private=False).thumbprint() for path in paths if path.is_file()}

    def publish_waiting(self) -> Manifest | None:
        """Publish one package for all requests that wait; return its manifest, None where none waits or it is held.

        Raises:
            ProvisioningError: the broker, or the fleet's files, do not take it. The requests wait, and say so.
            HotListError: what was built before is damaged.
            LedgerError: it was published, and cannot be entered; the requests wait, and are published again.

        """
        requests = list(ListRequest.objects.filter(state="waiting").order_by("pk"))
        if not requests:
            return self._at_once()
        try:
            set_back = self._set_back()
            if set_back is not None:
                held = [request for request in requests if request.kind == "complete" and not request.override]
                self._note(held, "held", _SET_BACK.format(set_back))
                requests = [request for request in requests if request not in held]
            return self._published(requests, set_back) if requests else None
        except (SizeJumpError, _HeldError) as error:
            return self._hold(requests, error)
        except (ProvisioningError, HotListError) as error:
            self._note(requests, "waiting", str(error))
            raise

    def _hold(self, requests: Sequence[ListRequest], error: SizeJumpError | _HeldError) -> Manifest | None:
        """Hold what cannot be published alone, and publish the rest: a whole list holds up no entry of people."""
        whole = [request for request in requests if request.kind == "complete"]
        sizes = {"size_before": error.before, "size_after": error.after} if isinstance(error, SizeJumpError) else {}
        self._note(whole or requests, "held", str(error).partition(". ")[0], **sizes)
        return self.publish_waiting()

    def _at_once(self) -> Manifest | None:
        """Publish, while a list is held, what the policy has active at once; return None where nothing waits so.

        Raises ProvisioningError: it is tried again.
        """
        waiting = ListEntry.objects.filter(at_once=True, listed_version=None, ended_at=None)
        if not waiting.filter(expires_at__gt=datetime.now(UTC)).exists() or not ListRequest.held():
            return None
        try:
            return self._published((), self._set_back(), at_once=True)
        except (SizeJumpError, _HeldError):
            return None

    def _base(self, builder: Department, newest: Manifest | None, set_back: int | None) -> _Base | None:
        """Return what posts have to go on from, and adopt a list that was built by hand; None where a new one is due.

        One that was built by hand and is not published is not ours to publish: the one before it counts.
        """
        archive = builder.archive
        if archive is None or archive.complete is None or newest is None:
            return None
        for path in (archive.complete, archive.before()):
            if path is None or not _is_signed(path, builder.issuer_keys):
                continue
            newest_of_it = archive.delta if path == archive.complete else None
            version = int(path.stem)
            if ListRequest.objects.filter(version=version).exists():
                # Of an earlier one the deltas are forgotten, and what they removed.
                return _Base(path, newest_of_it, own=path == archive.complete, adopted=hand_built() is not None)
            if version == set_back:
                return _Base(path, newest_of_it, own=False, adopted=hand_built() is not None)
            if not has_files() and self._is_published_by_hand(path.stem):
                entries = read_unverified(split((newest_of_it or path).read_bytes())[0]).entries
                adopt(version, entries, who=self._settings.who)
                return _Base(path, newest_of_it, own=False, adopted=True)
        return None

    def _is_published_by_hand(self, version: str) -> bool:
        """Tell whether people published a list, by the log of acts, and not this service."""
        acts = [act for act in self._fleet.acts if act.object == str(int(version)) and act.outcome == "success"]
        purposes = [str(act.details.get("purpose")) for act in acts if act.action == "hotlist_publish"]
        return any(act.action == "hotlist_published" for act in acts) and not any(
            purpose.startswith(_PURPOSE) for purpose in purposes
        )

    def _set_back(self) -> int | None:
        """Return the version of the list that `hotlist rollback` set posts back to, None where another came since.

        Raises ProvisioningError where it was built, and has not got out: no post has what a delta would apply to.
        """
        archive = Archive(self._fleet.list_archive)
        path = archive.complete
        if path is None or ListRequest.objects.filter(version=archive.completes[0]).exists():
            return None
        version, keys = archive.completes[0], self._fleet.keys(Purpose.LISTS).readable()
        acts = (act for act in self._fleet.acts if act.object == str(version) and act.outcome == "success")
        done = {act.action for act in acts}
        if "hotlist_rolled_back" not in done or not _is_signed(path, keys):
            return None
        if "hotlist_published" not in done:
            raise ProvisioningError(f"version {version}, to which posts are to be set back, is not published yet")
        return version

    def _published(
        self, requests: Sequence[ListRequest], set_back: int | None, *, at_once: bool = False
    ) -> Manifest | None:
        """Publish what is asked for, or, with `at_once`, only what posts are to have whatever is held, if anything."""
        names = ", ".join(sorted({request.person for request in requests if request.person is not None}))
        numbers = ", ".join(str(request.pk) for request in requests)
        builder = opened_department(
            fleet_directory=self._settings.fleet, agency=None, issuer=None, signing_key=None, unseal_key=None,
            post_key_paths=(), who=self._settings.who,
            purpose=f"{_PURPOSE} {names or 'the timer'}: {numbers}"[:200], list_format=self._settings.list_format,
        )  # fmt: skip
        override = "; ".join(request.override for request in requests if request.override)[:LONGEST_REASON] or None
        newest = _newest(builder)
        base = self._base(builder, newest, set_back)
        held = None if base is None else builder.held(base.complete, base.delta)
        wanted: _Wanted | None = _Wanted.now(_patterns_by_hand(held) if base is not None and base.adopted else ())
        if at_once:
            wanted, override = wanted.at_once() if wanted and base else None, _AT_ONCE
        if wanted is None:
            return None
        broker = self._settings.broker or self._fleet.broker_address
        # First: nothing is built, and no version is used up, while the broker is away.
        watch = monitor_of(self._fleet)
        with Connection(self._fleet.publisher, broker=broker, topics=watch.topics, listener=watch.hear) as connected:
            if self._on_posts is None:
                watch.wait_until(all_heard, seconds=LOOK_AROUND_SECONDS)
                self._on_posts = max((post.version or 0 for post in watch.posts.values()), default=0)
            is_behind = newest is not None and newest.version < self._on_posts
            package = epoch = None
            if base is not None and held is not None and not is_behind and all(x.kind == "delta" for x in requests):
                epoch = builder.epoch(held.complete.manifest)
                package = _delta(builder, base, held, wanted, override, epoch=epoch)
            if package is None and at_once:
                return None
            if package is None and set_back is not None and override is None:
                raise _HeldError(_SET_BACK.format(set_back))
            if package is None:
                carried = _carry(base, held, wanted) if base is not None and held is not None and base.adopted else None
                epoch = builder.epoch()
                package = _complete(
                    builder, wanted, override, newest, on_posts=self._on_posts, carried=carried, epoch=epoch
                )
            builder.hand_out(package, None, files=Files(None), refused=0, epoch=epoch)
            manifest = read_unverified(split(package)[0])
            details = facts_of(manifest) | {"broker": broker, "older": False}
            version = str(manifest.version)
            with logged(builder.author, "hotlist_publish", "hotlist_published", object=version, details=details) as end:
                sent = publish(connected, package, manifest, keys=Archive(self._fleet.list_archive).keys)
                end |= {"topic": sent.topic, "parts": sent.parts}
        self._write_back(requests, wanted, manifest)
        # A post that was away may be back, with a list that a restored fleet does not know of.
        newest_held = max((post.version or 0 for post in watch.posts.values()), default=0)
        if manifest.version < newest_held < int(wanted.at.timestamp()):
            self._on_posts = newest_held
            ListRequest.objects.create(kind="complete")
        return manifest

    @staticmethod
    def _write_back(requests: Sequence[ListRequest], wanted: _Wanted, manifest: Manifest) -> None:
        numbers = [request.pk for request in requests]
        fields = {"kind": manifest.kind, "version": manifest.version, "requests": numbers}
        now = datetime.now(UTC)
        with entering(LedgerEvent.LIST_PUBLISHED, fields):
            listed = ListEntry.objects.filter(pk__in=[entry.pk for entry in wanted.entries], listed_version=None)
            listed.update(listed_version=manifest.version, listed_at=now)
            removed = ListEntry.objects.filter(pk__in=[entry.pk for entry in wanted.gone])
            removed.update(unlisted_version=manifest.version)
            ListRecovery.objects.filter(pk__in=[recovery.pk for recovery in wanted.recoveries]).update(
                version=manifest.version
            )
            ListRequest.objects.filter(pk__in=numbers).update(
                state="published", message="", version=manifest.version, published_at=now
            )
        if manifest.kind == "complete":
            forget_former()

    @staticmethod
    def _note(requests: Sequence[ListRequest], state: str, text: str, **sizes: int) -> None:
        ListRequest.objects.filter(pk__in=[request.pk for request in requests]).update(
            state=state, message=text, **sizes
        )


def _patterns_by_hand(held: Held | None) -> tuple[PatternEntry, ...]:
    """Return the partial plates of a list that are of no entry of people's."""
    listed = () if held is None else held.newest.listing.patterns
    named = {entry.pattern: _ENTRY.search(entry.case) for entry in listed}
    numbers = {plate: int(match[1]) for plate, match in named.items() if match}
    own = set(ListEntry.objects.filter(pk__in=numbers.values()).values_list("plate", "pk"))
    return tuple(entry for entry in listed if (entry.pattern, numbers.get(entry.pattern)) not in own)


def _changes(base: _Base, held: Held, wanted: _Wanted) -> Overlay:
    """Return all that changed since a complete list. Raises ChainTooLong: more than posts carry."""
    removals = wanted.removals()
    if not base.own:  # what went since that list was built stands on it again
        hours = timedelta(hours=policy_in_force().lists.recovered_hours) if base.adopted else timedelta()
        since = held.complete.manifest.built
        ended = ListEntry.objects.filter(ended_at__gte=since).order_by("pk")
        removals = chain(removals, _removals(ended, ListRecovery.objects.filter(at__gte=since - hours)))
    return from_news(held, RowSource(wanted.rows()), removals)[0].overlay


def _carry(base: _Base, held: Held, wanted: _Wanted) -> CarriedList:
    """Return the list built by hand with what changed. Raises ChainTooLong: more than posts carry."""
    return CarriedList(held, _changes(base, held, wanted))


def _delta(
    builder: Department, base: _Base, held: Held, wanted: _Wanted, override: str | None, *, epoch: Epoch | None
) -> bytes | None:
    """Return what changed since the complete list; None where there is none, or too much changed for a delta.

    A complete list that was built and never published is on no post: it has no base. Nor is one whose key was revoked.
    """
    if builder.archive is None or base.complete != builder.archive.complete:
        return None
    try:
        overlay = _changes(base, held, wanted)
    except ChainTooLong:
        return None
    return build_delta(
        held,
        overlay,
        patterns=wanted.patterns(),
        issuer=builder.issuer,
        version=held.newest.version + 1,
        signing_key=builder.signing_key,
        post_keys=builder.post_keys,
        unseal_key=builder.own_key,
        built=wanted.at,
        size_jump=SIZE_JUMP,
        size_override=override,
        epoch=epoch,
    )


def _is_signed(package: Path, keys: Sequence[ECKey]) -> bool:
    """Tell whether one of these keys signed the manifest of a package."""
    try:
        verify(_manifest_line(package), keys)
    except BadSignature:
        return False
    return True


def _manifest_line(package: Path) -> bytes:
    """Read the manifest's line alone: what follows may be megabytes."""
    with package.open("rb") as file:
        return split(file.read(LONGEST_LINE))[0]


def _newest(builder: Department) -> Manifest | None:
    """Return the manifest of the newest package that the fleet's folder has, None where there is none."""
    return builder.archive.newest([*builder.issuer_keys, *builder.revoked]) if builder.archive else None


def _next_version(newest: Manifest | None, at: datetime, *, on_posts: int) -> int:
    """Return the version of the next complete list: one that no post would refuse as older.

    It follows the fleet's folder. One that was restored from a backup is behind the posts: then the time is the
    version, as it is of a first list. A post's word never takes it further than that: versions only go up, and end.

    Raises ProvisioningError where a post holds a list from the future.
    """
    if newest is not None and newest.version >= on_posts:
        return newest.version + 1
    version = int(at.timestamp())
    if version <= on_posts:
        raise ProvisioningError(
            f"a post holds version {on_posts}, newer than the fleet's folder and than {version} that the time makes: "
            "see which with `platepost provision fleet status`"
        )
    return version


def _complete(
    builder: Department,
    wanted: _Wanted,
    override: str | None,
    previous: Manifest | None,
    *,
    on_posts: int,
    carried: CarriedList | None,
    epoch: Epoch | None,
) -> bytes:
    """Return a list of all entries of people, and all rows of imports but those of cars that were recovered.

    With `carried`, the list that was built by hand takes the place of the imports. Raises _HeldError where it cannot.
    """
    hours = timedelta(hours=policy_in_force().lists.recovered_hours)
    latest = ListRecovery.objects.order_by("at").values_list("plate", "at")
    recovered = [(plate, at + hours) for plate, at in latest]
    version = _next_version(previous, wanted.at, on_posts=on_posts)
    try:
        return build_package(
            chain(wanted.rows(), [TEST_ROW], imported_rows(wanted.at, recovered)),
            agency=builder.agency,
            issuer=builder.issuer,
            version=version,
            signing_key=builder.signing_key,
            post_keys=builder.post_keys,
            unseal_key=builder.unseal_key,
            patterns=wanted.patterns(),
            built=wanted.at,
            previous=previous,
            size_override=override,
            carried=carried,
            epoch=epoch,
        )
    except SourceError as error:
        if carried is None:
            raise
        raise _HeldError(str(error)) from error
