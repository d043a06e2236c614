"""The pages of the lists by requests: what is entered, who is refused, and no plate where others could read it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.http import HttpResponse
from django.test import Client

from platepost.department.database.roles import OWNER
from platepost.department.lists import services
from platepost.department.lists.models import ListEntry, ListRequest
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import ListRules
from tests.department.lists.conftest import Stock, entry_of, fresh_client, stored_entries
from tests.department.people.persons import client_of, page_text
from tests.department.planting import planting
from tests.department.roles import as_role

People = dict[str, DepartmentPerson]
pytestmark = pytest.mark.usefixtures("as_web")
SAID = {
    "plate": "7ab-c123",
    "category": "stolen_vehicle",
    "case_number": "26-00417",
    "reason": "taken on Main Street",
    "purpose": "stolen vehicle",
    "ends": "24",
    "state": "ca",
}
NOW = datetime.now(UTC).replace(microsecond=0)


def logged_in(person: DepartmentPerson) -> Client:
    with as_role(OWNER):
        return client_of(person)


def text_of(answer: HttpResponse) -> str:
    text = page_text(answer)
    assert not re.search('(href|src|action)="[^"]*7AB|<title>[^<]*7AB', text)
    return text


def test_from_the_form_to_the_list(people: People) -> None:
    client = logged_in(people["a.rivera"])
    assert 'value="amber_alert" selected' in text_of(client.get("/lists/add/?category=amber_alert"))
    answer = client.post("/lists/add/", SAID)
    (entry,) = stored_entries()
    assert answer.headers["Location"] == f"/lists/entry/{entry.pk}/"
    assert (entry.plate, entry.state, entry.priority, entry.author) == ("7ABC123", "CA", 2, "a.rivera")
    assert ListRequest.objects.get().kind == "delta"
    assert "7ABC123" in text_of(client.get(f"/lists/entry/{entry.pk}/"))
    assert "7ABC123" in text_of(client.get("/lists/"))
    refused = client.post(f"/lists/entry/{entry.pk}/end/", {"because": LONG})
    assert (refused.status_code, LONG in text_of(refused)) == (422, True), "what was typed is not lost"
    ended = client.post(f"/lists/entry/{entry.pk}/end/", {"because": "a mistake"})
    assert ended.status_code == 302
    assert "a mistake" in text_of(client.get(f"/lists/entry/{entry.pk}/"))
    assert client.post(f"/lists/entry/{entry.pk}/end/", {"because": "again"}).status_code == 409


LONG = "A mistake of mine. " * 12

WRONG = (
    ({"plate": "7A"}, "Fewer than 3 characters"),
    ({"plate": "UNKNOWN"}, "A word for a missing plate"),
    ({"plate": "7?B*"}, "Fewer than 3 known characters"),
    ({"plate": "7AB_123"}, "A mark for unknown characters"),
    ({"plate": "7AB?", "characters": "9"}, "cannot have that number"),
    ({"characters": "7"}, "A whole plate"),
    ({"case_number": ""}, "needs a case number"),
    ({"state": "1"}, "two or three letters"),
    ({"distribution": "homicide"}, "not one of the available choices"),
    ({"ends": "87600"}, "not one of the available choices"),
    ({"category": "gossip"}, "not one of the available choices"),
)


def test_every_entry_of_a_long_list_is_reached(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.department.lists.overview.SHOWN", 2)
    for number in range(5):
        services.enter_entry(entry_of(f"7ABC12{number}"), people["a.rivera"])
    client, address, seen = logged_in(people["a.rivera"]), "/lists/", []
    while address:
        text = text_of(client.get(address))
        seen.append(re.findall(r"7ABC12\d", text))
        onward = re.search(r'href="(\?before=\d+)">Show older entries', text)
        address = f"/lists/{onward[1]}" if onward else ""
    assert seen == [["7ABC124", "7ABC123"], ["7ABC122", "7ABC121"], ["7ABC120"]]
    assert client.get(f"/lists/?before={'9' * 30}").status_code == 200


def test_entry_names_the_others_of_its_plate(people: People) -> None:
    client = logged_in(people["a.rivera"])
    entries = [
        entry_of("7AB0123"),
        entry_of("7ABO123"),
        entry_of("7AB0124"),
        entry_of("7AB0123", distribution="narcotics"),
    ]
    for entry in entries:
        services.enter_entry(entry, people["a.rivera"])
    one, other, _, covert = (entry.pk for entry in entries)

    def named(client: Client, number: int) -> list[int]:
        fields = text_of(client.get(f"/lists/entry/{number}/")).partition("Other entries have the same plate.")[2]
        return [int(link) for link in re.findall(r'href="/lists/entry/(\d+)/"', fields)]

    assert named(client, one) == [other, covert]
    assert named(logged_in(people["f.other"]), one) == [other], "of a covert group its members alone see"
    client.post(f"/lists/entry/{other}/end/", {"because": "the car was found"})
    assert named(client, other) == [one, covert], "it is listed still"
    client.post(f"/lists/entry/{one}/end/", {"because": "the car was found"})
    assert named(client, one) == [covert]
    assert named(client, covert) == []


def test_the_form_says_what_is_wrong(people: People) -> None:
    client = logged_in(people["a.rivera"])
    for wrong, why in WRONG:
        answer = client.post("/lists/add/", {**SAID, **wrong})
        assert (answer.status_code, why in answer.content.decode()) == (422, True), why
    assert stored_entries() == []


def test_a_covert_entry_waits_for_another_of_the_group(people: People) -> None:
    author, client = people["b.chen"], fresh_client(people["b.chen"])
    client.post("/lists/add/", {**SAID, "distribution": "narcotics"})
    with services.seeing(author, page=200):
        entry = ListEntry.objects.get()
    where = f"/lists/entry/{entry.pk}/"
    page = text_of(client.get(where))
    assert "Someone else must approve it" in page
    assert "Approve it</button>" not in page
    assert client.post(f"{where}approve/").status_code == 409
    stranger = fresh_client(people["c.doe"])
    assert stranger.get(where).status_code == 404
    assert stranger.post(f"{where}approve/").status_code == 404
    assert "7ABC123" not in text_of(stranger.get("/lists/"))
    assert not ListRequest.objects.exists()
    with as_role(OWNER):
        people["c.doe"].covert.create(group="narcotics")
    stale = logged_in(people["c.doe"]).post(f"{where}approve/")
    assert "/account/fresh/" in stale.headers["Location"], "an approval asks for a fresh second factor"
    assert stranger.post(f"{where}approve/").status_code == 302
    assert ListRequest.objects.get().person == "c.doe"


def test_recovered_cars_and_held_lists(people: People, superuser: psycopg.Connection) -> None:
    client = logged_in(people["a.rivera"])
    services.enter_entry(entry_of(), people["a.rivera"])
    assert client.post("/lists/recovered/", {"plate": "??", "because": "found"}).status_code == 422
    assert client.post("/lists/recovered/", {"plate": "7ABC 123", "because": "found"}).status_code == 302
    assert stored_entries()[0].ended_because == "recovered"
    superuser.execute(
        "INSERT INTO lists_request (kind, state, message, size_before, size_after)"
        " VALUES ('complete', 'held', 'too many', 205, 6)"
    )
    number = ListRequest.objects.get(state="held").pk
    page = text_of(client.get("/lists/"))
    assert "Changes are NOT at the posts: held since" in page
    assert "Publish: removes" not in page
    assert client.post(f"/lists/held/list/{number}/", {"because": "right"}).status_code == 403
    supervisor = fresh_client(people["c.doe"])
    assert "Publish: removes 199 of 205 plates</button>" in text_of(supervisor.get("/lists/"))
    assert supervisor.post(f"/lists/held/list/{number}/", {}).status_code == 422
    assert LONG in text_of(supervisor.post(f"/lists/held/list/{number}/", {"because": LONG}))
    assert LONG not in text_of(supervisor.post(f"/lists/held/list/{number + 1}/", {"because": LONG}))
    assert supervisor.post(f"/lists/held/list/{number}/", {"because": "right"}).status_code == 302
    assert supervisor.post(f"/lists/held/list/{number}/", {"because": "right"}).status_code == 409
    assert ListRequest.objects.get(override="right").kind == "complete"


def test_look_back_finds_leads_that_are_opened_for_a_purpose(
    people: People, stock: Stock, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    days: tuple[dict[str, Any], ...] = (
        {"plate": "7ABC123", "captured_at": NOW - timedelta(days=2)},
        {"plate": "7ABC123", "captured_at": NOW - timedelta(days=40)},
        {"plate": "7ABC123", "captured_at": NOW - timedelta(days=40), "class": "hit"},
        {"plate": "8XYZ999", "captured_at": NOW},
        {"plate": "7A?C123", "captured_at": NOW - timedelta(days=3)},
    )
    stock({**each, "retained_from": each["captured_at"]} for each in days)
    client = logged_in(people["a.rivera"])
    client.post("/lists/add/", {**SAID, "look_back": "on"})
    client.post("/lists/add/", {**SAID, "plate": "7AB?12*", "look_back": "on", "characters": "7"})
    whole, partial = stored_entries()
    with as_role(OWNER):
        leads = [sorted(each.leads.values_list("record_id", flat=True)) for each in (whole, partial)]
    assert leads == [[1, 3, 5], [1, 3, 5]], (
        "by class and days that the policy allows, also where a character was hidden"
    )
    where = f"/lists/entry/{whole.pk}/"
    closed = text_of(client.get(where))
    assert "3 reads of the past fit" in closed
    assert "post-1" not in closed
    opened = text_of(client.post(f"{where}leads/", {"purpose": "stolen vehicle"}))
    assert opened.count("post-1</td>") == 3
    with as_role(OWNER):
        asked = superuser.execute(
            "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'intent'"
            " AND field = 'query' AND value LIKE %s",
            [f'%"list_entry": {whole.pk}%'],
        ).fetchall()
    assert asked == [(2,)]
    rules = ListRules(two_persons=())
    monkeypatch.setattr("platepost.department.lists.look_back.policy_in_force", lambda: type("P", (), {"lists": rules}))
    client.post("/lists/add/", {**SAID, "plate": "8XYZ999", "look_back": "on"})
    (unsought,) = stored_entries(plate="8XYZ999")
    with as_role(OWNER):
        assert not unsought.leads.exists(), "a policy that allows none"


def test_look_back_for_a_covert_entry_is_its_group_s_matter(
    people: People, stock: Stock, superuser: psycopg.Connection
) -> None:
    stock([{"plate": "7ABC123", "captured_at": NOW - timedelta(days=2), "retained_from": NOW - timedelta(days=2)}])
    client = logged_in(people["a.rivera"])
    answer = client.post("/lists/add/", {**SAID, "distribution": "narcotics", "look_back": "on"}, follow=True)
    assert "once someone else has approved it" in text_of(answer)
    with services.seeing(people["a.rivera"], page=200):
        entry = ListEntry.objects.get()
    where = f"/lists/entry/{entry.pk}/"
    asked = {"purpose": "stolen vehicle", "search": "on"}
    assert client.post(f"{where}leads/", asked).status_code == 422
    assert _since_entered(superuser, "intent") == [], "nobody alone searches for what no auditor sees"
    fresh_client(people["b.chen"]).post(f"{where}approve/")
    assert "1 read of the past fits" in text_of(client.post(f"{where}leads/", asked))
    opened = text_of(client.post(f"{where}leads/", {"purpose": "stolen vehicle"}))
    assert opened.count("post-1</td>") == 1
    intents, shown = (_since_entered(superuser, event) for event in ("intent", "shown"))
    assert [(each["case"], each["reason"], "plate" in each["query"]) for each in intents] == [
        (f"#{entry.pk}", None, False)
    ] * 2
    assert [each["query"] for each in intents] == [
        {"list_entry": entry.pk, "days": {"no_hit": 30, "hit": 366}},
        {"list_entry": entry.pk, "leads": 1},
    ]
    assert [{**each, "covert": {}} for each in shown] == [{"records": [], "pictures": [], "covert": {}}] * 2
    matches = [each["covert"]["narcotics"] for each in shown]
    assert [(each["records"], each.get("plates")) for each in matches] == [([1], ["7ABC123"]), ([1], None)]
    assert [each["steps"] for each in matches] == [[{"case": "26-00417", "reason": "taken on Main Street"}]] * 2


def test_forbidden_word_asks_for_other_words_first_and_is_for_the_auditors_then(
    people: People, superuser: psycopg.Connection
) -> None:
    client = logged_in(people["a.rivera"])
    for distribution, tried in (("", "a second try goes to the auditors"), ("narcotics", "the auditors see it")):
        answer = client.post("/lists/add/", {**SAID, "distribution": distribution, "reason": "I.C.E. asked us"})
        assert answer.status_code == 422
        assert "Refused because of \N{LEFT DOUBLE QUOTATION MARK}I.C.E" in text_of(answer)
        assert tried in text_of(answer)
        assert "I.C.E. asked us" in answer.content.decode(), "it is there still, to be written otherwise"
    first, second = _since_entered(superuser, "words_refused")
    assert first == {"person": "a.rivera", "what": "list entry", "field": "reason", "word": "I.C.E"}
    assert second == {**first, "forbidden": "immigration"}, "what a covert entry says is its group's"
    assert stored_entries() == []
    assert client.post("/lists/add/", {**SAID, "reason": "suspect slipped on ice"}).status_code == 302


def test_covert_look_back_needs_the_second_person_that_no_policy_and_no_law_asked_for(
    people: People, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser.execute("UPDATE lists_policy SET two_persons = '{}'")
    law = type("L", (), {"approves_searches": False})
    rules = ListRules(two_persons=(), look_back={"no_hit": 30})
    monkeypatch.setattr(
        "platepost.department.lists.look_back.policy_in_force", lambda: type("P", (), {"lists": rules, "law": law})
    )
    monkeypatch.setattr("platepost.department.lists.services.policy_in_force", lambda: type("P", (), {"lists": rules}))
    answer = logged_in(people["a.rivera"]).post(
        "/lists/add/", {**SAID, "distribution": "narcotics", "look_back": "on"}, follow=True
    )
    assert "once someone else has approved it" in text_of(answer)
    assert _since_entered(superuser, "intent") == []


def _since_entered(superuser: psycopg.Connection, event: str) -> list[dict[str, Any]]:
    """Return what the entries of an event say since the last list entry, in order, by field."""
    matches = superuser.execute(
        "SELECT json_object_agg(field, value::json) FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = %s"
        " AND number > coalesce((SELECT max(number) FROM ledger_entry WHERE event = 'list_entered'), 0)"
        " GROUP BY number ORDER BY number",
        [event],
    ).fetchall()
    return [fields for (fields,) in matches]


def test_imports_and_posts_are_shown(people: People, superuser: psycopg.Connection) -> None:
    superuser.execute(
        'INSERT INTO lists_import (source, "system_user", mark, mapping, accepted, refused, report)'
        " VALUES ('state', 'root', '', '', 5, 1, '[[4, \"no plate\"]]')"
    )
    superuser.execute("SELECT custody_make_partitions(current_date, current_date)")
    superuser.execute("TRUNCATE custody_status")
    with planting(superuser):
        superuser.execute(
            "INSERT INTO custody_status (record_id, class, retained_from, post, at, state, since, reasons, software,"
            " list_version, list_age) VALUES (1, 'log', now(), 'post-1', now(), 'online', now(), '{}', '0', 4, 90)"
        )
    superuser.execute(
        "INSERT INTO lists_request (kind, state, version, published_at) VALUES ('delta', 'published', 5, now())"
    )
    client = logged_in(people["a.rivera"])
    page = text_of(client.get("/lists/"))
    assert "4, not the newest" in page
    assert "1 min</td>" in page
    assert "state</td>" in text_of(client.get("/lists/imports/"))
    (number,) = superuser.execute("SELECT id FROM lists_import").fetchone() or (0,)
    assert "no plate" in text_of(client.get(f"/lists/imports/{number}/"))
    assert client.get("/lists/imports/999999/").status_code == 404
    superuser.execute("TRUNCATE custody_status")
