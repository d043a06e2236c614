"""Fixtures of the archive's tests: records of three weeks that are long over, and those who keep, plan and purge."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from joserfc.jwk import ECKey
from pytest_django.fixtures import Settings

from platepost.department.archive.purge import Certifier, PurgeAuthority, approve_purge, carry_out, plan_purge
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import CheckReport
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, KEEPER, PURGER
from platepost.department.folder import DepartmentSettings
from platepost.department.people.models import DepartmentPerson, RoleGrant
from platepost.department.policy.law import LAWS
from platepost.wire.records import Keyring
from tests.department import emptying
from tests.department.custody.conftest import Open, Rows, clock, database, ended, keys, opened, pictures, rows
from tests.department.custody.posts import GROUP, HIT, Post, deliveries
from tests.department.lasting import Lasting
from tests.department.law import establish
from tests.department.roles import as_role

__all__ = ["clock", "database", "ended", "keys", "opened", "pictures", "rows"]

OLD = datetime(2024, 1, 31, 18, tzinfo=UTC)
"""A Wednesday."""
CONSENT = PurgeAuthority("2026-117", date(2026, 9, 8), "J. Ortiz", date(2026, 9, 15))
SETTINGS = DepartmentSettings(agency="demo", custodian="records", brokers=("localhost:8883",))
Purge = Callable[..., UUID]
Verify = Callable[[], CheckReport]


def passage(number: int) -> str:
    return f"01890a5d-ac96-774b-bcce-{number:012d}"


_TABLES = (
    *("archive_outcome", "archive_part", "archive_plan", "archive_hold", "archive_term", "sharing_request"),
    *("custody_purged", "custody_purged_tally", "custody_certificate", "search_plate", "custody_daily"),
)
# A partition that a test before has purged is not there any more, and another test's may be due.
_OLD_PARTITIONS = """
DO $$ BEGIN
    EXECUTE (SELECT coalesce(string_agg(format('DROP TABLE %I', relname), '; '), 'SELECT 1') FROM pg_class
        WHERE relispartition AND relkind = 'r' AND relname ~ '^custody_.*_d?20(24|15|38)[0-9]{4}$');
END $$
"""


@pytest.fixture
def empty(rows: Rows, superuser: psycopg.Connection) -> Iterator[None]:
    """Begin and end without terms, holds, plans and what purges leave; begin without entries that others damaged."""
    emptying.empty_ledger(superuser)
    for clean in (True, False):
        emptying.empty(superuser, *_TABLES)
        superuser.execute(_OLD_PARTITIONS)
        if clean:
            yield


def add_people() -> None:
    """Add three records managers and an operator."""
    for login in ("a.rivera", "b.lee", "c.kim", "d.fox"):
        person = DepartmentPerson.objects.create(login=login, name=login, agency="department")
        RoleGrant.objects.create(person=person, role="operator" if login == "d.fox" else "records_manager")


@pytest.fixture
def law(empty: None) -> str:
    """The law that binds, and people who may purge by it."""
    add_people()
    return "california"


@pytest.fixture
def on_the_map(tmp_path: Path, settings: Settings) -> None:
    """Have posts on the map that have sent nothing yet."""
    at = {"type": "Point", "coordinates": [-121.5, 38.5]}
    features = [{"type": "Feature", "properties": {"post": name}, "geometry": at} for name in ("p", "post-2")]
    settings.PLACES_FILE = tmp_path / "places.geojson"
    settings.PLACES_FILE.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


@pytest.fixture
def post() -> Post:
    return Post(now=OLD)


@pytest.fixture
def store(opened: Open, clock: list[datetime], law: str, post: Post) -> CustodyStore:
    """Keep, in each of three weeks, an audit, twelve reads, a hit with its read, a withdrawal and a covert hit."""
    establish(LAWS[law])
    stored = opened()
    for week in range(3):
        at = clock[0] = post.now = OLD + timedelta(weeks=week)
        created = post.record(1)
        created += [
            post.read(captured=at, passage=passage(100 * week + n), text=f"7ABC{week}{n:02}") for n in range(12)
        ]
        sight = {"captured": at, "passage": passage(100 * week + 50)}
        created += [
            post.hit(**sight),
            post.read(HIT, **sight),
            post.withdrawal(sight["passage"]),
            post.hit(GROUP, **sight),
        ]
        stored.keep(deliveries(*created))
    return stored


@pytest.fixture
def certifier(tmp_path: Path) -> Certifier:
    return Certifier(SETTINGS, ECKey.generate_key("P-256"), tmp_path / "purges")


@pytest.fixture
def purge(certifier: Certifier) -> Purge:
    """Plan, approve and carry out a purge."""

    def purged(**more: object) -> UUID:
        with as_role(COMMAND):
            plan = plan_purge("a.rivera", CONSENT, **more).plan  # type: ignore[arg-type]
            approve_purge("b.lee", plan)
        with as_role(PURGER):
            carry_out(plan, certifier)
        return plan

    return purged


@pytest.fixture
def verify(
    database: str, keys: dict[str, Keyring], certifier: Certifier, pictures: PictureBucket | None, tmp_path: Path
) -> Iterator[Verify]:
    """Run the whole check of custody."""
    with psycopg.connect(database, user=KEEPER, autocommit=True) as keeper:
        yield lambda: CustodyVerification(
            keeper,
            keys=lambda name: keys.get(name, Keyring(())),
            receipts=tmp_path / "receipts",
            certifiers=certifier.keys(),
            state=tmp_path / "checked.json",
            bucket=pictures,
        ).run(whole=True)


class Vault(NamedTuple):
    """What most tests of a purge need."""

    rows: Rows
    purge: Purge
    verify: Verify


@pytest.fixture
def vault(rows: Rows, purge: Purge, verify: Verify) -> Vault:
    return Vault(rows, purge, verify)


@pytest.fixture
def superuser(lasting: Lasting, transactional_db: None) -> Iterator[psycopg.Connection]:
    with lasting(SUPERUSER, autocommit=True) as created:
        yield created
