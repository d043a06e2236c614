"""Forbidden words over a search, a list entry, a hold and a request: sixty texts, by the pages' code and by hand.

What the code and the database find in a text is tried of every text; what the four places do with it, of each text in
one of them, or in all with PLATEPOST_THOROUGH=1.
"""

import json
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from platepost.department.archive.holds import HoldScope, place_hold
from platepost.department.database.queries import rows
from platepost.department.database.roles import COMMAND, OWNER, WEB
from platepost.department.errors import DepartmentError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.writing import append
from platepost.department.lists import services
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.forbidden_words import folded, look_alikes
from platepost.department.policy.policy import DEFAULT, AccessPurpose, read_policy
from platepost.department.sharing.models import SharingRequest
from platepost.department.sharing.requests import decide, receive
from tests.department.ledger.asked import handmade
from tests.department.lists.conftest import entry_of
from tests.department.people.persons import new_person
from tests.department.policy.texts import FORBIDDEN, INNOCENT
from tests.department.roles import as_role
from tests.department.search.conftest import superuser
from tests.thorough import in_turn

__all__ = ["superuser"]
pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = [*FORBIDDEN, *INNOCENT]
DAY = timezone.now()
SCOPE = HoldScope(plates=["TEST123"], since=DAY, until=DAY + timedelta(days=1))
Act = Callable[[str, str], object]


def search(text: str, person: str) -> None:
    asked = {"person": person, "agency": "department", "query": {"plate": "TEST123"}}
    with as_role(COMMAND):
        open_entry(**asked, purpose=AccessPurpose("criminal investigation", "26-00417", text)).shown()


def enter(text: str, person: str) -> None:
    services.enter_entry(entry_of(reason=text), DepartmentPerson.objects.get(login=person))


def instruct(text: str, person: str) -> None:
    services.enter_entry(entry_of("7AB?12*", instructions=text), DepartmentPerson.objects.get(login=person))


def hold(text: str, person: str) -> None:
    review = date(2031, 1, 1)
    place_hold(person=person, kind="evidence", case="26-00417", reason=text, review_on=review, scope=SCOPE)


def grant(text: str, person: str) -> None:
    fields = {"requester": "the court", "order_number": "S-1", "says": text}
    request = receive(person=person, kind="subpoena", received_on=timezone.localdate(), **fields)
    decide(request, person=person, answers=[{"outcome": "granted", "because": "as ordered"}])


def by_hand(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


_ENTRY = (
    "INSERT INTO lists_entry (plate, category, priority, case_number, purpose, {}reason, author, expires_at,"
    " second_person, over_at) VALUES ('7ABC123', 'stolen_vehicle', 2, '26-00417', 'stolen vehicle', {}%s, %s,"
    " now() + interval '1 day', true, now())"
)


def search_by_hand(text: str, person: str) -> None:
    fields = handmade(
        purpose="criminal investigation", case="26-00417", reason=text, person=person, query={"plate": "T"}
    )
    with as_role(COMMAND):
        append(LedgerEvent.INTENT, json.loads(fields))


def enter_by_hand(text: str, person: str) -> None:
    by_hand(_ENTRY.format("", ""), text, person)


def instruct_by_hand(text: str, person: str) -> None:
    by_hand(_ENTRY.format("instructions, ", "%s, "), text, "taken on Main Street", person)


def hold_by_hand(text: str, person: str) -> None:
    by_hand(
        "INSERT INTO archive_hold (kind, case_number, person, reason, review_on, plates, since, until)"
        " VALUES ('evidence', '26-00417', %s, %s, '2031-01-01', '{TEST123}', now(), now() + interval '1 day')",
        person,
        text,
    )


def grant_by_hand(text: str, person: str) -> None:
    fields = {"kind": "subpoena", "requester": "the court", "order_number": "S-1", "says": text, "person": person}
    day = timezone.localdate()
    request = SharingRequest.objects.create(**fields, received_on=day, due_on=day)
    by_hand(
        "UPDATE sharing_request SET decision = 'granted', because = 'as ordered', decided_by = %s, decided_at = now()"
        " WHERE id = %s",
        person,
        request.pk,
    )


ACTS = {
    "search": (search, search_by_hand, DepartmentRole.OPERATOR),
    "hot list": (enter, enter_by_hand, DepartmentRole.OPERATOR),
    "pattern": (instruct, instruct_by_hand, DepartmentRole.OPERATOR),
    "hold": (hold, hold_by_hand, DepartmentRole.OPERATOR),
    "request": (grant, grant_by_hand, DepartmentRole.RECORDS_MANAGER),
}


@pytest.fixture
def people(superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> dict[DepartmentRole, str]:
    """Make someone of each role, of whom each try counts as the first."""
    monkeypatch.setattr("platepost.department.archive.holds.write_aside", lambda: None)
    monkeypatch.setattr("platepost.department.ledger.wording.rows", lambda *_: [(False,)])
    superuser.execute("UPDATE lists_policy SET two_persons = '{all}'")
    with as_role(OWNER):
        roles = {role for *_, role in ACTS.values()}
        return {role: new_person(f"{role.value.replace('_', '.')}.words", role).login for role in roles}


def refused(act: Act, text: str, person: str) -> bool:
    """Tell whether something is refused for a word."""
    with as_role(WEB):
        try:
            act(text, person)
        except (DepartmentError, IntegrityError) as error:
            known = ("Refused because of", "the policy forbids it")
            assert any(each in str(error) for each in known), error  # noqa: PT017 - for nothing else
            return True
    return False


def test_sixty_texts() -> None:
    assert (len(FORBIDDEN), len(INNOCENT)) == (40, 20)


@pytest.mark.parametrize("where", ACTS)
def test_forbidden_however_spelled_and_innocent_get_what_the_table_says(
    where: str, people: dict[DepartmentRole, str]
) -> None:
    """By the pages' code and as the pages' role by hand, which agree."""
    service, hand, role = ACTS[where]
    began = timezone.now()
    texts = [text for text, place in in_turn(TEXTS, [*ACTS]) if place == where]
    forbidden = [text for text in texts if text in FORBIDDEN]
    assert 0 < len(forbidden) < len(texts)
    got = {text: (refused(service, text, people[role]), refused(hand, text, people[role])) for text in texts}
    expected = {text: (text in forbidden, text in forbidden) for text in texts}
    assert {text: each for text, each in got.items() if each != expected[text]} == {}
    entered = rows(
        "SELECT count(*) FILTER (WHERE field = 'word'), count(*) FILTER (WHERE field = 'forbidden')"
        " FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event IN ('refused', 'words_refused') AND at > %s",
        [began],
    )
    assert entered == [(len(forbidden), 0)], "nothing of what is innocent, and nothing for the auditors yet"


def test_database_folds_and_finds_as_the_pages_do() -> None:
    policy = read_policy(DEFAULT)
    assert sum(map(len, (use.pattern for use in policy.forbidden))) > 1000
    for text in TEXTS:
        ((same,),) = rows("SELECT policy_folded(%s)", [text])
        assert same == folded(text), text
        fetched = rows("SELECT use, word FROM policy_word(%s)", [text])
        words = [(use.name, use.written_in(text)) for use in policy.forbidden if use.written_in(text)]
        assert [(use, word) for use, word in fetched] == words[:1], text
        assert [use for use, _ in fetched] == ([FORBIDDEN[text]] if text in FORBIDDEN else []), text


def test_database_agrees_about_two_thousand_random_texts() -> None:
    """Of words of the policy and of innocent phrases, cut, joined, spelled around, and set in other alphabets."""
    policy, draw = read_policy(DEFAULT), Random(20261201)
    alike, stands_for = look_alikes()
    others: dict[str, list[str]] = {}
    for character, letter in zip(alike, stands_for, strict=True):
        others.setdefault(letter, []).append(character)
    known = [each.strip("*") for use in policy.forbidden for each in (*use.words, *use.innocent, *use.sampled)]
    gaps = ("", "", "", " ", ".", "_", "-", "\u200b", "\u00ad", "\u0336", "\u00a0", "  ", "/")

    def spelled(word: str) -> str:
        gap, odd = draw.choice(gaps), draw.random() < 0.3
        letters = [draw.choice(others.get(each, [each])) if odd and draw.random() < 0.5 else each for each in word]
        return draw.choice((str, str.upper, str.lower))(gap.join(letters)[draw.randrange(2) :])

    texts = [
        draw.choice((" ", "", ", ", "\n")).join(spelled(draw.choice(known)) for _ in range(draw.randrange(1, 4)))
        for _ in range(2000)
    ]
    fetched = rows(
        "SELECT policy_folded(each), (SELECT use FROM policy_word(each))"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS given (each, place) ORDER BY place",
        [texts],
    )
    expected = []
    for text in texts:
        uses = [use.name for use in policy.forbidden if use.written_in(text)]
        expected.append((folded(text), uses[0] if uses else None))
    differ = [(text, one, other) for text, one, other in zip(texts, fetched, expected, strict=True) if one != other]
    assert differ == []
    assert 400 < sum(use is not None for _, use in expected) < 1600, "both kinds, or it shows nothing"
