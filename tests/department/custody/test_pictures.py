"""Pictures in a bucket: durable before their records are, each once, checked when they are read, and none left over."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.test import override_settings

from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.errors import CustodyError, PictureStoreError, StoreError
from platepost.department.custody.pictures import UNDER_WAY, delete_unnamed, find_stray, pictures_of
from platepost.department.custody.reading import picture, whole_records
from platepost.department.custody.store import CustodyStore
from platepost.department.custody.tables import CustodyTables
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, KEEPER, OWNER
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.contract.examples import JPEG
from platepost.wire.records import Keyring
from tests.department.custody.conftest import Rows
from tests.department.custody.posts import CHAIN, GROUP, HIT, NOW, Post, deliveries
from tests.department.emptying import empty_ledger
from tests.department.lasting import Lasting
from tests.department.roles import as_role
from tests.s3_store import Bucket

Opened = Callable[[PictureBucket | None], CustodyStore]


@pytest.fixture
def keeping(database: str, rows: Rows, keys: dict[str, Keyring]) -> Iterator[Opened]:
    """Open the store with pictures in a bucket, or in the database."""
    stores: list[CustodyStore] = []

    def opened(bucket: PictureBucket | None) -> CustodyStore:
        while stores:
            stores.pop().close()
        where = f"{database} user={KEEPER}"
        stores.append(CustodyStore(where, keys=lambda name: keys[name], now=lambda: NOW, bucket=bucket))
        return stores[-1]

    yield opened
    while stores:
        stores.pop().close()


@pytest.fixture
def keeper(connect: Lasting) -> Iterator[psycopg.Connection]:
    with connect(KEEPER, autocommit=True) as created:
        yield created


@pytest.fixture(autouse=True)
def empty(connect: Lasting) -> Iterator[None]:
    yield
    with connect(SUPERUSER) as superuser:
        empty_ledger(superuser)


def stored_pictures(rows: Rows) -> list[tuple[int, UUID | None]]:
    return [(record, name) for record, name in rows("SELECT record_id, object FROM custody_picture ORDER BY record_id")]


def unnamed(rows: Rows) -> set[UUID]:
    return {name for (name,) in rows("SELECT object FROM custody_unnamed_object")}


def test_the_database_has_the_names_and_the_bucket_the_bytes(
    keeping: Opened, bucket: Bucket, rows: Rows, keeper: psycopg.Connection
) -> None:
    post = Post()
    created = [post.read(HIT), post.hit(), post.hit(GROUP), *post.record(1)]
    assert keeping(bucket).keep(deliveries(*created))
    matches = stored_pictures(rows)
    assert bucket.objects == {name: JPEG for _, name in matches}
    assert len(bucket.objects) == 3
    assert rows("SELECT count(*) FROM custody_picture WHERE body IS NULL") == [(3,)]
    assert unnamed(rows) == set()
    seen = pictures_of(keeper, [record for record, _ in matches], bucket)
    assert [(each.kind, each.body) for pictures in seen.values() for each in pictures] == [
        *(("patch", JPEG), ("overview", JPEG), ("overview", JPEG)),
    ]


def test_a_picture_that_comes_again_is_one_object(keeping: Opened, bucket: Bucket, rows: Rows) -> None:
    created = Post().read()
    store = keeping(bucket)
    store.keep(deliveries(created.stripped()))
    assert bucket.objects == {}
    store.keep(deliveries(created, created))
    store.keep(deliveries(created))
    keeping(bucket).keep(deliveries(created))
    assert [*bucket.objects] == [name for _, name in stored_pictures(rows)]
    assert len(bucket.objects) == 1
    assert unnamed(rows) == set()


def test_pictures_in_the_database_stay_readable_and_are_not_put_again(
    keeping: Opened, bucket: Bucket, rows: Rows, keeper: psycopg.Connection
) -> None:
    post = Post()
    before, after = post.read(), post.read()
    keeping(None).keep(deliveries(before))
    keeping(bucket).keep(deliveries(before, after))
    ((first, inside), (second, name)) = stored_pictures(rows)
    assert (inside, [*bucket.objects]) == (None, [name])
    matches = pictures_of(keeper, [first, second], bucket)
    assert {record: [each.body for each in those] for record, those in matches.items()} == {
        first: [JPEG],
        second: [JPEG],
    }
    assert [*pictures_of(keeper, [first], None)] == [first], "without a bucket too"
    with pytest.raises(PictureStoreError, match="picture_bucket"):
        pictures_of(keeper, [second], None)


def test_nothing_is_kept_of_a_batch_before_all_its_pictures_are_durable(
    keeping: Opened, bucket: Bucket, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    created = [post.read() for _ in range(20)]
    seen = []
    put = bucket._put

    def refused(name: UUID, body: bytes) -> None:
        seen.append(rows("SELECT count(*) FROM custody_record"))
        if len(seen) == 20:
            raise PictureStoreError("the store is full")
        put(name, body)

    store = keeping(bucket)
    with monkeypatch.context() as patch:
        patch.setattr(bucket, "_put", refused)
        with pytest.raises(StoreError, match="full"):
            store.keep(deliveries(*created))
    assert set(map(str, seen)) == {"[(0,)]"}
    assert rows("SELECT count(*) FROM custody_record") == [(0,)]
    assert bucket.objects == {}, "what was put is taken back"
    assert store.keep(deliveries(*created)) == {CHAIN}
    assert len(bucket.objects) == len(stored_pictures(rows)) == 20


def test_a_store_that_is_away_keeps_back_what_has_pictures(keeping: Opened, away: PictureBucket, rows: Rows) -> None:
    post = Post()
    created = [*post.record(1), post.read()]
    store = keeping(away)
    with pytest.raises(PictureStoreError, match="does not answer") as refused:
        store.keep(deliveries(*created))
    assert isinstance(refused.value, OSError), "the keeper waits then, and tries again"
    assert rows("SELECT count(*) FROM custody_record") == [(0,)]
    announced = unnamed(rows)
    with pytest.raises(PictureStoreError, match="does not answer"):
        store.keep(deliveries(*created))
    assert unnamed(rows) == announced, "trying again, for days, announces nothing"
    assert store.keep(deliveries(created[0])) == {CHAIN}


# --- what is left over


class KilledError(BaseException):
    """The keeper's end."""


@pytest.fixture
def left(keeping: Opened, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Keep a read, and end after its picture was put, before the commit; return what is left over."""
    write = CustodyTables.write

    def cut_off(tables: CustodyTables, *batch: object, **now: object) -> None:
        write(tables, *batch, **now)  # type: ignore[arg-type] - whatever was given
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(CustodyTables, "write", cut_off)
        with pytest.raises(KilledError):
            keeping(bucket).keep(deliveries(Post().read()))
    (name,) = bucket.objects
    return name


def test_what_a_crash_leaves_is_known_and_deleted_once_nobody_puts_it_any_more(
    left: UUID, keeping: Opened, bucket: Bucket, rows: Rows, keeper: psycopg.Connection
) -> None:
    assert (stored_pictures(rows), unnamed(rows)) == ([], {left})
    keeping(bucket).keep(deliveries(Post().read()))
    assert len(bucket.objects) == 2
    assert delete_unnamed(keeper, bucket) == 0, "it may be under way"
    rows("UPDATE custody_unnamed_object SET since = since - %s RETURNING 1", UNDER_WAY)
    assert delete_unnamed(keeper, bucket) == 1
    assert [*bucket.objects] == [name for _, name in stored_pictures(rows)]
    assert (left in bucket.objects, unnamed(rows)) == (False, set())


def test_what_cannot_be_deleted_stays_known(
    rows: Rows, away: PictureBucket, bucket: Bucket, keeper: psycopg.Connection
) -> None:
    names = [UUID(int=number) for number in range(1, 450)]
    rows("INSERT INTO custody_unnamed_object SELECT unnest(%s::uuid[]), '-infinity' RETURNING 1", names)
    for refused in (away, None):
        with pytest.raises(PictureStoreError):
            delete_unnamed(keeper, refused)
    assert unnamed(rows) == {*names}
    bucket.put({names[-1]: b"the last"})()
    assert delete_unnamed(keeper, bucket) == len(names), "those that were never put, too"
    assert (bucket.objects, unnamed(rows)) == ({}, set())


def test_a_keeper_that_slept_until_its_objects_were_deleted_keeps_nothing(
    keeping: Opened, bucket: Bucket, rows: Rows, keeper: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, store, created = bucket.put, keeping(bucket), Post().read()

    def slowly(bodies: dict[UUID, bytes]) -> Callable[[], None]:
        finish = put(bodies)

        def finished() -> None:
            finish()
            rows("UPDATE custody_unnamed_object SET since = since - %s RETURNING 1", UNDER_WAY)
            delete_unnamed(keeper, bucket)

        return finished

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "put", slowly)
        with pytest.raises(PictureStoreError, match="storing took too long"):
            store.keep(deliveries(created))
    assert (stored_pictures(rows), bucket.objects) == ([], {})
    assert store.keep(deliveries(created)) == {CHAIN}
    assert len(stored_pictures(rows)) == 1


def test_what_a_lost_database_knew_alone_is_found_and_deleted_and_nothing_else(
    keeping: Opened, bucket: Bucket, rows: Rows, connect: Lasting
) -> None:
    post = Post()
    keeping(bucket).keep(deliveries(post.read(), post.hit(GROUP)))
    of_records = {name for _, name in stored_pictures(rows)}
    late, lost, under_way = uuid4(), uuid4(), uuid4()
    bucket.put({late: b"late", lost: b"lost", under_way: b"under way"})()
    rows("INSERT INTO custody_unnamed_object VALUES (%s) RETURNING 1", under_way)
    (bucket.folder / "not-ours").write_bytes(b"of somebody else")
    (bucket.folder / "other").mkdir()
    (bucket.folder / "other" / str(lost)).write_bytes(b"of another prefix")
    for name in {*of_records, lost, under_way}:
        os.utime(bucket.folder / str(name), (1_700_000_000, 1_700_000_000))
    before = datetime.fromtimestamp(1_700_000_001, UTC)
    for delete, there in ((False, {lost}), (True, {lost}), (True, set())):
        with connect(OWNER, autocommit=True) as owner:
            objects = find_stray(owner, bucket, before=before, deleted_by="root" if delete else None)
        assert (objects.listed, objects.stray, objects.size) == (4 + len(there), len(there), 4 * len(there))
        assert objects.last == (before - timedelta(seconds=1) if there else None)
    fetched = rows(
        "SELECT json_object_agg(field, value::json) FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event = 'pictures_deleted' GROUP BY number"
    )
    assert fetched == [({"person": "root", "count": 1, "size": 4, "before": before.isoformat()},)], (
        "who, how many, once"
    )
    left = {path.name for path in bucket.folder.iterdir()}
    assert left == {*map(str, of_records | {late, under_way}), "not-ours", "other"}
    assert (bucket.folder / "other" / str(lost)).exists()
    assert unnamed(rows) == {under_way}


def test_nothing_is_found_by_who_does_not_see_every_picture(
    keeping: Opened, bucket: Bucket, keeper: psycopg.Connection
) -> None:
    keeping(bucket).keep(deliveries(Post().hit(GROUP)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        find_stray(keeper, bucket, before=datetime.max.replace(tzinfo=UTC))


# --- reading and verifying


Verified = Callable[[PictureBucket], list[str]]


@pytest.fixture
def verified(keeper: psycopg.Connection, keys: dict[str, Keyring], tmp_path: Path) -> Verified:
    """Verify the whole custody; return what is wrong."""

    def run(bucket: PictureBucket) -> list[str]:
        state = tmp_path / "checked.json"
        verification = CustodyVerification(keeper, keys=keys.__getitem__, receipts=None, state=state, bucket=bucket)
        return [f"{each.number} {each.kind} {each.message}" for each in verification.run(whole=True).problems]

    return run


def test_what_is_altered_or_missing_is_named_by_verify(
    keeping: Opened, bucket: Bucket, away: PictureBucket, rows: Rows, verified: Verified
) -> None:
    post = Post()
    keeping(bucket).keep(deliveries(*(post.read() for _ in range(3))))
    _, altered, missing = stored_pictures(rows)
    assert verified(bucket) == []
    (bucket.folder / str(altered[1])).write_bytes(JPEG[:-1] + b"x")
    (bucket.folder / str(missing[1])).unlink()
    assert verified(bucket) == [
        "2 picture the bytes of its patch are not those that were kept",
        "3 picture its patch is missing in the picture bucket",
    ]
    with pytest.raises(PictureStoreError):
        verified(away)


def test_what_is_altered_or_missing_is_not_shown(
    keeping: Opened, bucket: Bucket, away: PictureBucket, rows: Rows, keeper: psycopg.Connection
) -> None:
    post = Post()
    keeping(bucket).keep(deliveries(*(post.read() for _ in range(3))))
    whole, altered, missing = stored_pictures(rows)
    (bucket.folder / str(altered[1])).write_bytes(JPEG[:-1] + b"x")
    (bucket.folder / str(missing[1])).unlink()
    ids = [whole[0], altered[0], missing[0]]
    for wrong, fields in ((altered, "damaged"), (missing, "missing")):
        with pytest.raises(CustodyError, match=f"record {wrong[0]} is {fields}"):
            pictures_of(keeper, [wrong[0]], bucket)
    lacking: dict[int, str] = {}
    assert [*pictures_of(keeper, ids, bucket, lacking=lacking)] == [whole[0]]
    assert [*lacking] == [altered[0], missing[0]]
    assert pictures_of(keeper, ids, away, lacking=lacking) == {}
    assert {*lacking.values()} == {"the store that has it does not answer"}


def test_what_nobody_may_see_is_not_fetched(
    keeping: Opened, bucket: Bucket, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    keeping(bucket).keep(deliveries(post.read(), post.hit(GROUP)))
    (open_one, covert) = stored_pictures(rows)
    fetched: list[UUID] = []
    get = bucket._get
    monkeypatch.setattr(bucket, "_get", lambda name: (fetched.append(name), get(name))[1])
    asked = {"person": "a", "agency": "b", "purpose": AccessPurpose("patrol"), "query": {}}
    with override_settings(PICTURE_BUCKET=bucket), as_role(COMMAND):
        with open_entry(**asked) as entry:
            assert picture(entry, covert[0], "overview") is None
            assert len(whole_records(entry, records=[open_one[0], covert[0]])) == 1
        assert fetched == [open_one[1]]
        with open_entry(**asked, groups=[GROUP]) as entry:
            picture_bytes = picture(entry, covert[0], "overview")
        assert picture_bytes is not None
        assert (picture_bytes.body, fetched) == (JPEG, [open_one[1], covert[1]])
