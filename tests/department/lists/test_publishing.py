"""From what people entered and files brought to packages that posts hold; only the broker is not there."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.urls import reverse

from platepost.department.database.roles import COMMAND, SIGNER
from platepost.department.lists import imports, publishing, services
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.imports import ImportingUser, take_in
from platepost.department.lists.models import ListEntry, ListImport, ListRequest
from platepost.department.lists.publishing import ListSigner, SignerSettings
from platepost.department.people.models import DepartmentPerson
from platepost.provisioning.commands.authorship import logged
from platepost.provisioning.commands.hotlist import rollback
from platepost.provisioning.commands.hotlist.options import department
from platepost.provisioning.control.keys.rotation import announce, take_into_use
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.epochs import key_messages
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.publish import Sent
from platepost.provisioning.hotlist.rows import HotListRow, SourceError
from platepost.provisioning.hotlist.source import read_rows
from platepost.wire.contract.examples import MemoryStore, example_status
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.epochs import verify_keys
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import load_key, open_package, split
from platepost.wire.records import Envelope, HotListState, Purpose, Recorder, Source
from platepost.wire.records import Signer as RecordSigner
from platepost.wire.records.recorder import new_identifier
from tests.department.lists.conftest import entry_of, fresh_client, stored_entries
from tests.department.people.persons import page_text
from tests.department.roles import as_role

BY = ImportingUser("root", b"secret")


class Office:
    """A fleet, its signer, and one of its posts, which holds what is published."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet.create(folder / "fleet", agency="riverside", administrator="chief")
        self.fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
        self.signer = ListSigner(SignerSettings(folder / "fleet", "chief"))
        self.hotlist: HotList | None = None
        self.published: list[str] = []
        self.versions: list[int] = []
        self.statuses: list[Envelope] = []
        """What the broker retains of posts."""
        self.away = False
        self.holders: list[int] = []
        """Posts that had a key message, at each package."""

    def back_up(self, into: Path) -> None:
        shutil.copytree(self.fleet.list_archive, into)

    def restore(self, backup: Path) -> None:
        """Put the lists of a backup in place of those published since, and sign on from there."""
        shutil.rmtree(self.fleet.list_archive)
        shutil.copytree(backup, self.fleet.list_archive)
        self.signer = ListSigner(SignerSettings(self.fleet.directory, "chief"))

    def publish(self, _connection: object, package: bytes, manifest: Any, *, keys: Path | None = None) -> Sent:
        if self.away:
            raise ProvisioningError("the broker does not answer")
        issuer = load_key(self.fleet.list_verifying_key.read_bytes(), private=False)
        unseal = load_key((self.fleet.post("post-1") / "unseal_key.pem").read_bytes(), private=True)
        messages = key_messages(keys) if keys is not None else {}
        own = messages.get(unseal.thumbprint())
        epochs = {} if own is None else verify_keys(own.read_bytes(), issuer).open(unseal)
        opened = open_package(package, issuer_key=issuer, unseal_key=unseal, epochs=epochs)
        self.holders.append(len(messages))
        self.hotlist = HotList(opened, base=self.hotlist if manifest.kind == "delta" else None)
        self.published.append(manifest.kind)
        self.versions.append(manifest.version)
        if manifest.kind == "complete":
            self.complete = self.hotlist
        return Sent("topic", 0)

    def connect(self, *_: object, listener: Callable[[str, bytes], None], **__: object) -> AbstractContextManager[None]:
        for status in self.statuses:
            listener(status.topic, status.body)
        return nullcontext()

    def say_held(self, version: int) -> None:
        """Have the post say which version it holds."""
        signer = RecordSigner.from_file(self.fleet.post("post-1") / "signing_key.pem")
        recorder = Recorder(MemoryStore(new_identifier()), signer, Source("riverside", "post-1"))
        held = HotListState(state="current", version=version)
        status = example_status("online", new_identifier()).model_copy(update={"hotlist": held})
        self.statuses = [recorder.record(status)]

    def sign(self) -> None:
        self.hotlist = getattr(self, "complete", None)
        with as_role(SIGNER):
            self.signer.publish_waiting()

    def hits(self, plate: str) -> list[str]:
        assert self.hotlist is not None
        return [f"{hit.category} {hit.reference}" for hit in self.hotlist.match(plate, at=datetime.now(UTC))]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    created = Office(tmp_path)
    monkeypatch.setattr(publishing, "Connection", created.connect)
    monkeypatch.setattr(publishing, "LOOK_AROUND_SECONDS", 0)
    monkeypatch.setattr(publishing, "publish", created.publish)
    return created


def enter(person: DepartmentPerson, plate: str, **more: Any) -> ListEntry:
    entry = entry_of(plate, **more)
    with as_role(COMMAND):
        services.enter_entry(entry, person)
    return entry


def test_lists_of_people_reach_posts_by_deltas_and_leave_again(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    author, second = people["a.rivera"], people["b.chen"]
    first = enter(author, "7ABC123")
    office.sign()
    assert office.published == ["complete"], "there was none before"
    waiting = enter(author, "7COV001", distribution="narcotics")
    partial = enter(author, "7XY?9*", category="amber_alert", priority=1, characters=7)
    office.sign()
    assert office.published[1:] == ["delta"]
    assert office.hits("7ABC123") == [f"stolen_vehicle 26-00417 #{first.pk}"]
    assert office.hits("7XYA9BC") == [f"amber_alert 26-00417 #{partial.pk}"]
    assert office.hits("7COV001") == [], "it waits for a second person"
    with as_role(COMMAND):
        services.approve_entry(waiting, second)
        services.end_entry(partial, "found", second)
        assert len(services.recover("7ABC123", "found", second)) == 1
    office.sign()
    assert (office.hits("7ABC123"), office.hits("7XYA9BC")) == ([], [])
    assert len(office.hits("7COV001")) == 1
    first.refresh_from_db()
    assert first.listed_version is not None
    assert (first.unlisted_version or 0) > first.listed_version
    assert set(ListRequest.objects.values_list("state", flat=True)) == {"published"}
    fields = [act for act in office.fleet.acts if act.action == "hotlist_publish"]
    assert {act.identity for act in fields} == {"chief"}
    assert "b.chen" in str(fields[-1].details["purpose"])
    assert not any("7ABC123" in str(act) for act in office.fleet.acts)


def test_what_fails_waits_and_is_published_once_the_broker_is_back(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    enter(people["a.rivera"], "7ABC123")
    office.away = True
    with pytest.raises(ProvisioningError):
        office.sign()
    request = ListRequest.objects.get()
    assert (request.state, request.message) == ("waiting", "the broker does not answer")
    office.away = False
    office.sign()
    assert len(office.hits("7ABC123")) == 1
    request.refresh_from_db()
    assert (request.state, request.message) == ("published", "")
    assert ListEntry.objects.get().listed_version == request.version
    office.sign()
    assert len(office.published) == 1, "nothing waits"


def test_partial_plates_beyond_what_posts_carry_hold_up_nobody_and_their_people_are_told(
    office: Office, people: dict[str, DepartmentPerson], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MOST_PATTERNS", 1)
    author, other = people["a.rivera"], people["f.other"]
    older = enter(other, "7AB?1*")
    covert = enter(author, "7CD?1*", distribution="narcotics")
    with as_role(COMMAND):
        services.approve_entry(covert, people["b.chen"])
        services.end_entry(older, "found", other)
    office.sign()
    newer = enter(other, "7EF?1*")
    assert "not yet: posts have" not in page_of(other), "nobody has looked for room yet"
    whole = enter(other, "7ABC123")
    office.sign()
    assert [len(office.hits(plate)) for plate in ("7CDX1AA", "7EFX1AA", "7ABC123")] == [1, 0, 1]
    newer.refresh_from_db()
    whole.refresh_from_db()
    assert (newer.listed_version, whole.listed_version) == (None, office.versions[-1])
    for page in (page_of(other), page_of(other, newer)):
        assert page.count("not yet: posts have no room for more partial plates") == 1
        assert "7CD" not in page
    with as_role(COMMAND):
        services.end_entry(covert, "found", author)
    office.sign()
    assert [len(office.hits(plate)) for plate in ("7CDX1AA", "7EFX1AA")] == [0, 1]
    assert "not yet: posts have" not in page_of(other)


def page_of(person: DepartmentPerson, entry: ListEntry | None = None) -> str:
    address = reverse("lists") if entry is None else reverse("list_entry", args=[entry.pk])
    client = fresh_client(person)
    with as_role(COMMAND):
        return page_text(client.get(address))


def test_fleet_that_was_restored_from_a_backup_publishes_what_posts_do_not_refuse_as_older(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    office.back_up(tmp_path / "backup")
    held = office.versions[-1] + 3
    for number in range(held - office.versions[-1]):
        enter(people["a.rivera"], f"7NEW11{number}")
        office.sign()
    assert office.versions[-1] == held
    office.say_held(held)
    office.restore(tmp_path / "backup")
    enter(people["a.rivera"], "7NEW222")
    with pytest.MonkeyPatch.context() as later:
        later.setattr(publishing, "datetime", Later)
        office.sign()
    assert (office.published[-1], office.versions[-1] > held) == ("complete", True)
    assert [len(office.hits(plate)) for plate in ("7ABC123", "7NEW111", "7NEW222")] == [1, 1, 1]
    enter(people["a.rivera"], "7NEW333")
    office.sign()
    assert office.published[-1] == "delta"


def test_post_that_comes_back_to_a_restored_fleet_is_not_left_with_its_newer_list(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    """It would refuse each list as older, and keep what was ended since."""
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    office.back_up(tmp_path / "backup")
    for number in range(4):
        enter(people["a.rivera"], f"7NEW11{number}")
        office.sign()
    held = office.versions[-1]
    office.restore(tmp_path / "backup")  # while no post is heard
    with pytest.MonkeyPatch.context() as later:
        later.setattr(publishing, "datetime", Later)
        for plate in ("7NEW222", "7NEW333"):
            enter(people["a.rivera"], plate)
            office.sign()
            assert (office.published[-1], office.versions[-1] < held) == ("delta", True)
            assert ListRequest.objects.filter(state="waiting").exists() == (plate == "7NEW333")
            office.say_held(held)
        office.sign()
    assert (office.published[-1], office.versions[-1] > held) == ("complete", True)
    assert [len(office.hits(plate)) for plate in ("7ABC123", "7NEW113", "7NEW333")] == [1, 1, 1]
    enter(people["a.rivera"], "7NEW444")
    office.sign()
    assert office.published[-1] == "delta"
    assert not ListRequest.objects.filter(state="waiting").exists()


class Later(datetime):
    """An hour from now: more seconds went by than lists were published."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        return cls.fromtimestamp(datetime.now(tz).timestamp() + 3600, tz)


def test_version_that_a_post_holds_from_the_future_takes_no_version_with_it(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    office.say_held(2**53 - 1)
    enter(people["a.rivera"], "7ABC123")
    with pytest.raises(ProvisioningError, match="a post holds version 9007199254740991"):
        office.sign()
    assert "a post holds version" in ListRequest.objects.get().message
    assert office.published == []


def test_entry_that_ended_before_its_list_got_out_is_on_no_list_after_it(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    author = people["a.rivera"]
    enter(author, "7ABC123")
    office.sign()
    wrong = enter(author, "7NEW111")
    partial = enter(author, "7XY?9*")
    office.away = True
    with pytest.raises(ProvisioningError):
        office.sign()
    office.away = False
    with as_role(COMMAND):
        services.end_entry(wrong, "typed wrong", author)
        services.end_entry(partial, "typed wrong", author)
    office.sign()
    assert office.published == ["complete", "delta"]
    assert (office.hits("7NEW111"), office.hits("7XYA9BC")) == ([], [])
    assert len(office.hits("7ABC123")) == 1


def test_imports_are_cleaned_held_let_go_and_kept_from_recovered_cars(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path, superuser: psycopg.Connection
) -> None:
    file = tmp_path / "state.csv"
    head = "plate,category\n"
    file.write_text(head + "7IMP001,stolen_vehicle\n7IMP002,stolen_vehicle\nNONE,stolen_vehicle\n7IMP003,gossip\n")
    with as_role(SIGNER):
        list_import = take_in(file, "state", None, BY)
        assert list_import is not None
        assert (list_import.accepted, list_import.refused, list_import.held_because) == (
            2,
            2,
            "the first file of this source",
        )
        assert [line for line, _ in list_import.report] == [4, 5]
        assert "NONE" not in str(list_import.report)
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    assert office.hits("7IMP001") == [], "nobody has let it go"
    with as_role(COMMAND):
        with pytest.raises(ListRefusedError, match="supervisor"):
            services.let_import_go(list_import.pk, "the state's", people["a.rivera"])
        services.let_import_go(list_import.pk, "the state's", people["b.chen"])
    office.sign()
    assert [len(office.hits(plate)) for plate in ("7IMP001", "7IMP002", "7ABC123")] == [1, 1, 1]
    with as_role(COMMAND):
        services.recover("7IMP001", "found", people["b.chen"])
    office.sign()
    assert (office.published[-1], office.hits("7IMP001")) == ("delta", [])
    with as_role(SIGNER):
        assert take_in(file, "state", None, BY) is None, "the very same file"
        file.write_text(head + "7IMP001,stolen_vehicle\n7IMP002,stolen_vehicle\n")
        again = take_in(file, "state", None, BY)
        assert again is not None
        assert again.held_because is None
    office.sign()
    assert office.published[-1] == "complete"
    assert (office.hits("7IMP001"), len(office.hits("7IMP002"))) == ([], 1), "the export is older than the news"
    assert list(ListImport.objects.filter(file=None).values_list("pk", flat=True)) == [list_import.pk]
    noted = "SELECT plate, category, source FROM lists_imported ORDER BY plate"
    stored = [(plate, "stolen_vehicle", "state") for plate in ("7IMP001", "7IMP002")]
    assert superuser.execute(noted).fetchall() == stored, "a post may have the former list still"
    superuser.execute("UPDATE lists_imported SET left_at = left_at - interval '8 days'")
    superuser.execute("INSERT INTO lists_request (kind) VALUES ('complete')")
    office.sign()
    assert superuser.execute(noted).fetchall() == stored[1:]
    superuser.execute("UPDATE lists_recovery SET at = at - interval '49 hours'")
    superuser.execute("INSERT INTO lists_request (kind) VALUES ('complete')")
    office.sign()
    assert len(office.hits("7IMP001")) == 1, "two days later the state lists it still"


@pytest.mark.parametrize("changed", [True, False])
def test_complete_list_follows_a_revoked_key(
    office: Office, people: dict[str, DepartmentPerson], *, changed: bool
) -> None:
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    with as_role(SIGNER):
        office.signer.ask_daily()
    assert not ListRequest.objects.filter(state="waiting").exists()
    announce(office.fleet, office.fleet.keys(Purpose.LISTS), "chief", vouch="root", revoke=True)
    take_into_use(office.fleet.keys(Purpose.LISTS))
    if changed:
        enter(people["a.rivera"], "7NEW111")
    else:
        with as_role(SIGNER):
            office.signer.ask_daily()
    office.sign()
    assert office.published == ["complete", "complete"], "no post has anything of the revoked key's"
    assert [len(office.hits(plate)) for plate in ("7ABC123", "7NEW111")] == [1, changed]


def test_complete_list_follows_a_post_that_came_after_the_last_one(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    office.fleet.add_post("post-2", PostSettings(brokers=("localhost:1",)))
    with as_role(SIGNER):
        office.signer.ask_daily()
    office.sign()
    assert office.published == ["complete", "complete"]
    with as_role(SIGNER):
        office.signer.ask_daily()
    assert not ListRequest.objects.filter(state="waiting").exists(), "once is enough"


def test_in_format_2_a_new_post_costs_a_delta_and_a_message(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    office.signer = ListSigner(SignerSettings(office.fleet.directory, "chief", list_format=2))
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    office.fleet.add_post("post-2", PostSettings(brokers=("localhost:1",)))
    for _ in range(2):
        with as_role(SIGNER):
            office.signer.ask_daily()
    office.sign()
    assert (office.published, office.holders) == (["complete", "delta"], [1, 2])
    assert len(office.hits("7ABC123")) == 1
    with as_role(SIGNER):
        office.signer.ask_daily()
    assert not ListRequest.objects.filter(state="waiting").exists(), "once is enough"


def test_file_that_is_still_being_written_is_not_taken_in(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del office
    file = tmp_path / "state.csv"
    file.write_text("plate,category\n7IMP001,stolen_vehicle\n")

    def read_while_written(*given: Any, **more: Any) -> Iterator[Any]:
        yield from read_rows(*given, **more)
        with file.open("a") as end:
            end.write("7IMP002,stolen_vehicle\n")

    monkeypatch.setattr(imports, "read_rows", read_while_written)
    with as_role(SIGNER), pytest.raises(SourceError, match=r"state\.csv: was changed while it was read"):
        take_in(file, "state", None, BY)
    assert not ListImport.objects.exists()


def test_list_of_a_size_beyond_belief_is_held_until_somebody_lets_it_go(
    office: Office, people: dict[str, DepartmentPerson]
) -> None:
    for number in range(13):
        enter(people["a.rivera"], f"7ABC{number:03d}")
    office.sign()
    with as_role(COMMAND):
        for entry in stored_entries():
            services.end_entry(entry, "test", people["b.chen"])
    office.sign()
    held = ListRequest.objects.filter(state="held")
    assert held.count() == 13
    assert "more than 30%" in held[0].message
    with as_role(COMMAND):
        services.let_request_go(held[0].pk, "the case is closed", people["c.doe"])
    office.sign()
    assert office.hits("7ABC001") == []
    assert ListRequest.objects.filter(state="let_go").count() == 1


def test_daily_list_comes_again_though_one_was_held(
    office: Office, people: dict[str, DepartmentPerson], superuser: psycopg.Connection
) -> None:
    """No one lets a list go that is said to be wrong; what was wrong is right by the next day."""
    plates = [f"7ABC{number:03d}" for number in range(13)]
    for plate in plates:
        enter(people["a.rivera"], plate)
    office.sign()
    with as_role(COMMAND):
        for entry in stored_entries():
            services.end_entry(entry, "test", people["b.chen"])
    superuser.execute("INSERT INTO lists_request (kind) VALUES ('complete')")
    office.sign()
    assert [each.kind for each in ListRequest.held()] == ["complete", "delta"], "of 14 that are held"
    for plate in plates:
        enter(people["a.rivera"], plate)
    office.sign()
    assert [each.kind for each in ListRequest.held()] == ["complete"]
    package = Archive(office.fleet.list_archive).complete
    assert package is not None
    os.utime(package, (0, 0))

    def daily() -> list[str]:
        with as_role(SIGNER):
            office.signer.ask_daily()
        return list(ListRequest.objects.filter(state="waiting").values_list("kind", flat=True))

    assert daily() == [], "one is held since today"
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE lists_request SET at = at - interval '25 hours' WHERE kind = 'complete'")
    superuser.execute("RESET session_replication_role")
    assert daily() == ["complete"]
    office.sign()
    assert (office.published[-1], ListRequest.held()) == ("complete", [])


def test_import_that_is_held_goes_when_a_later_one_counts_and_is_kept_once(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    """A timer brings the very file again each night; a file that was cut off is followed by a whole one."""
    del office
    file, good = tmp_path / "state.csv", [f"7IMP{number:03d},stolen_vehicle\n" for number in range(40)]

    def came(rows: list[str]) -> ListImport | None:
        file.write_text(f"plate,category\n{''.join(rows)}")
        with as_role(SIGNER):
            return take_in(file, "state", None, BY)

    first, again = came(good), came(good)
    assert first is not None
    assert (again and again.pk, ListImport.objects.count()) == (first.pk, 1)
    with as_role(COMMAND):
        services.let_import_go(first.pk, "the state's", people["b.chen"])
    cut, cut_again = came(good[:3]), came(good[:3])
    assert cut is not None
    assert (cut.held_because, cut_again and cut_again.pk) == ("3 rows after 40", cut.pk)
    assert [each.pk for each in imports.held_imports()] == [cut.pk]
    assert came([*good, "7IMP900,stolen_vehicle\n"]) is not None
    assert imports.held_imports() == []
    with as_role(COMMAND), pytest.raises(ListRefusedError, match="a later file"):
        services.let_import_go(cut.pk, "by mistake", people["b.chen"])


def set_back(office: Office) -> None:
    """Do what `hotlist rollback` does."""
    builder = department(
        fleet_directory=office.fleet.directory, agency=None, issuer=None, signing_key=None, unseal_key=None,
        post_key_paths=(), who="chief", purpose="the export was wrong",
    )  # fmt: skip
    package = rollback._back(builder, None, "the export was wrong").read_bytes()
    manifest = read_unverified(split(package)[0])
    with logged(
        builder.author, "hotlist_publish", "hotlist_published", object=str(manifest.version), details={"broker": "b"}
    ):
        office.publish(None, package, manifest)


def test_list_that_was_set_back_by_hand_is_not_built_of_the_same_import_again(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    file, good = tmp_path / "state.csv", "".join(f"7IMP{number:03d},stolen_vehicle\n" for number in range(40))
    file.write_text(f"plate,category\n{good}")
    with as_role(SIGNER):
        first = take_in(file, "state", None, BY)
    assert first is not None
    with as_role(COMMAND):
        services.let_import_go(first.pk, "the county's", people["c.doe"])
    enter(people["a.rivera"], "7OLD111")
    office.sign()
    file.write_text(f"plate,category\n{good}8BAD001,stolen_vehicle\n")
    with as_role(SIGNER):
        take_in(file, "state", None, BY)
    with as_role(COMMAND):
        services.recover("7OLD111", "found", people["b.chen"])
        services.recover("7IMP002", "found", people["b.chen"])
    office.sign()
    assert [bool(office.hits(plate)) for plate in ("8BAD001", "7OLD111", "7IMP002", "7IMP001")] == [1, 0, 0, 1]
    set_back(office)
    assert [bool(office.hits(plate)) for plate in ("8BAD001", "7OLD111", "7IMP002", "7IMP001")] == [0, 1, 1, 1]
    enter(people["a.rivera"], "7NEW111")
    with as_role(SIGNER):
        ListRequest.objects.create(kind="complete")
    office.sign()
    assert office.published[-1] == "delta"
    plates = ("8BAD001", "7OLD111", "7IMP002", "7IMP001", "7NEW111")
    assert [bool(office.hits(plate)) for plate in plates] == [0, 0, 0, 1, 1], "nor comes back what was found since"
    held = ListRequest.objects.get(state="held")
    assert "were set back to an earlier list by hand" in held.message
    file.write_text(f"plate,category\n{good}")
    with as_role(SIGNER):
        take_in(file, "state", None, BY)
    with as_role(COMMAND):
        services.let_request_go(held.pk, "the county sent another file", people["c.doe"])
    office.sign()
    assert office.published[-1] == "complete"
    assert [bool(office.hits(plate)) for plate in plates] == [0, 0, 0, 1, 1]


def by_hand(office: Office, plates: list[str], *, partial: tuple[PatternEntry, ...] = ()) -> None:
    """Build and publish a complete list as `hotlist build` and `hotlist publish` do."""
    builder = department(
        fleet_directory=office.fleet.directory, agency=None, issuer=None, signing_key=None, unseal_key=None,
        post_key_paths=(), who="chief", purpose="the state's export",
    )  # fmt: skip
    package = build_package(
        [HotListRow(plate, "stolen_vehicle", 2, reference="state") for plate in plates],
        agency=builder.agency, issuer=builder.issuer, version=17, signing_key=builder.signing_key,
        post_keys=builder.post_keys, unseal_key=builder.unseal_key, patterns=partial,
    )  # fmt: skip
    builder.hand_out(package, None, files=Files(None), refused=0)
    with logged(builder.author, "hotlist_publish", "hotlist_published", object="17", details={"broker": "b"}):
        office.publish(None, package, read_unverified(split(package)[0]))


def test_list_built_by_hand_is_the_first_import_and_holds_up_no_entry(
    office: Office, people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    end = datetime.now(UTC) + timedelta(days=9)
    partial = PatternEntry(pattern="7XY?9*", category="amber_alert", priority=1, case="state", author="x", expires=end)
    by_hand(office, [f"8HND{number:03d}" for number in range(205)], partial=(partial,))
    plates = ("8HND000", "8HND001", "7XYA9BC", "7ABC123")

    def listed() -> list[bool]:
        return [bool(office.hits(plate)) for plate in plates]

    enter(people["a.rivera"], "7ABC123")
    office.sign()
    assert (office.published, listed()) == (["complete", "delta"], [True, True, True, True])
    adopted = ListImport.objects.get()
    assert (adopted.source, adopted.accepted, adopted.held_because) == ("by-hand", 205, None)
    with as_role(COMMAND):
        services.recover("8HND001", "found", people["b.chen"])
    for kind in ("delta", "complete", "complete"):
        if kind == "complete":
            ListRequest.objects.create(kind="complete")
        office.sign()
        assert (office.published[-1], listed()) == (kind, [True, False, True, True])
    enter(people["a.rivera"], "7NEW111")
    office.sign()
    assert (office.published[-1], bool(office.hits("7NEW111")), ListRequest.held()) == ("delta", True, [])
    assert ListImport.objects.count() == 1, "once"
    file = tmp_path / "state.csv"
    file.write_text("plate,category\n" + "".join(f"8HND{number:03d},stolen_vehicle\n" for number in range(2, 6)))
    with as_role(SIGNER):
        with pytest.raises(ListRefusedError, match="name the source"):
            take_in(file, "by-hand", None, BY)
        take_in(file, "state", None, BY)
    supervisor = fresh_client(people["b.chen"])
    (import_held,) = imports.held_imports()
    with as_role(COMMAND):
        page = page_text(supervisor.get(reverse("lists")))
        assert f"Use import {import_held.pk}: removes 201 of 205 plates</button>" in page
        services.let_import_go(import_held.pk, "the state's", people["b.chen"])
    enter(people["a.rivera"], "7NEW222")
    office.sign()
    assert office.published[-1] == "complete", "by the reason that the supervisor gave beside these numbers"
    assert [bool(office.hits(plate)) for plate in ("8HND000", "8HND002", "7NEW222")] == [False, True, True]
    assert ListRequest.held() == []


def test_whole_list_that_is_held_holds_up_no_entry(
    office: Office, people: dict[str, DepartmentPerson], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "state.csv"
    file.write_text("plate,category\n" + "".join(f"8HND{number:03d},stolen_vehicle\n" for number in range(205)))
    with as_role(SIGNER):
        first = take_in(file, "state", None, BY)
    assert first is not None
    with as_role(COMMAND):
        services.let_import_go(first.pk, "the state's", people["c.doe"])
    office.sign()
    monkeypatch.setattr(publishing, "imported_rows", no_rows)  # as where all have expired
    waiting = enter(people["a.rivera"], "7ABC222")
    ListRequest.objects.create(kind="complete")
    office.sign()
    (held,) = ListRequest.held()
    assert (held.kind, held.size_before, held.size_after) == ("complete", 206, 2)
    assert (office.published[-1], bool(office.hits("7ABC222"))) == ("delta", True), "entries go on as deltas"
    supervisor = fresh_client(people["b.chen"])
    with as_role(COMMAND):
        assert "Publish: removes 204 of 206 plates</button>" in page_text(supervisor.get(reverse("lists")))
        assert "NOT at the posts" not in page_text(supervisor.get(reverse("list_entry", args=[waiting.pk])))
        services.let_request_go(held.pk, "the state's", people["b.chen"])
    office.sign()
    assert [bool(office.hits(plate)) for plate in ("8HND000", "7ABC222")] == [False, True]


def no_rows(*_: object) -> Iterator[HotListRow]:
    return iter(())


def test_list_built_by_hand_and_not_published_is_not_published(
    office: Office, people: dict[str, DepartmentPerson], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "away", True)
    with pytest.raises(ProvisioningError):
        by_hand(office, ["8HND000"])
    monkeypatch.setattr(office, "away", False)
    enter(people["a.rivera"], "7ABC123")
    office.sign()
    assert [bool(office.hits(plate)) for plate in ("8HND000", "7ABC123")] == [False, True]
    assert not ListImport.objects.exists()


def test_amber_alert_reaches_posts_while_the_list_is_held(
    office: Office, people: dict[str, DepartmentPerson], superuser: psycopg.Connection
) -> None:
    superuser.execute("UPDATE lists_policy SET at_once = '{amber_alert}'")
    entries = [enter(people["a.rivera"], f"7ABC{number:03d}") for number in range(13)]
    office.sign()
    with as_role(COMMAND):
        for entry in entries:
            services.end_entry(entry, "test", people["b.chen"])
    amber = enter(people["a.rivera"], "7AMB111", category="amber_alert", priority=1)
    later = enter(people["a.rivera"], "7STO111")
    office.sign()
    assert [bool(office.hits(plate)) for plate in ("7AMB111", "7STO111", "7ABC000")] == [True, False, True]
    assert (ListRequest.held_since(), len(ListRequest.held())) != (None, 0)
    amber.refresh_from_db()
    assert amber.listed_version == office.versions[-1]
    client = fresh_client(people["b.chen"])
    with as_role(COMMAND):
        shown = {entry: page_text(client.get(reverse("list_entry", args=[entry.pk]))) for entry in (amber, later)}
        ended = page_text(client.get(reverse("list_entry", args=[entries[0].pk])))
    assert "NOT at the posts: held since" in shown[later]
    assert "NOT at the posts" not in shown[amber]
    assert "STILL at the posts: held since" in ended
    office.sign()
    assert len(office.published) == 2, "nothing is new"
    second = enter(people["a.rivera"], "7AMB222", category="amber_alert", priority=1)
    office.away = True
    with pytest.raises(ProvisioningError):
        office.sign()
    office.away = False
    office.sign()
    second.refresh_from_db()
    assert second.listed_version == office.versions[-1], "also when the broker was away meanwhile"
    with as_role(COMMAND):
        services.let_request_go(ListRequest.held()[0].pk, "the case is closed", people["c.doe"])
    office.sign()
    assert [bool(office.hits(plate)) for plate in ("7AMB111", "7STO111", "7ABC000")] == [True, True, False]
