"""The search pages: nothing without a purpose, each step in the ledger, and no plate where others could read it."""

import hashlib
import json
import re
import threading
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import get_default_timezone, localtime
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
        "search_query",
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


def searched(operator: Client, fields: Mapping[str, object], more: str = "") -> HttpResponse:
    """Send the form, and return the page that the browser is led to."""
    answer = operator.post("/search/", fields)
    assert answer.status_code == 302, page_text(answer)
    return operator.get(f"{answer.headers['Location']}{more}")


def links(answer: HttpResponse, what: str) -> list[str]:
    """Return the addresses of a page's links to plates or reads, in order, once each."""
    return list(dict.fromkeys(re.findall(rf'href="(/search/[0-9a-f-]{{36}}/{what}/\d+/)"', answer.content.decode())))


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
    (of_plate,) = links(searched(operator, {**WHY, "plate": PLATE}), "plate")
    for where in sorted(links(operator.get(of_plate), "read")):
        read = text_of(operator.get(where))
        alternatives.append(re.findall('<img .* alt="([^"]*)"', read.replace("><", ">\n<")))
    assert alternatives == [[], ["The plate as the camera saw it", "The scene"]]


def test_from_a_pattern_to_a_picture(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    seen = {"vehicle": "pickup", "color": "white gray"}
    stock([{"plate": PLATE, **seen}, {"plate": PLATE, "captured_at": AT - timedelta(hours=1)}, {"plate": "7ABX124"}])
    add_picture(superuser, 1)
    begin = last_number(superuser)
    assert "<h2" not in text_of(operator.get("/search/"))
    fields = {**WHY, "plate": "7ab?12[34]"}
    found = searched(operator, fields)
    matches = text_of(found)
    assert matches.count(PLATE) > 0
    assert "2 plates" in matches
    assert "one of" in matches
    assert ">white or gray pickup<" in matches
    assert "Best match first" in matches
    page = operator.get(next(each for each in links(found, "plate") if each.endswith("/1/")))
    reads = text_of(page)
    assert (len(links(page, "read")), reads.count('"Vehicle">pickup<'), reads.count('"Color">white or gray<')) == (
        2,
        1,
        1,
    )
    read = text_of(operator.get(next(each for each in links(page, "read") if each.endswith("/1/"))))
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
    assert ("plates", '["7ABX124", "7AB0123"]') in shown, "in the order of the page"
    assert ("pictures", '[[1, "patch"]]') in shown
    assert "<dt>Vehicle</dt><dd>pickup</dd>" in read
    assert "<dt>Color</dt><dd>white or gray</dd>" in read
    begin, narrowed = last_number(superuser), {"vehicle": "pickup", "color": "gray"}
    assert "1 plate" in text_of(searched(operator, {**fields, **narrowed}))
    assert "No reads match" in text_of(searched(operator, {**fields, **narrowed, "color": "red"}))
    assert intents(superuser, begin)[0] == {"plate": "7ab?12[34]", "vehicle": ["pickup"], "color": ["gray"]}


def test_requests_at_once_bring_no_used_picture_back(
    stock: Stock, superuser: psycopg.Connection, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser fetches all pictures of a page at once, and people open several reads at a time."""
    stock([{"plate": PLATE}, {"plate": PLATE}])
    for record, kind in ((1, "patch"), (1, "overview"), (2, "patch")):
        add_picture(superuser, record, kind)
    (of_plate,) = links(searched(operator, {**WHY, "plate": PLATE}), "plate")
    addresses = sorted(links(operator.get(of_plate), "read"))

    def opened(record: str) -> list[str]:
        read = operator.get(addresses[int(record) - 1]).content.decode()
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
    (address,) = links(searched(operator, {**WHY, "plate": PLATE}), "read")
    first, second = re.findall('src="(/search/picture/[^"]*)"', operator.get(address).content.decode())
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
    assert "1 plate" in text_of(searched(operator, {**WHY, "plate": PLATE}))


def test_each_page_of_reads_notes_what_it_shows(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    """The read by which the page knows that there are more is on the next one."""
    stock([{"plate": PLATE, "captured_at": AT - timedelta(minutes=minute)} for minute in range(READS + 1)])
    (of_plate,) = links(searched(operator, {**WHY, "plate": PLATE}), "plate")
    begin = last_number(superuser)
    first = text_of(operator.get(of_plate))
    (behind,) = re.findall(r'href="(\?before=\d+)"', first)
    assert "?before=" not in text_of(operator.get(of_plate + behind))
    shown = superuser.execute(
        "SELECT value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'shown' AND field = 'records'"
        " AND number > %s ORDER BY number",
        [begin],
    ).fetchall()
    assert [json.loads(records) for (records,) in shown] == [[*range(1, READS + 1)], [READS + 1]]


def test_a_search_opens_only_what_its_pages_have_listed(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    """An address can be typed. A search of one plate opens no other, and nothing is looked for."""
    stock([{"plate": PLATE}, {"plate": "8QXZ999"}])
    found = operator.post("/search/", {**WHY, "plate": PLATE}).headers["Location"]
    begin = last_number(superuser)
    assert operator.get(f"{found}read/1/").status_code == 404, "no page has listed it yet"
    operator.get(found)
    assert operator.get(f"{found}read/1/").status_code == 200
    for path in ("plate/2/", "read/2/", "?after=2", "plate/1/?before=2", f"read/{'9' * 30}/", f"?after={'9' * 5000}"):
        assert operator.get(found + path).status_code == 404, path
    assert [each.get("opened") for each in intents(superuser, begin)] == [None, "7AB0123"]


def test_another_session_opens_no_search_and_that_is_in_the_ledger(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    stock([{"plate": PLATE}])
    found = operator.post("/search/", {**WHY, "plate": PLATE}).headers["Location"]
    operator.get(found)
    begin = last_number(superuser)
    with as_role(OWNER):
        own = client_of(DepartmentPerson.objects.get(login="a.rivera"))
        other = client_of(new_person("d.other", DepartmentRole.OPERATOR))
    for client in (own, other):
        for path in ("", "change/", "plate/1/", "read/1/"):
            answer = client.get(found + path)
            assert answer.status_code == 404
            assert PLATE not in answer.content.decode()
    refused = superuser.execute(
        "SELECT value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'access_refused'"
        " AND field = 'person' AND number > %s ORDER BY number",
        [begin],
    ).fetchall()
    assert refused == [('"a.rivera"',)] * 4 + [('"d.other"',)] * 4
    assert operator.get(f"/search/{uuid4()}/").status_code == 404
    superuser.execute("UPDATE search_query SET at = at - interval '13 hours'")
    assert "has expired" in page_text(operator.get(found))
    operator.post("/search/", {**WHY, "plate": PLATE})
    assert superuser.execute("SELECT count(*) FROM search_query").fetchall() == [(1,)], "what has expired is deleted"
    operator.logout()
    assert superuser.execute("SELECT count(*) FROM search_query").fetchall() == [(0,)], "it ends with the session"


def test_each_look_is_in_the_ledger_a_reloaded_page_too(
    stock: Stock, superuser: psycopg.Connection, operator: Client
) -> None:
    stock([{"plate": PLATE}])
    begin = last_number(superuser)
    found = operator.post("/search/", {**WHY, "plate": PLATE}).headers["Location"]
    assert intents(superuser, begin) == [], "nothing was looked for yet"
    for view in ("", "", "?view=map", "?view=timeline"):
        assert PLATE in text_of(operator.get(found + view))
    assert operator.head(found).status_code == 200
    assert intents(superuser, begin) == [{"plate": PLATE}] * 5
    assert PLATE in page_text(operator.get(f"{found}change/"))
    assert len(intents(superuser, begin)) == 5, "the form shows no read"


def test_the_plate_that_was_read_last_comes_first_and_pages_go_on(stock: Stock, operator: Client) -> None:
    stock(
        {"plate": f"7AB{number:03d}", "captured_at": AT - timedelta(minutes=(number * 37) % 120)}
        for number in range(120)
    )
    stock([{"plate": "7AB000", "captured_at": AT - timedelta(days=40)}, {"plate": "8ABC999"}])
    expected = [f"7AB{number:03d}" for number in sorted(range(120), key=lambda number: (number * 37) % 120)]
    for more in ({}, {"since": "2025-12-01T00:00"}):
        first = searched(operator, {**WHY, "plate": "7AB*", **more})
        assert "120 plates" in text_of(first)
        (behind,) = re.findall(r'href="(\?[^"]*after=\d+)"', first.content.decode())
        stock([{"plate": "7AB107", "captured_at": AT + timedelta(minutes=1)}] if not more else [])
        second = operator.get(first.request["PATH_INFO"] + behind.replace("&amp;", "&"))
        assert "after=" not in text_of(second)
        shown = [
            re.findall('<th scope="row"><span class="plate">([^<]*)', page.content.decode()) for page in (first, second)
        ]
        assert [*map(len, shown)] == [100, 20 if more else 19], "one has passed again, and is on the first page now"
        if more:
            expected = ["7AB107", *(plate for plate in expected if plate != "7AB107")]
            assert shown[0] + shown[1] == expected
        else:
            assert shown[0] == expected[:100]


def test_thumbnails_of_a_page_are_one_entry(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    stock([{"plate": PLATE}, {"plate": "7ABX124"}, {"plate": "7ABX125"}])
    add_picture(superuser, 1)
    add_picture(superuser, 2)
    found = searched(operator, {**WHY, "plate": "7AB*"})
    (address,) = re.findall('data-thumbnails="([^"]*)"', found.content.decode())
    begin = last_number(superuser)
    pictures = operator.get(address).json()
    assert {key: b64decode(each["data"]) for key, each in pictures.items()} == {"1": PATCH, "2": PATCH}
    (asked,) = intents(superuser, begin)
    assert (sorted(asked["records"]), asked["picture"]) == ([1, 2, 3], "patch")  # type: ignore[arg-type]
    assert operator.get(address).status_code == 404, "it works once"


@pytest.fixture
def los_angeles(settings: Settings) -> Iterator[None]:
    settings.TIME_ZONE = "America/Los_Angeles"
    get_default_timezone.cache_clear()
    yield
    settings.TIME_ZONE = "UTC"
    get_default_timezone.cache_clear()


@pytest.mark.usefixtures("los_angeles")
def test_times_that_cannot_be_are_refused(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE}])
    wrong = operator.post("/search/", {**WHY, "plate": PLATE, "since": "2026-02-02T00:00", "until": "2026-02-01T00:00"})
    assert (wrong.status_code, "end is not after the start" in page_text(wrong)) == (422, True)
    wrong = operator.post("/search/", {**WHY, "plate": PLATE, "since": "2026-03-08T02:30"})
    assert (wrong.status_code, "no such time on that day" in page_text(wrong)) == (422, True)


@pytest.mark.usefixtures("los_angeles")
def test_timeline_shows_apart_the_two_hours_that_have_one_name(stock: Stock, operator: Client) -> None:
    first = datetime(2025, 11, 2, 8, 45, tzinfo=UTC)  # an hour later, clocks show the same time again
    stock([{"plate": PLATE, "captured_at": first}, {"plate": "7AB0999", "captured_at": first + timedelta(minutes=45)}])
    when = {"since": "2025-11-02T01:00", "until": "2025-11-02T01:59"}
    shown = searched(operator, {**WHY, "plate": "7AB*", **when}, "?view=timeline").content.decode()
    hours = re.findall(r'<li class="hour"><h3>([^<]*)|class="plate" href="[^"]*">([^<]*)', shown)
    assert ["".join(each) for each in hours] == [
        *("Sun, Nov 2, 2025, 1 AM PST", "7AB0999"),
        *("Sun, Nov 2, 2025, 1 AM PDT", PLATE),
    ]


def test_plate_of_a_search_in_a_time_leads_on_to_all_its_reads(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE, "captured_at": AT}, {"plate": PLATE, "captured_at": AT - timedelta(days=2)}])
    leads_on = "Search for this plate at all times and posts"
    begins = f"{localtime(AT - timedelta(hours=1)):%Y-%m-%dT%H:%M}"
    (narrow,) = links(searched(operator, {**WHY, "plate": PLATE, "since": begins}), "plate")
    assert leads_on in (page := text_of(operator.get(narrow)))
    assert page.count('class="thumbnail"') == 1
    (wide,) = links(searched(operator, {**WHY, "plate": PLATE}), "plate")
    assert leads_on not in text_of(operator.get(wide))


def test_an_empty_answer_helps(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    stock([{"plate": PLATE, "color": "red"}, {"plate": "7ABO128"}])
    superuser.execute("INSERT INTO custody_tally VALUES ('post-1', now(), 'read', 'genuine', NULL, 2, now())")
    text = text_of(searched(operator, {**WHY, "plate": "7AB0129", "color": "red"}))
    assert "No reads match" in text
    assert "Oldest read kept: Jan 28, 2026." in text
    assert "Of the last 2 reads, known: direction 100%, lane 0%, issuing state 0%, vehicle 0%, color 50%." in text
    assert "Allow one look-alike" in text
    part = searched(operator, {**WHY, "plate": "7AB"}).content.decode()
    assert 'name="plate" value="7AB*"' in part, "a part was searched as a whole plate"
    assert 'value="7AB0129*"' not in searched(operator, {**WHY, "plate": "7AB0129"}).content.decode()
    again = searched(operator, {**WHY, "plate": "7AB0129", "look_alikes": "1"})
    assert "look-alike" in text_of(again)


@pytest.mark.parametrize(
    "pasted",
    ["7ABO\N{BLACK HEART SUIT}123", " 7ABO \N{EN DASH} 123", "7AB\u00a0O12\N{HEAVY BLACK HEART}\ufe0f3", "7ab.o123"],
)
def test_a_pasted_plate_is_taken_as_people_mean_it(stock: Stock, operator: Client, pasted: str) -> None:
    stock([{"plate": PLATE}])
    assert "1 plate" in page_text(searched(operator, {**WHY, "plate": pasted}))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/search/", {"plate": PLATE}),
        ("/search/", {"plate": PLATE, "purpose": "curiosity"}),
        ("/search/", {"plate": PLATE, "purpose": "criminal investigation"}),
        ("/search/", {"plate": PLATE, "purpose": "patrol", "reason": "for ICE"}),
        ("/search/", {"plate": PLATE, "purpose": "patrol", "on_behalf_of": "somebody"}),
        ("/search/", {"plate": "7A*", **WHY}),
        ("/search/", {"plate": PLATE * 10_000, **WHY}),
        ("/search/scenes/", {"scene-TOTAL_FORMS": "2", "scene-INITIAL_FORMS": "0"}),
    ],
)
def test_without_a_purpose_nothing_is_shown(
    stock: Stock, superuser: psycopg.Connection, operator: Client, path: str, fields: dict[str, str]
) -> None:
    stock([{"plate": PLATE}])
    begin = last_number(superuser)
    text = page_text(operator.post(path, fields, follow=True))
    given = fields.get("plate", "")
    assert "post-1</td>" not in text
    assert re.sub(f'value="{re.escape(given)}"', "", text).count(PLATE) == 0
    ((shown,),) = superuser.execute(
        "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry) WHERE number > %s"
        " AND field IN ('records', 'plates') AND value <> '[]'",
        [begin],
    ).fetchall()
    assert shown == 0


def test_usual_places_need_a_case(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE}])
    (address,) = links(searched(operator, {"purpose": "patrol", "plate": PLATE}), "plate")
    answer = operator.get(f"{address}?show=usual")
    assert (answer.status_code, "for a case only" in page_text(answer)) == (422, True)


def test_what_comes_from_a_hit_waits_for_a_purpose_and_is_no_mistake(operator: Client) -> None:
    answer = operator.post("/search/", {"plate": PLATE}, follow=True)
    text = answer.content.decode()
    assert (answer.status_code, f'value="{PLATE}"' in text, "required." in text) == (200, True, False)
    asked = searched(operator, {"plate": PLATE, "purpose": "criminal investigation"}).content.decode()
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
    found = operator.post("/search/", {**WHY, "plate": PLATE}).headers["Location"]
    operator.get(found)
    fields = {**WHY, "plate": PLATE}
    for path in ("", "plate/1/", "read/1/"):
        assert [client.get(found + path).status_code for client in (Client(), auditor, lapsed)] == [302, 403, 403]
    for path in ("/search/", f"{found}read/1/", "/search/scenes/", "/search/cancel/"):
        assert [client.post(path, fields).status_code for client in (Client(), auditor, lapsed)] == [403] * 3
    assert operator.get(f"/search/picture/{uuid4()}/").status_code == 404


def test_a_correction_stands_beside_and_is_found(stock: Stock, superuser: psycopg.Connection, operator: Client) -> None:
    stock([{"plate": PLATE}, {"plate": "7ABB999"}])
    (address,) = links(searched(operator, {**WHY, "plate": PLATE}), "read")
    noted = text_of(operator.post(address, {"correction": "8ab-o123"}, follow=True))
    assert "8ABO123" in noted
    assert PLATE in noted
    assert "7ABO123" in text_of(searched(operator, {**WHY, "plate": PLATE}))
    found = searched(operator, {**WHY, "plate": "8AB0?23"})
    matches = text_of(found)
    assert "No reads match" in matches
    assert "8ABO123" in matches
    assert PLATE in text_of(operator.get(links(found, "read")[0])), "it is opened by its correction"
    assert superuser.execute("SELECT plate_read FROM custody_read WHERE record_id = 1").fetchall() == [(PLATE,)]
    before, after = (f"{localtime(AT) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}" for minutes in (-1, 1))
    for narrowed, matches in (
        ({"since": before, "until": after, "direction": "approaching"}, True),
        ({"since": after}, False),
        ({"until": before}, False),
        ({"direction": "receding"}, False),
    ):
        text = text_of(searched(operator, {**WHY, "plate": "8AB0*", **narrowed}))
        assert ("Corrected by a person" in text) is matches, narrowed
    wrong = operator.post(address, {"correction": "not a plate!"})
    assert "1 to 24 letters and digits" in text_of(wrong)
    superuser.execute("TRUNCATE custody_read")
    superuser.execute("SELECT search_forget((SELECT array_agg(DISTINCT w) FROM search_plate, unnest(weeks) w), '', 99)")
    assert superuser.execute("SELECT * FROM search_correction").fetchall() == []


def test_searches_are_saved_by_case_for_oneself(stock: Stock, operator: Client) -> None:
    stock([{"plate": PLATE}])
    exigent = {"exigent": "on", "reason": "child taken"}
    found = operator.post("/search/", {**WHY, "plate": "7AB0*", "weekdays": ["1", "3"], **exigent}).headers["Location"]
    operator.post(f"{found}save/")
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
    found = operator.post("/search/scenes/", fields).headers["Location"]
    for _ in range(2):
        matches = page_text(operator.get(found))
        assert "2 plates" in matches
        assert (PLATE in matches, "7ABX121" in matches) == (True, False)
    (address,) = links(searched(operator, {**WHY, "plate": PLATE}), "plate")
    assert "7ABY777" in page_text(operator.get(f"{address}?show=companions"))
    usual = text_of(operator.get(f"{address}?show=usual"))
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

    monkeypatch.setattr(pages, "find_results", slow)
    canceler = threading.Thread(target=canceling)
    canceler.start()
    answer = searched(operator, {**WHY, "plate": PLATE, "running": running})
    canceler.join()
    assert "was canceled" in answer.content.decode()
    assert superuser.execute("SELECT event FROM ledger_entry ORDER BY number DESC LIMIT 1").fetchall() == [("failed",)]
