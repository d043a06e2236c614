"""The signer: has what people entered and what was imported built, signed and published, and says what came of it.

It runs where the fleet's folder and its keys are. All that it does with them is `provisioning`'s; the log of acts has
it in the name of the service, with the names of the people whose requests these were.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from platepost.department.lists.imports import forget_former, imported_rows
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
from platepost.provisioning.hotlist.changes import Removal, from_news
from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.distribution import all_heard
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.publish import publish
from platepost.provisioning.hotlist.report import facts_of
from platepost.provisioning.hotlist.rows import TEST_ROW, HotListRow, SizeJumpError
from platepost.wire.hotlist.errors import BadSignature, ChainTooLong
from platepost.wire.hotlist.keys import PlateText
from platepost.wire.hotlist.layout import MOST_PATTERNS, PatternEntry
from platepost.wire.hotlist.manifest import LONGEST_LINE, LONGEST_REASON, Manifest, read_unverified, verify
from platepost.wire.hotlist.package import PackageFile, load_key, recipients, split
from platepost.wire.hotlist.settings import SIZE_JUMP
from platepost.wire.records.keys import Purpose

LOCK = 4_218_870_551
"""Advisory lock of the one signer of a database."""
COMPLETE_EVERY = timedelta(hours=24)
"""How old a complete list becomes before another is built: deltas grow, and a package is good for seven days."""
_SET_BACK = "posts were set back to an earlier list by hand, as version {}: look at the imports first"
"""Why a whole list is held then: it would bring back what was wrong."""
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What posts are to have, as of one moment, and what is to be noted once they are offered it."""

    at: datetime
    entries: Sequence[ListEntry]
    gone: Sequence[ListEntry]
    recoveries: Sequence[ListRecovery]

    @classmethod
    def now(cls) -> "_Wanted":
        ids = [number for (number,) in rows("SELECT id FROM lists_in_force")]
        people = ListEntry.objects.order_by("pk")
        # A package that was built and never got out has entries that were never listed: the next delta goes on from it.
        approved = people.exclude(second_person=True, at_once=False, approved_at=None)
        return cls(
            datetime.now(UTC),
            _carried(people.filter(pk__in=ids)),
            list(approved.filter(unlisted_version=None).exclude(ended_at=None)),
            list(ListRecovery.objects.filter(version=None)),
        )

    def rows(self) -> Iterator[HotListRow]:
        for entry in self.entries:
            if not entry.partial:
                yield HotListRow(
                    entry.plate, entry.category, entry.priority, entry.state, entry.expires_at,
                    entry.reference.strip(), entry.distribution, entry.safe,
                )  # fmt: skip

    def patterns(self) -> tuple[PatternEntry, ...]:
        return tuple(entry.pattern(entry.reference, entry.author) for entry in self.entries if entry.partial)

    def removals(self) -> Iterator[Removal]:
        return _removals(self.gone, self.recoveries)


def _carried(entries: Iterable[ListEntry]) -> list[ListEntry]:
    """Return the entries without the partial plates that posts have no room for: the newest, none that is listed.

    The pages cannot see that there is no room: other people's covert entries are hidden from them.
    """
    entries = list(entries)
    partial = sorted((each for each in entries if each.partial), key=lambda each: (not each.listed_version, each.pk))
    left_out = {each.pk for each in partial[MOST_PATTERNS:]}
    return [each for each in entries if each.pk not in left_out]


def _removals(gone: Iterable[ListEntry], recoveries: Iterable[ListRecovery]) -> Iterator[Removal]:
    for entry in gone:
        if not entry.partial:
            yield Removal(0, PlateText(entry.plate), reference=entry.reference.strip())
    for recovery in recoveries:
        yield Removal(0, PlateText(recovery.plate))


class _SetBackError(HotListError):
    """Posts were set back to an earlier list by hand: a person looks at the sources before another is built of them."""


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

        Posts let go of what a revoked key signed; a new post opens none that was built before it came.
        """
        newest = Archive(self._fleet.list_archive).complete
        age = float("inf")
        if newest is not None and self._is_for_all(newest):
            age = datetime.now(UTC).timestamp() - newest.stat().st_mtime
        # One that is held is asked for again the next day: what was wrong may be right by then.
        lately = Q(state="held", at__gt=datetime.now(UTC) - COMPLETE_EVERY)
        asked = ListRequest.objects.filter(Q(state="waiting") | lately, kind="complete").exists()
        if age > COMPLETE_EVERY.total_seconds() and not asked:
            ListRequest.objects.create(kind="complete")

    def _is_for_all(self, package: Path) -> bool:
        paths = (path for post in self._fleet.posts() if (path := self._fleet.recipient_key(post)).is_file())
        try:
            with package.open("rb") as file:
                sealed_to = set(recipients(split(PackageFile(file.fileno()))[1]))
            return _is_signed(package, self._fleet.keys(Purpose.LISTS).readable()) and all(
                load_key(path.read_bytes(), private=False).thumbprint() in sealed_to for path in paths
            )
        except HotListError:  # damaged: who builds the next one says so
            return False

    def publish_waiting(self) -> Manifest | None:
        """Publish one package for all requests that wait; return its manifest, None where none waits or it is held.

        Raises:
            ProvisioningError: the broker, or the fleet's files, do not take it. The requests wait, and say so.
            HotListError: what was built before is damaged.
            LedgerError: it was published, and cannot be entered; the requests wait, and are published again.

        """
        requests = list(ListRequest.objects.filter(state="waiting").order_by("pk"))
        if not requests:
            return None
        try:
            set_back = self._set_back()
            if set_back is not None:
                held = [each for each in requests if each.kind == "complete" and not each.override]
                self._note(held, "held", _SET_BACK.format(set_back))
                requests = [each for each in requests if each not in held]
            return self._published(requests, set_back) if requests else None
        except (SizeJumpError, _SetBackError) as error:
            self._note(requests, "held", str(error).partition(". ")[0])
            return None
        except (ProvisioningError, HotListError) as error:
            self._note(requests, "waiting", str(error))
            raise

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

    def _published(self, requests: Sequence[ListRequest], set_back: int | None) -> Manifest:
        wanted = _Wanted.now()
        names = ", ".join(sorted({each.person for each in requests if each.person is not None}))
        numbers = ", ".join(str(each.pk) for each in requests)
        builder = opened_department(
            fleet_directory=self._settings.fleet, agency=None, issuer=None, signing_key=None, unseal_key=None,
            post_key_paths=(), who=self._settings.who,
            purpose=f"department's lists, asked for by {names or 'the timer'}: {numbers}"[:200],
        )  # fmt: skip
        override = "; ".join(each.override for each in requests if each.override)[:LONGEST_REASON] or None
        broker = self._settings.broker or self._fleet.broker_address
        # First: nothing is built, and no version is used up, while the broker is away.
        watch = monitor_of(self._fleet)
        with Connection(self._fleet.publisher, broker=broker, topics=watch.topics, listener=watch.hear) as connected:
            if self._on_posts is None:
                watch.wait_until(all_heard, seconds=LOOK_AROUND_SECONDS)
                self._on_posts = max((post.version or 0 for post in watch.posts.values()), default=0)
            newest = _newest(builder)
            is_behind = newest is not None and newest.version < self._on_posts
            package = None
            if not is_behind and all(each.kind == "delta" for each in requests):
                package = _delta(builder, wanted, override, set_back)
            if package is None and set_back is not None and override is None:
                raise _SetBackError(_SET_BACK.format(set_back))
            if package is None:
                package = _complete(builder, wanted, override, newest, on_posts=self._on_posts)
            builder.hand_out(package, None, files=Files(None), refused=0)
            manifest = read_unverified(split(package)[0])
            details = facts_of(manifest) | {"broker": broker, "older": False}
            version = str(manifest.version)
            with logged(builder.author, "hotlist_publish", "hotlist_published", object=version, details=details) as end:
                sent = publish(connected, package, manifest)
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
        numbers = [each.pk for each in requests]
        fields = {"kind": manifest.kind, "version": manifest.version, "requests": numbers}
        now = datetime.now(UTC)
        with entering(LedgerEvent.LIST_PUBLISHED, fields):
            listed = ListEntry.objects.filter(pk__in=[each.pk for each in wanted.entries], listed_version=None)
            listed.update(listed_version=manifest.version, listed_at=now)
            gone = ListEntry.objects.filter(pk__in=[each.pk for each in wanted.gone])
            gone.update(unlisted_version=manifest.version)
            ListRecovery.objects.filter(pk__in=[each.pk for each in wanted.recoveries]).update(version=manifest.version)
            ListRequest.objects.filter(pk__in=numbers).update(
                state="published", message="", version=manifest.version, published_at=now
            )
        if manifest.kind == "complete":
            forget_former()

    @staticmethod
    def _note(requests: Sequence[ListRequest], state: str, text: str) -> None:
        ListRequest.objects.filter(pk__in=[each.pk for each in requests]).update(state=state, message=text)


def _delta(builder: Department, wanted: _Wanted, override: str | None, set_back: int | None) -> bytes | None:
    """Return what changed since the complete list; None where there is none, or too much changed for a delta."""
    archive = builder.archive
    if archive is None or archive.complete is None:
        return None
    # One that was built and never published, or by hand, is on no post that we know of.
    if set_back is None and not ListRequest.objects.filter(version=archive.completes[0]).exists():
        return None
    if not _is_signed(archive.complete, builder.issuer_keys):
        return None
    held = builder.held(archive.complete, archive.delta)
    removals = wanted.removals()
    if set_back is not None:  # what went since that list was built stands on it again
        since = held.complete.manifest.built
        ended = ListEntry.objects.filter(ended_at__gte=since).order_by("pk")
        removals = chain(removals, _removals(ended, ListRecovery.objects.filter(at__gte=since)))
    try:
        changes, _ = from_news(held, RowSource(wanted.rows()), removals)
    except ChainTooLong:
        return None
    return build_delta(
        held,
        changes.overlay,
        patterns=wanted.patterns(),
        issuer=builder.issuer,
        version=held.newest.version + 1,
        signing_key=builder.signing_key,
        post_keys=builder.post_keys,
        unseal_key=builder.own_key,
        built=wanted.at,
        size_jump=SIZE_JUMP,
        size_override=override,
    )


def _is_signed(package: Path, keys: Sequence[ECKey]) -> bool:
    """Tell whether one of these keys signed the manifest of a package."""
    with package.open("rb") as file:
        line, _ = split(file.read(LONGEST_LINE))
    try:
        verify(line, keys)
    except BadSignature:
        return False
    return True


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
    builder: Department, wanted: _Wanted, override: str | None, previous: Manifest | None, *, on_posts: int
) -> bytes:
    """Return a list of all entries of people, and all rows of imports but those of cars that were recovered."""
    hours = timedelta(hours=policy_in_force().lists.recovered_hours)
    latest = ListRecovery.objects.order_by("at").values_list("plate", "at")
    recovered = [(plate, at + hours) for plate, at in latest]
    return build_package(
        chain(wanted.rows(), [TEST_ROW], imported_rows(wanted.at, recovered)),
        agency=builder.agency,
        issuer=builder.issuer,
        version=_next_version(previous, wanted.at, on_posts=on_posts),
        signing_key=builder.signing_key,
        post_keys=builder.post_keys,
        unseal_key=builder.unseal_key,
        patterns=wanted.patterns(),
        built=wanted.at,
        previous=previous,
        size_override=override,
    )
