"""The public page: what is withheld is not worked back, what is covert is in no count, a month is said once."""

import asyncio
import itertools
import json
import shutil
import subprocess
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from joserfc.jwk import ECKey

from platepost.department.database.roles import KEEPER, OWNER, PUBLIC
from platepost.department.errors import DepartmentError
from platepost.department.sharing.commands.public import _site
from platepost.department.sharing.public_page import PublicAbout, public_files
from platepost.department.sharing.publication import (
    PARTS,
    REPORT_TYPE,
    correct_month,
    disclosed,
    month_after,
    months_due,
    publish_month,
)
from platepost.wire.jose import open_signed
from tests.department.emptying import empty, empty_ledger
from tests.department.ledger.conftest import Connect
from tests.department.planting import planting
from tests.department.search.conftest import Stock, stock
from tests.department.sharing.conftest import enter

__all__ = ["stock"]
EXAMPLE = Path(__file__).parents[3] / "examples/node/report.mjs"
MONTH = date(2026, 1, 1)
AT = datetime(2026, 1, 14, 12, tzinfo=UTC)
ABOUT = PublicAbout("riverside", "Riverside Police Department", "records@riverside.example", ["Main at 3rd"])
KEY = ECKey.generate_key("P-256")
ALERT = (
    "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category, priority, match,"
    " hotlist_stale, held, second_needed, state, changed_at, holder, covert_group, reject_reason, eye_by,"
    " eye_at) VALUES (%s, %s,"
    " 'post-1', 'h', %s, %s, 'stolen', 1, 'exact', false, false, false, %s, now(), 'o', %s, 'misread', 'o', now())"
)


def test_no_withheld_number_is_found_by_adding_and_subtracting() -> None:
    """Try every table of three counts: what is published fits several, whatever of its cells are added up."""
    fitting: dict[tuple[int | None, ...], list[tuple[int, ...]]] = defaultdict(list)
    for cells in itertools.product(range(13), repeat=3):
        notified = tuple(disclosed(dict(zip("abc", cells, strict=True))).values())
        fitting[notified].append(cells)
        assert all(count is None or count % 5 == 0 for count in notified)
        assert notified.count(None) != 1 or max(cells) < 5, "one alone is its total's difference"
    sums = [chosen for size in (1, 2, 3) for chosen in itertools.combinations(range(3), size)]
    for shown, tables in fitting.items():
        for chosen in sums:
            hidden = [place for place in chosen if shown[place] is None]
            if hidden:
                matches = {sum(cells[place] for place in chosen) for cells in tables}
                assert len(matches) >= 4, (shown, chosen, "an attacker who adds these up knows more than they are told")
    # Anyone who knows a table's true total besides has a withheld cell by subtraction only where all are at their ends.
    bare = tried = 0
    for shown, tables in fitting.items():
        if None in shown and max(count or 0 for count in shown) > 0:
            for cells in tables:
                same = [other for other in tables if sum(other) == sum(cells)]
                hidden = [place for place in range(3) if shown[place] is None]
                bare += any(len({other[place] for other in same}) == 1 for place in hidden)
                tried += 1
    assert (tried, bare) == (1152, 8)


def alert(superuser: psycopg.Connection, number: int, state: str, group: str | None = None) -> None:
    """Make an alert as it came to be by its steps."""
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        with planting(superuser):
            superuser.execute(ALERT, [number, AT, AT, AT, state, group])


@pytest.fixture
def counted(superuser: psycopg.Connection, stock: Stock, connect: Connect) -> Iterator[psycopg.Connection]:
    """Have 47 reads of two posts in January, 12 wrong hits and 3 confirmed ones; give the keeper's connection."""
    empty(
        superuser,
        "custody_read",
        "custody_tally",
        "alerts_alert",
        "alerts_forgotten",
        "sharing_correction",
        "sharing_report",
        "sharing_policy",
    )
    empty_ledger(superuser)
    stock({"plate": f"TEST{n:03}", "captured_at": AT, "post": f"post-{n % 2}"} for n in range(47))
    superuser.execute(
        "INSERT INTO custody_tally SELECT post, (retained_from AT TIME ZONE 'UTC')::date, 'platepost.read.v1',"
        " 'genuine', covert_group, count(*), max(retained_from) FROM custody_read GROUP BY 1, 2, 5"
    )
    for number in range(15):
        alert(superuser, number, "rejected" if number < 12 else "confirmed")
    created = connect(KEEPER)
    created.autocommit = True
    yield created
    empty(superuser, "custody_read", "custody_tally")


def publish(keeper: psycopg.Connection, month: date = MONTH, zone: str = "UTC") -> bool:
    return publish_month(keeper, month, KEY, ZoneInfo(zone), agency="riverside", contact="records@riverside.example")


def read(keeper: psycopg.Connection, month: date = MONTH) -> dict[str, Any]:
    ((line,),) = keeper.execute("SELECT signed FROM sharing_report WHERE month = %s", [month]).fetchall()
    fields: dict[str, Any] = json.loads(open_signed(line.encode(), typ=REPORT_TYPE, key=lambda _: KEY).payload)
    return fields


@pytest.mark.django_db(transaction=True)
def test_month_is_published_once(counted: psycopg.Connection, stock: Stock, superuser: psycopg.Connection) -> None:
    assert publish(counted)
    fields = read(counted)
    assert [*fields["counts"]] == sorted(PARTS)
    assert fields["counts"]["reads"] == {"reads": 45}
    assert fields["counts"]["hits"] == {"confirmed": None, "wrong": None}, "the three are not told, nor by the twelve"
    superuser.execute("UPDATE custody_tally SET count = 100")
    empty(superuser, "alerts_alert")
    assert not publish(counted)
    assert read(counted) == fields
    for statement in ("UPDATE sharing_report SET signed = ''", "DELETE FROM sharing_report"):
        with pytest.raises(psycopg.errors.CheckViolation):
            superuser.execute(statement)
    with pytest.raises(DepartmentError, match="not over"):
        publish(counted, datetime.now(UTC).date().replace(day=1))
    assert publish(counted, month_after(MONTH)), "a month without anything"
    assert read(counted, month_after(MONTH))["counts"]["reads"] == {"reads": 0}


@pytest.mark.django_db(transaction=True)
def test_months_that_were_missed_are_published_with_the_last_one(counted: psycopg.Connection) -> None:
    november, *missed = [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert months_due(counted, november) == [november], "the first"
    publish(counted, november)
    assert months_due(counted, missed[-1]) == missed
    publish(counted, missed[-1])
    assert months_due(counted, missed[-1]) == missed, "no later one hides them"
    for month in missed:
        publish(counted, month)
    assert months_due(counted, missed[-1]) == missed[-1:]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_reads_are_of_the_month_by_utc_in_every_zone(
    counted: psycopg.Connection, superuser: psycopg.Connection, zone: str
) -> None:
    days = [("2025-12-31", 10), ("2026-01-01", 20), ("2026-01-31", 40), ("2026-02-01", 80)]
    superuser.execute("DELETE FROM custody_tally")
    superuser.cursor().executemany(
        "INSERT INTO custody_tally VALUES ('post-1', %s, 'platepost.read.v1', 'genuine', NULL, %s, now())", days
    )
    assert publish(counted, zone=zone)
    assert read(counted)["counts"]["reads"] == {"reads": 60}


@pytest.mark.django_db(transaction=True)
def test_hit_of_a_car_that_was_recovered_is_no_wrong_one(
    counted: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Its entry was taken off the list once it had led to the car; before anyone looked, nothing was decided."""
    came_to = [("confirmed", "entry_removed"), ("new", "entry_removed"), ("taken", "text_changed")]
    for number, (state, because) in enumerate(came_to, start=40):
        alert(superuser, number, state)
        with superuser.transaction():
            superuser.execute("SET LOCAL session_replication_role = replica")
            superuser.execute(
                "UPDATE alerts_alert SET state = 'withdrawn', withdrawn_at = now(), withdrawn_from = %s,"
                " withdrawn_because = %s WHERE record_id = %s",
                [state, because, number],
            )
    notified = {"wrong": 12 + 1, "confirmed": 3 + 1, "undecided": 1}
    assert hits(counted) == notified
    forget(superuser)
    assert hits(counted) == notified, "purged, too"
    empty(superuser, "archive_part", "alerts_forgotten")


def forget(superuser: psycopg.Connection) -> None:
    """Have the part of the hits be dropped."""
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("DELETE FROM archive_part")
        part = [AT - timedelta(days=9), AT + timedelta(days=9)]
        superuser.execute(
            "INSERT INTO archive_part (plan, class, begins, ends, records, shown)"
            " VALUES (gen_random_uuid(), 'hit', %s, %s, 1, '{}')", part)  # fmt: skip
    superuser.execute("UPDATE archive_part SET dropped_at = now()")


@pytest.mark.django_db(transaction=True)
def test_hit_that_was_purged_undecided_is_counted(counted: psycopg.Connection, superuser: psycopg.Connection) -> None:
    for number in range(15, 37):
        alert(superuser, number, "new")
    alert(superuser, 37, "new", "narcotics")
    assert hits(counted) == {"wrong": 12, "confirmed": 3, "undecided": 22}
    for _ in range(2):  # the second finds nothing more
        forget(superuser)
        assert superuser.execute("SELECT count(*) FROM alerts_alert").fetchone() == (0,)
        assert hits(counted) == {"wrong": 12, "confirmed": 3, "undecided": 22}, "and none of the covert group's"
    assert hits(counted, AT + timedelta(hours=1)) == {}
    empty(superuser, "archive_part", "alerts_forgotten")


@pytest.mark.django_db(transaction=True)
def test_counts_of_purged_hits_go_once_their_month_is_published(
    counted: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    month = datetime(2026, 1, 1, tzinfo=zone)
    quarters = [month - timedelta(minutes=15), month, month + timedelta(days=30, hours=23), month + timedelta(days=31)]
    superuser.execute(
        "INSERT INTO alerts_forgotten SELECT at, 'rejected', 7 FROM unnest(%s::timestamptz[]) AS at", [quarters]
    )

    def left() -> list[datetime]:
        return [at for (at,) in superuser.execute("SELECT at FROM alerts_forgotten ORDER BY at")]

    assert publish(counted, zone=zone.key)
    assert left() == [quarters[0], quarters[3]], "of other months, which may be published yet"
    superuser.execute("INSERT INTO alerts_forgotten VALUES (%s, 'rejected', 7)", [quarters[1]])
    assert not publish(counted, zone=zone.key), "as every night: what a later purge counted goes, too"
    assert left() == [quarters[0], quarters[3]]
    empty(superuser, "alerts_forgotten")


def hits(keeper: psycopg.Connection, since: datetime = AT) -> dict[str, int]:
    counts = keeper.execute("SELECT * FROM sharing_counts(%s, %s)", [since, datetime(2026, 2, 1, tzinfo=UTC)])
    return {name: count for part, name, count in counts if part == "hits"}


IN_MONTH = [MONTH_BEGAN := datetime(2026, 1, 1, tzinfo=UTC), AT, datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)]
NOT_IN_MONTH = [MONTH_BEGAN - timedelta(seconds=1), datetime(2026, 2, 1, tzinfo=UTC), AT + timedelta(days=90)]
WORK = {
    "audits": "INSERT INTO audits_audit (plan_id, since, until, seed, searches, drawn_by, drawn_at, due_at,"
    " finished_by, finished_at) VALUES (%(n)s, %(at)s - interval '60 days', %(at)s - interval '30 days',"
    " repeat('0', 32), 0, 'a', %(at)s - interval '1 day', %(at)s, 'a', %(at)s)",
    "findings": "INSERT INTO audits_finding (rule, subject, month, says, entries, made_at, answer_by, close_by) VALUES"
    " ('household', 'a' || %(n)s, '2026-01-01', 'a', ARRAY[gen_random_uuid()], %(at)s, %(at)s, %(at)s)",
    "purges": "INSERT INTO archive_plan (law, planned_by, planned_at, resolution, resolution_date, attorney,"
    " consent_date, approved_by, approved_at, begun_at, done_at)"
    " VALUES ('california', 'a', %(at)s, 'a', %(at)s, 'a', %(at)s, 'b', %(at)s, %(at)s, %(at)s)",
    "releases": "WITH asked AS (INSERT INTO sharing_request (kind, requester, says, received_on, due_on, person)"
    " VALUES ('public records', 'a', 'a', %(at)s, %(at)s, 'a') RETURNING id) INSERT INTO sharing_release (request_id,"
    " recipient, recipient_key, package, digest, records, person, at) SELECT id, 'a', 'k', gen_random_uuid(),"
    " encode(sha256(%(n)s::text::bytea), 'hex'), 1, 'a', %(at)s FROM asked",
}
"""How each piece of a department's work is done at a moment."""
TABLES = ("audits_audit", "audits_finding", "archive_plan", "sharing_release", "sharing_request")


def work(superuser: psycopg.Connection) -> dict[str, list[datetime]]:
    """Do each piece of work at some moments within the month and beside it; return these, by part."""
    empty(superuser, *TABLES)
    done: dict[str, list[datetime]] = {}
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("ALTER TABLE archive_plan DISABLE TRIGGER USER")
        for more, (part, statement) in enumerate(WORK.items(), start=1):
            done[part] = [*IN_MONTH * (more + 1), *NOT_IN_MONTH]
            for n, at in enumerate(done[part]):
                superuser.execute(statement, {"n": n, "at": at})
        superuser.execute("ALTER TABLE archive_plan ENABLE TRIGGER USER")
    return done


@pytest.mark.django_db(transaction=True)
def test_each_figure_is_that_of_an_independent_count(
    counted: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    done = work(superuser)
    searched = {"patrol": 7, "stolen vehicle": 6, "drill": 3}
    began = datetime.now(UTC)
    for purpose, times in searched.items():
        for _ in range(times):
            enter(purpose=purpose, case="26-1")
    ended = datetime.now(UTC)
    enter(purpose="patrol")
    with superuser.transaction(), planting(superuser):
        superuser.execute("SET LOCAL session_replication_role = replica")
        for number, answered in ((50, "rejected"), (51, "closed"), (52, None), (53, None)):
            superuser.execute(ALERT, [number, AT, AT, AT, "new", None])
            if answered:
                superuser.execute(
                    "UPDATE alerts_alert SET state = 'repeated', answered_with = 1, answered_as = %s"
                    " WHERE record_id = %s",
                    [answered, number],
                )
    matches: dict[str, dict[str, int]] = defaultdict(dict)
    for since, until in ((MONTH_BEGAN, datetime(2026, 2, 1, tzinfo=UTC)), (began, ended)):
        for part, name, count in counted.execute("SELECT * FROM sharing_counts(%s, %s)", [since, until]):
            if part == "searches" or since == MONTH_BEGAN:
                matches[part][name] = count

    def of_month(part: str) -> int:
        return sum((at.year, at.month) == (2026, 1) for at in done[part])

    assert matches == {
        "reads": {"reads": 47},
        "posts": {"posts": 2},
        "hits": {"wrong": 12 + 1, "confirmed": 3 + 1, "undecided": 2},
        "searches": searched,
        "releases": {"public records": of_month("releases")},
        **{part: {part: of_month(part)} for part in ("audits", "findings", "purges")},
    }
    assert (matches["audits"], matches["releases"]) == ({"audits": 6}, {"public records": 15})
    empty(superuser, *TABLES)


@pytest.mark.django_db(transaction=True)
def test_wrong_count_of_a_published_month_is_corrected_below_it(
    counted: psycopg.Connection, superuser: psycopg.Connection, connect: Connect
) -> None:
    empty(superuser, *TABLES)
    because = "Finished audits were not counted."

    def correct(*parts: str) -> bool:
        return correct_month(counted, MONTH, KEY, ZoneInfo("UTC"), parts=parts, because=because)

    with pytest.raises(DepartmentError, match="was not published"):
        correct("audits")
    publish(counted)
    before = read(counted)
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        for n in range(11):
            superuser.execute(WORK["audits"], {"n": n, "at": AT})
        superuser.execute("UPDATE custody_tally SET count = 900")
    assert correct("audits", "purges")
    assert not correct("audits", "purges"), "once"
    with pytest.raises(DepartmentError, match="can't be corrected: reads"):
        correct("reads")
    assert read(counted) == before, "the report stays"
    with connect(PUBLIC) as public:
        files = public_files(public, ABOUT)
    signed = files["2026-01-correction-1.jws"]
    payload = json.loads(open_signed(signed, typ=REPORT_TYPE, key=lambda _: KEY).payload)
    assert (payload["counts"], payload["month"], payload["because"]) == (
        {"audits": {"audits": 10}},
        "2026-01",
        "Finished audits were not counted.",
    )
    assert payload["corrects"] == sha256(files["2026-01.jws"]).hexdigest()
    page = files["index.html"].decode()
    assert "Corrected: Finished audits were not counted." in page
    assert '<tr><th scope="row">audits</th><td>10</td></tr>' in page
    for statement in ("UPDATE sharing_correction SET signed = ''", "DELETE FROM sharing_correction"):
        with pytest.raises(psycopg.errors.CheckViolation):
            superuser.execute(statement)
    empty(superuser, "sharing_correction", *TABLES)


@pytest.mark.django_db(transaction=True)
def test_another_language_verifies_a_month(counted: psycopg.Connection, tmp_path: Path) -> None:
    """By a program that was written from docs/public.md."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing: make tools")

    def verified(month: str, key: str) -> tuple[int, list[str]]:
        (tmp_path / "month.jws").write_text(month)
        (tmp_path / "month.pem").write_text(key)
        line = [node, EXAMPLE, tmp_path / "month.jws", tmp_path / "month.pem"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()

    publish(counted)
    ((signed, key),) = counted.execute("SELECT signed, key FROM sharing_report").fetchall()
    code, lines = verified(signed, key)
    assert (code, lines[0]) == (0, "riverside\t2026-01\tno policy")
    assert {"reads\treads\t45", "hits\tconfirmed\twithheld"} <= {*lines}
    head, payload, signature = signed.split(".")
    fields = json.loads(urlsafe_b64decode(payload + "=="))
    fields["counts"]["reads"]["reads"] = 50
    altered = urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    assert verified(f"{head}.{altered}.{signature}", key) == (1, [])
    assert verified(signed, ECKey.generate_key("P-256").as_pem(private=False).decode()) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_nothing_covert_is_counted(counted: psycopg.Connection, stock: Stock, superuser: psycopg.Connection) -> None:
    count = "SELECT * FROM sharing_counts('2000-01-01', '2999-01-01') ORDER BY 1, 2"
    enter(purpose="patrol")
    before = counted.execute(count).fetchall()
    assert ("searches", "patrol", 1) in before
    superuser.execute("UPDATE custody_tally SET covert_group = 'narcotics' WHERE post = 'post-0'")
    half = counted.execute(count).fetchall()
    assert half != before
    alert(superuser, 99, "rejected", "narcotics")
    enter(purpose="hot list alarm", query={"console": [1]})
    assert counted.execute(count).fetchall() == half


@pytest.mark.django_db(transaction=True)
def test_page_of_an_empty_and_a_full_department(counted: psycopg.Connection, connect: Connect) -> None:
    with connect(PUBLIC) as public:
        page = public_files(public, ABOUT)["index.html"].decode()
        assert "No month has been published yet" in page
        assert "License plate readers of Riverside Police Department" in page
        assert "<li>Main at 3rd</li>" in page
        assert "No other agency has an agreement now." in page
    publish(counted)
    with connect(PUBLIC) as public:
        files = public_files(public, ABOUT)
    page = files["index.html"].decode()
    assert '<tr><th scope="row">plates read</th><td>45</td></tr>' in page
    assert '<tr><th scope="row">hits: confirmed</th><td>withheld</td></tr>' in page
    assert "records@riverside.example" in page
    assert ECKey.import_key(files["2026-01.pem"].decode()).thumbprint() == KEY.thumbprint()
    assert not any(b"TEST0" in body for body in files.values())


def test_site_answers_with_its_files_and_nothing_else() -> None:
    rows: list[dict[str, Any]] = []

    async def send(part: dict[str, Any]) -> None:
        rows.append(part)

    async def ask() -> None:
        pages = {"index.html": b"page", "2026-01.jws": b"signed"}
        site = _site(lambda: pages, lambda since: None if since is None else b"%d and %d" % since)
        for path in ("/", "/2026-01.jws", "/../department.toml", "/index.html/", "/checkpoint"):
            await site({"path": path}, None, send)
        for query in (b"since=17&records=9", b"since=-1&records=9", b"since=1&records=\xff"):
            await site({"path": "/checkpoint", "query_string": query}, None, send)

    asyncio.run(ask())
    assert [(head["status"], body["body"][:6]) for head, body in zip(rows[::2], rows[1::2], strict=True)] == [
        (200, b"page"), (200, b"signed"), (404, b"There "), (404, b"There "), (404, b"There "),
        (200, b"17 and"), (404, b"There "), (404, b"There "),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_role_of_the_page_reaches_nothing_else(counted: psycopg.Connection, connect: Connect) -> None:
    with connect(OWNER) as owner:
        names = [
            name
            for (name,) in owner.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = ANY ('{r,p,v}')"
            )
        ]
        functions = [
            name
            for (name,) in owner.execute(
                "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                " AND has_function_privilege('platepost_public', oid, 'EXECUTE')"
            )
        ]
    reached = set()
    with connect(PUBLIC) as public:
        public.autocommit = True
        for name in names:
            try:
                public.execute(f"SELECT 1 FROM {name} LIMIT 1")
                reached.add(name)
            except psycopg.errors.InsufficientPrivilege:
                pass
    assert reached == {"sharing_correction", "sharing_report", "sharing_policy", "ledger_node", "ledger_sent"}
    assert functions == [
        "ledger_leaves(text,bigint,integer)",  # digests, for the proofs between two checkpoints
        "sharing_program()",  # agreements in force, the last audit, and terms
    ]
