"""The search pages: nothing without a purpose, each step in the ledger, and no plate where others could read it."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import localtime
from pytest_django.fixtures import Settings

from platepost.department.config.access_table import pages as pages_of_all
from platepost.department.custody import placeholder_image
from platepost.department.custody.reading import under
from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.ledger.entries import OpenEntry
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import GRANTS, DepartmentRole
from platepost.department.search import views as pages
from platepost.department.search.plates import in_time
from platepost.department.search.views import READS
from tests.department.emptying import empty
from tests.department.people.persons import client_of, new_person, page_text
from tests.department.people.test_access import address
from tests.department.roles import as_role
from tests.department.search.conftest import AT, Stock, keep_record

WHY = {"purpose": "criminal investigation", "case": "26-00417"}
PLATE = "7ABO123"
PATCH = b"\x89PNG the picture"


@pytest.fixture
def operator(superuser: psycopg.Connection) -> Iterator[Client]:
    empty(
        superuser,
        "search_correction",
        "search_saved",
        "search_ticket",
        "custody_picture",
        "custody_record",
        "custody_tally",
    )
    created = client_of(new_person("a.rivera", DepartmentRole.OPERATOR))
    with as_role(COMMAND):
        yield created


def intents(superuser: psycopg.Connection, since: int = 0) -> list[dict[str, object]]:
    rows = superuser.execute(
        "SELECT value FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event = 'intent' AND field = 'query' AND number > %s ORDER BY number",
        [since],
    )
    return [json.loads(value) for (value,) in rows]


def last_number(superuser: psycopg.Connection) -> int:
    ((number,),) = superuser.execute("SELECT coalesce(max(number), 0) FROM ledger_entry").fetchall()
    return int(number)


def text_of(answer: HttpResponse) -> str:
    text = page_text(answer)
    title = re.search("<title>(.*)</title>", text)
    assert title is not None
    assert "7AB" not in title[1]
    assert not re.search('(href|src|action)="[^"]*7AB', text)
    return text


def add_picture(superuser: psycopg.Connection, record: int, kind: str = "patch") -> None:
    keep_record(superuser, record)
    superuser.execute(
        "INSERT INTO custody_picture VALUES (%s, 'no_hit', %s, NULL, %s, 'image/png', 9, 9, %s, %s)",
        [record, AT, kind, hashlib.sha256(PATCH).digest(), PATCH],
    )


def test_a_read_is_shown_with_the_pictures_that_there_are(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    stock([{"plate": PLATE, "class": "hit"}, {"plate": PLATE}])
    for kind in ("overview", "patch"):
        add_picture(superuser, 2, kind)
    alternatives = []
    for record in ("1", "2"):
        read = text_of(operator.post("/search/read/", {**WHY, "plate": PLATE, "open": "7AB0123", "record": record}))
        alternatives.append(re.findall('<img .* alt="([^"]*)"', read.replace("><", ">\n<")))
    assert alternatives == [[], ["The plate as the camera saw it", "The scene"]]


def test_from_a_pattern_to_a_picture(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    seen = {"vehicle": "pickup", "color": "white gray"}
    stock([{"plate": PLATE, **seen}, {"plate": PLATE, "captured_at": AT - timedelta(hours=1)}, {"plate": "7ABX124"}])
    add_picture(superuser, 1)
    begin = last_number(superuser)
    assert "<h2" not in text_of(operator.get("/search/"))
    fields = {**WHY, "plate": "7ab?12[34]"}
    matches = text_of(operator.post("/search/", fields))
    assert matches.count(PLATE) > 0
    assert "2 plates" in matches
    assert "one of" in matches
    reads = text_of(operator.post("/search/plate/", {**fields, "open": "7AB0123"}))
    assert (reads.count("Picture"), reads.count('"Vehicle">pickup<'), reads.count('"Color">white or gray<')) == (
        2,
        1,
        1,
    )
    read = text_of(operator.post("/search/read/", {**fields, "open": "7AB0123", "record": "1"}))
    assert (PLATE in read, "7AB0123" in read) == (True, True)
    (address,) = re.findall('src="(/search/picture/[^"]*)"', read)
    picture = operator.get(address)
    assert (picture.content, picture.headers["Content-Type"]) == (PATCH, "image/png")
    assert picture.headers["Cache-Control"] == "no-store"
    assert operator.get(address).status_code == 404, "it works once"
    ((read_by,),) = superuser.execute(
        "SELECT entry::text FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'intent' AND number > %s"
        " AND field = 'query' AND value LIKE '%%\"record\"%%' AND value NOT LIKE '%%picture%%'",
        [begin],
    ).fetchall()
    assert intents(superuser, begin) == [
        {"plate": "7ab?12[34]"},
        {"plate": "7ab?12[34]", "opened": "7AB0123", "show": "reads"},
        {"plate": "7ab?12[34]", "opened": "7AB0123", "record": 1},
        {"record": 1, "picture": "patch", "found_by": read_by},
    ]
    shown = superuser.execute(
        "SELECT field, value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'shown' AND number > %s"
        " ORDER BY number, field",
        [begin],
    ).fetchall()
    assert ("plates", '["7AB0123", "7ABX124"]') in shown
    assert ("pictures", '[[1, "patch"]]') in shown
    assert "<dt>Vehicle</dt><dd>pickup</dd>" in read
    assert "<dt>Color</dt><dd>white or gray</dd>" in read
    begin, narrowed = last_number(superuser), {"vehicle": "pickup", "color": "gray"}
    assert "1 plate" in text_of(operator.post("/search/", {**fields, **narrowed}))
    assert "No plate" in text_of(operator.post("/search/", {**fields, **narrowed, "color": "red"}))
    assert intents(superuser, begin)[0] == {"plate": "7ab?12[34]", "vehicle": ["pickup"], "color": ["gray"]}


def test_requests_at_once_bring_no_used_picture_back(
    stock: Stock, superuser: psycopg.Connection, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser fetches all pictures of a page at once, and people open several reads at a time."""
    stock([{"plate": PLATE}, {"plate": PLATE}])
    for record, kind in ((1, "patch"), (1, "overview"), (2, "patch")):
        add_picture(superuser, record, kind)
    fields = {**WHY, "plate": PLATE, "open": "7AB0123"}

    def opened(record: str) -> list[str]:
        read = operator.post("/search/read/", {**fields, "record": record}).content.decode()
        return re.findall('src="(/search/picture/[^"]*)"', read)

    first, second = opened("1")
    later: list[str] = []
    shown = placeholder_image.picture

    def slow(entry: OpenEntry, record: int, kind: str) -> object:
        """Meanwhile the page's other picture is shown, and another read is opened."""
        matches = shown(entry, record, kind)
        if not later:
            later.extend(opened("2"))
            assert operator.get(second).status_code == 200
        return matches

    monkeypatch.setattr(placeholder_image, "picture", slow)
    assert operator.get(first).status_code == 200
    assert [operator.get(each).status_code for each in (first, second, *later, *later)] == [404, 404, 200, 404]


def test_a_picture_is_shown_to_the_session_that_found_it_and_not_the_day_after(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    stock([{"plate": PLATE}])
    for kind in ("patch", "overview"):
        add_picture(superuser, 1, kind)
    fields = {**WHY, "plate": PLATE, "open": "7AB0123", "record": "1"}
    first, second = re.findall('src="(/search/picture/[^"]*)"', operator.post("/search/read/", fields).content.decode())
    other = client_of(DepartmentPerson.objects.get(login="a.rivera"))  # from another browser
    assert other.get(first).status_code == 404
    assert operator.get(first).status_code == 200
    superuser.execute("UPDATE search_ticket SET at = at - interval '13 hours'")
    assert operator.get(second).status_code == 404
    assert superuser.execute("SELECT count(*) FROM search_ticket").fetchall() == [(0,)]


def test_search_goes_on_without_a_map_that_cannot_be_read(
    stock: Stock, operator: Client, settings: Settings, tmp_path: Path
) -> None:
    stock([{"plate": PLATE}])
    settings.PLACES_FILE = tmp_path / "places.geojson"
    assert "map cannot be read" not in text_of(operator.get("/search/"))
    settings.PLACES_FILE.write_text("{")
    for page in ("/search/", "/search/scenes/"):
        assert "map cannot be read" in text_of(operator.get(page))
    assert "1 plate" in text_of(operator.post("/search/", {**WHY, "plate": PLATE}))


def test_each_page_of_reads_notes_what_it_shows(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    """The read by which the page knows that there are more is on the next one."""
    stock([{"plate": PLATE, "captured_at": AT - timedelta(minutes=minute)} for minute in range(READS + 1)])
    begin, fields = last_number(superuser), {**WHY, "plate": PLATE, "open": "7AB0123"}
    first = text_of(operator.post("/search/plate/", fields))
    behind = dict(re.findall('name="(before_[a-z]+)" value="([^"]*)"', first))
    assert set(behind) == {"before_at", "before_record"}
    assert "before_at" not in text_of(operator.post("/search/plate/", fields | behind))
    shown = superuser.execute(
        "SELECT value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'shown' AND field = 'records'"
        " AND number > %s ORDER BY number",
        [begin],
    ).fetchall()
    assert [json.loads(records) for (records,) in shown] == [[*range(1, READS + 1)], [READS + 1]]


def test_a_plate_that_was_not_asked_for_is_no_narrower_search(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    """A form can be sent by hand. Where a supervisor approves searches, that of one plate opens no other."""
    stock([{"plate": PLATE}, {"plate": "8QXZ999"}])
    begin, fields = last_number(superuser), {**WHY, "plate": PLATE}
    for path, more in (("plate", {"open": "8QXZ999"}), ("read", {"open": "8QXZ999", "record": "2"})):
        assert operator.post(f"/search/{path}/", fields | more).status_code == 200
    assert [each.get("other_plate") for each in intents(superuser, begin)] == [True, True]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/search/", {"plate": PLATE}),
        ("/search/", {"plate": PLATE, "purpose": "curiosity"}),
        ("/search/", {"plate": PLATE, "purpose": "criminal investigation"}),
        ("/search/", {"plate": PLATE, "purpose": "patrol", "reason": "for ICE"}),
        ("/search/", {"plate": PLATE, "purpose": "patrol", "on_behalf_of": "somebody"}),
        ("/search/", {"plate": "7A*", **WHY}),
        ("/search/plate/", {"open": "7AB0123"}),
        ("/search/plate/", {**WHY, "plate": PLATE, "open": "7AB0123" * 10_000}),
        ("/search/plate/", {"open": "7AB0123", "plate": PLATE, "purpose": "criminal investigation"}),
        (
            "/search/plate/",
            {**WHY, "plate": PLATE, "purpose": "patrol", "case": "", "open": "7AB0123", "show": "usual"},
        ),
        ("/search/read/", {"open": "7AB0123", "record": "1"}),
        ("/search/read/", {**WHY, "plate": PLATE, "open": "7AB0123", "record": "2"}),
        ("/search/read/", {**WHY, "plate": PLATE, "open": "", "record": "1; SELECT"}),
        ("/search/scenes/", {"scene-TOTAL_FORMS": "2", "scene-INITIAL_FORMS": "0"}),
    ],
)
def test_without_a_purpose_nothing_is_shown(
    stock: Stock, superuser: psycopg.Connection, operator: Client, path: str, fields: dict[str, str]
) -> None:
    stock([{"plate": PLATE}])
    begin = last_number(superuser)
    text = page_text(operator.post(path, fields))
    given = fields.get("plate", "")
    assert "post-1</td>" not in text
    assert re.sub(f'value="{re.escape(given)}"', "", text).count(PLATE) == 0
    ((shown,),) = superuser.execute(
        "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry) WHERE number > %s"
        " AND field IN ('records', 'plates') AND value <> '[]'",
        [begin],
    ).fetchall()
    assert shown == 0


def test_what_comes_from_a_hit_waits_for_a_purpose_and_is_no_mistake(operator: Client) -> None:
    answer = operator.post("/search/", {"plate": PLATE})
    text = answer.content.decode()
    assert (answer.status_code, f'value="{PLATE}"' in text, "required." in text) == (200, True, False)
    asked = operator.post("/search/", {"plate": PLATE, "purpose": "criminal investigation"}).content.decode()
    assert "The purpose &#x27;criminal investigation&#x27; needs a case number" in asked


def test_no_address_gives_a_row_without_a_purpose(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    """By hand-made requests, as fragments and as streams: every page that an operator may open, found in the code."""
    stock([{"plate": PLATE}])
    add_picture(superuser, 1)
    begin = last_number(superuser)
    fields = {"plate": "7AB*", "open": "7AB0123", "record": "1", "hit": "1", "show": "reads", "picture": "patch"}
    tried = [where for where, access in pages_of_all() if access in GRANTS[DepartmentRole.OPERATOR]]
    assert len(tried) > 5
    for where, method, header in product(
        tried, ("get", "post"), ({}, {"HX-Request": "true"}, {"Accept": "text/event-stream"})
    ):
        answer = getattr(operator, method)(address(where), fields, headers=header)
        if not answer.streaming:  # what a stream sends needs an open entry as well
            assert PLATE not in answer.content.decode(errors="replace"), where
            assert PATCH not in answer.content, where
    ((shown,),) = superuser.execute(
        "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry) WHERE number > %s"
        " AND field IN ('records', 'pictures', 'plates') AND value <> '[]'",
        [begin],
    ).fetchall()
    assert shown == 0


def test_who_may_not_search_is_refused(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE}])
    with as_role(OWNER):
        auditor = client_of(new_person("b.audit", DepartmentRole.AUDITOR))
        lapsed = client_of(new_person("c.lapsed", DepartmentRole.OPERATOR, current=False))
    fields = {**WHY, "plate": PLATE, "open": "7AB0123", "record": "1"}
    for path in ("/search/", "/search/plate/", "/search/read/", "/search/scenes/", "/search/cancel/"):
        assert [client.post(path, fields).status_code for client in (Client(), auditor, lapsed)] == [403] * 3
    assert operator.get(f"/search/picture/{uuid4()}/").status_code == 404


def test_a_correction_stands_beside_and_is_found(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    stock([{"plate": PLATE}, {"plate": "7ABB999"}])
    fields = {**WHY, "plate": PLATE, "open": "7AB0123", "record": "1"}
    noted = text_of(operator.post("/search/read/", {**fields, "correction": "8ab-o123"}))
    assert "8ABO123" in noted
    assert PLATE in noted
    assert "7ABO123" in text_of(operator.post("/search/", {**WHY, "plate": PLATE}))
    matches = text_of(operator.post("/search/", {**WHY, "plate": "8AB0?23"}))
    assert "No plate" in matches
    assert "8ABO123" in matches
    assert superuser.execute("SELECT plate_read FROM custody_read WHERE record_id = 1").fetchall() == [(PLATE,)]
    before, after = (f"{localtime(AT) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}" for minutes in (-1, 1))
    for narrowed, matches in (
        ({"since": before, "until": after, "direction": "approaching"}, True),
        ({"since": after}, False),
        ({"until": before}, False),
        ({"direction": "receding"}, False),
    ):
        text = text_of(operator.post("/search/", {**WHY, "plate": "8AB0*", **narrowed}))
        assert ("Corrected by a person" in text) is matches, narrowed
    wrong = operator.post("/search/read/", {**fields, "correction": "not a plate!"})
    assert "1 to 24 letters and digits" in text_of(wrong)
    superuser.execute("TRUNCATE custody_read")
    superuser.execute("SELECT search_forget((SELECT array_agg(DISTINCT w) FROM search_plate, unnest(weeks) w), '', 99)")
    assert superuser.execute("SELECT * FROM search_correction").fetchall() == []


def test_pages_go_on(stock: Stock, operator: Client) -> None:
    stock({"plate": f"7AB{number:03d}"} for number in range(30))
    first = text_of(operator.post("/search/", {**WHY, "plate": "7AB*"}))
    (behind,) = re.findall('name="behind" value="([^"]*)"', first)
    second = text_of(operator.post("/search/", {**WHY, "plate": "7AB*", "score": "0.0", "behind": behind}))
    assert (behind, "7AB024" in first, "7AB025" in first) == ("7AB024", True, False)
    assert ("7AB024" in second.replace('value="7AB024"', ""), "7AB025" in second, "Next page" in second) == (
        False,
        True,
        False,
    )


def test_searches_are_saved_by_case_for_oneself(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE}])
    exigent = {"exigent": "on", "reason": "child taken"}
    operator.post("/search/", {**WHY, "plate": "7AB0*", "weekdays": ["1", "3"], "save": "1", **exigent})
    (address,) = re.findall(r'href="(/search/\?saved=[^"]*)"', text_of(operator.get("/search/")))
    again = text_of(operator.get(address))
    assert 'value="7AB0*"' in again
    assert again.count("checked") == 2, "the days, and not that it is exigent"
    assert "26-00417</h3>" in again
    with as_role(OWNER):
        other = client_of(new_person("d.other", DepartmentRole.OPERATOR))
    assert other.get(address).status_code == 404
    saved = address.partition("=")[2]
    other.post(f"/search/saved/{saved}/discard/")
    assert "saved=" in text_of(operator.get("/search/"))
    operator.post(f"/search/saved/{saved}/discard/")
    assert "saved=" not in text_of(operator.get("/search/"))


def test_scenes_companions_and_usual_places(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    stock(
        {"plate": plate, "post": f"post-{day}", "captured_at": at, "retained_from": at}
        for day in (1, 2)
        for plate in (PLATE, f"7ABX12{day}", "7ABY777")
        for at in [AT + timedelta(days=day)]
    )
    fields: dict[str, object] = {**WHY, "scene-TOTAL_FORMS": "2", "scene-INITIAL_FORMS": "0", "all": "on"}
    for number, day in enumerate((29, 30)):
        place = {"posts": [f"post-{number + 1}"], "since": f"2026-01-{day}T00:00", "until": f"2026-01-{day}T23:00"}
        fields |= {f"scene-{number}-{name}": value for name, value in place.items()}
    for post in ("post-1", "post-2"):
        superuser.execute("INSERT INTO custody_tally VALUES (%s, now(), 'read', 'genuine', NULL, 1, now())", [post])
    matches = text_of(operator.post("/search/scenes/", fields))
    assert "2 plates" in matches
    assert (PLATE in matches, "7ABX121" in matches) == (True, False)
    opened = {**WHY, "plate": PLATE, "open": "7AB0123"}
    assert "7ABY777" in text_of(operator.post("/search/plate/", {**opened, "show": "companions"}))
    usual = text_of(operator.post("/search/plate/", {**opened, "show": "usual"}))
    assert "post-2" in usual
    assert f"{AT + timedelta(days=1):%A}" in usual


def test_a_search_is_canceled(
    stock: Stock, superuser: psycopg.Connection, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = str(uuid4())
    other = Client()
    other.cookies = operator.cookies

    def canceling() -> None:
        sleeping = "SELECT FROM pg_stat_activity WHERE application_name = %s AND query LIKE '%%pg_sleep%%'"
        while not superuser.execute(sleeping, [f"search:{running}"]).fetchall():
            time.sleep(0.05)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")  # in tests both are a superuser's session, which another role may not cancel
        other.post("/search/cancel/", {"running": running})
        connection.close()

    def slow(entry: OpenEntry, *_: object, **__: object) -> None:
        with in_time(), under(entry) as cursor:
            cursor.execute("SELECT pg_sleep(9)")

    monkeypatch.setattr(pages, "find_plates", slow)
    canceler = threading.Thread(target=canceling)
    canceler.start()
    answer = operator.post("/search/", {**WHY, "plate": PLATE, "running": running})
    canceler.join()
    assert "was canceled" in answer.content.decode()
    assert superuser.execute("SELECT event FROM ledger_entry ORDER BY number DESC LIMIT 1").fetchall() == [("failed",)]
