"""Random reads are drawn by week and post, and labeled by two people who do not know what was read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from platepost.department.alerts.accuracy import draw_samples, label_sample, next_sample, sampled_reads
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.quality import reject_rate
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from tests.department.alerts.conftest import Dispatch
from tests.department.emptying import empty
from tests.department.people.persons import client_of, new_person, page_text
from tests.department.roles import as_role

READ = [f"7ABC00{number}" for number in range(5)]


@pytest.fixture
def people(dispatch: Dispatch) -> Iterator[list[DepartmentPerson]]:
    """Keep reads of the week before this one and of today, and draw; give three people who label."""
    today = datetime.now(UTC)
    before = today - timedelta(days=today.weekday() + 3)
    dispatch.keep(*(dispatch.post.read(text=text, captured=before) for text in READ))
    dispatch.keep(dispatch.post.read(text="8TODAY1", captured=today))
    dispatch.keep(dispatch.post.read(text="8OLD001", captured=today - timedelta(days=40)))
    with as_role(COMMAND):
        assert [draw_samples(), draw_samples()] == [len(READ), 0]
    yield [new_person(login, DepartmentRole.DISPATCHER) for login in ("a.rivera", "b.chen", "c.diaz")]
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        empty(superuser, "alerts_sample", "alerts_label")


def plates(dispatch: Dispatch) -> dict[int, str]:
    query = "SELECT sample.id, plate_read FROM alerts_sample AS sample JOIN custody_read USING (record_id)"
    return dict(dispatch.asked(query))


def test_two_people_agree_or_another_decides(dispatch: Dispatch, people: list[DepartmentPerson]) -> None:
    drawn, (one, other, third) = plates(dispatch), people
    assert sorted(drawn.values()) == READ
    right, typo, wrong, illegible, waiting = sorted(drawn)
    with as_role(COMMAND):
        for sample, *labels in (
            (right, drawn[right].replace("0", "O"), f"{drawn[right][:3]} {drawn[right][3:].lower()}"),
            (typo, drawn[typo], "7ABD999", drawn[typo]),
            (wrong, "7ABD999", "7XYZ999"),
            (illegible, "", "-"),
            (waiting, drawn[waiting]),
        ):
            for person, text in zip(people, labels, strict=False):
                label_sample(sample, person, text)
        assert [next_sample(person) for person in people] == [None, waiting, waiting]
        matches = sampled_reads()
        assert matches["all"] == matches["post-1"]
        assert (matches["all"].wrong, matches["all"].illegible, matches["all"].open) == (reject_rate(1, 3), 1, 1)
        for person, sample in ((one, waiting), (third, right), (third, 0)):
            with pytest.raises(AlertError, match=r"labeled it|no such sample"):
                label_sample(sample, person, "x")
        label_sample(waiting, other, "7XYZ999")
        assert sampled_reads()["all"].open == 1, "they do not agree"


@pytest.mark.parametrize(
    "damage", ["topic = '', constants = NULL", "constants = NULL, codec = 0, body = '{}'", "codec = 99"]
)
def test_a_damaged_record_is_illegible(dispatch: Dispatch, people: list[DepartmentPerson], damage: str) -> None:
    sample, *_ = sorted(plates(dispatch))
    dispatch.act(
        f"UPDATE custody_record SET {damage} WHERE id = (SELECT record_id FROM alerts_sample WHERE id = %s)", sample
    )
    with as_role(COMMAND):
        for person in people[:2]:
            assert client_of(person).get(f"/quality/sample/{sample}/").status_code in {200, 404}
            answer = client_of(person).post("/quality/label/", {"sample": sample, "text": "7ABC000"})
            assert answer.status_code == 302
        assert sampled_reads()["all"].illegible == 1


def test_what_was_purged_is_nobody_s_to_label(dispatch: Dispatch, people: list[DepartmentPerson]) -> None:
    """Where reads are kept for 60 days, and rates are made of twelve weeks."""
    drawn = plates(dispatch)
    settled, once, never, *_ = sorted(drawn)
    with as_role(COMMAND):
        for person, sample in ((people[0], settled), (people[1], settled), (people[0], once)):
            label_sample(sample, person, drawn[sample])
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        going = "IN (SELECT record_id FROM alerts_sample WHERE id = ANY (%s))"
        for table, number in (("read", "record_id"), ("record", "id")):
            superuser.execute(f"DELETE FROM custody_{table} WHERE {number} {going}", [[settled, once, never]])
        with as_role(COMMAND), pytest.raises(AlertError, match="not kept any more"):
            label_sample(never, people[0], "7XYZ999")
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("INSERT INTO archive_plan (law, planned_by) VALUES ('other', 'x')")
        superuser.execute(
            "INSERT INTO archive_part (plan, class, begins, ends, records, shown)"
            " SELECT plan, 'no_hit', now() - interval '1 day', now(), 1, '{}' FROM archive_plan"
        )
        superuser.execute("SET session_replication_role = origin")
        superuser.execute("UPDATE archive_part SET dropped_at = now()")
        superuser.execute("TRUNCATE archive_plan CASCADE")
    with as_role(COMMAND):
        assert not {next_sample(person) for person in people} & {once, never}
        matches = sampled_reads()["all"]
    assert (matches.wrong, matches.illegible, matches.open) == (reject_rate(0, 1), 0, 2), "those that are left"


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14"])
def test_weeks_begin_where_the_department_is(dispatch: Dispatch, zone: str) -> None:
    now = datetime.now(UTC)
    monday = now.replace(hour=0, minute=0, second=0) - timedelta(days=now.weekday())
    at = monday - timedelta(hours=1) if zone == "Etc/GMT-14" else monday
    week, current = (each.astimezone(ZoneInfo(zone)).isocalendar()[:2] for each in (at, now))
    dispatch.act("UPDATE ledger_department SET timezone = %s", zone)
    dispatch.keep(dispatch.post.read(text="7ZONE01", captured=at))
    with as_role(COMMAND):
        assert draw_samples() == (week != current)
    dispatch.act("UPDATE ledger_department SET timezone = 'UTC'")
    dispatch.act("TRUNCATE alerts_sample, alerts_label")


def test_a_post_that_was_away_is_drawn_later(dispatch: Dispatch, people: list[DepartmentPerson]) -> None:
    del people
    before = dispatch.post.now - timedelta(days=dispatch.post.now.weekday() + 3)
    dispatch.keep(dispatch.post.read(text="7LATE01", captured=before))
    with as_role(COMMAND):
        assert draw_samples() == 0, "of this post there are some"
        dispatch.act("UPDATE alerts_sample SET post = 'post-2'")
        assert [draw_samples(), draw_samples()] == [1, 0]


def test_who_labels_is_told_nothing_and_no_plate_is_kept(dispatch: Dispatch, people: list[DepartmentPerson]) -> None:
    client, stranger = client_of(people[0]), client_of(new_person("l.apsed", DepartmentRole.DISPATCHER, current=False))
    with as_role(COMMAND):
        sample = next_sample(people[0])
        assert sample is not None
        page = page_text(client.get("/quality/label/"))
        assert f"/quality/sample/{sample}/" in page
        assert "7ABC" not in page
        assert client.get(f"/quality/sample/{sample}/").headers["Content-Type"] == "image/jpeg"
        assert client.get(f"/quality/sample/{sample + 1}/").status_code == 404, "one after the other"
        for text in ("7ABC000", "x" * 300, ""):
            assert client.post("/quality/label/", {"sample": next_sample(people[0]), "text": text}).status_code == 302
        again = client.post("/quality/label/", {"sample": sample, "text": "7ABC000"})
        assert (again.status_code, "7ABC000" in page_text(again)) == (422, False)
        for wrong, status in (("", 200), ("x", 200), ("9" * 30, 200), ("0", 422)):
            assert client.post("/quality/label/", {"sample": wrong, "text": "x"}).status_code == status
        assert stranger.post("/quality/label/", {"sample": sample, "text": "x"}).status_code == 403
        assert "nothing known" in client.get("/quality/").content.decode(), "one person alone settles nothing"
    stored = str(dispatch.asked("TABLE alerts_label"))
    entered = "SELECT value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'read_labeled'"
    assert "7ABC" not in stored + str(dispatch.asked(entered))
    shown = (
        "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'intent' AND field = 'query'"
        " AND value LIKE %s"
    )
    assert dispatch.asked(shown, f'%"sample": {sample}%') != [(0,)], "who sees a picture is in the ledger"
