"""Plates of people's own households: what is kept, by which key, and when it goes."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import override_settings

from platepost.department.audits.errors import AuditError
from platepost.department.audits.household import (
    HouseholdKey,
    household_of,
    note_household,
    open_sealed,
    prepare_key,
    require_published,
    seal_household,
)
from platepost.department.database.roles import WEB
from platepost.department.people.services import disable
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"consent": "form 7", "by": "i.auditor"}
PAGE = "/household/"


def made_key(folder: Path) -> HouseholdKey:
    prepare_key(folder / "key", folder / "key.pub")
    return HouseholdKey(folder / "key")


def rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_household_is_kept_as_digests_and_goes_with_the_account(tmp_path: Path) -> None:
    person = new_person("h.holder")
    key = made_key(tmp_path)
    with as_role(WEB):
        assert note_household(key, "h.holder", ["7QAO123", "2QAA222"], **GIVEN) == 2
        assert note_household(key, "h.holder", ["7qa-o123"], **GIVEN) == 1
        known = key.known()
        assert known("h.holder", "7QA0123")
        assert not known("h.holder", "2QAA222"), "what was noted before is replaced"
        assert not known("somebody", "7QA0123"), "another's"
        assert rows("SELECT string_agg(value, ' ') FROM ledger_body WHERE value ~* '7QA'") == [(None,)], "no plate"
    disable(person)
    assert not key.known()("h.holder", "7QA0123")
    with pytest.raises(AuditError, match="disabled"), as_role(WEB):
        note_household(key, "h.holder", ["7QAO123"], **GIVEN)


def test_what_is_named_on_the_page_is_sealed_until_the_night_and_erased_when_consent_is_taken_back(
    tmp_path: Path,
) -> None:
    person = new_person("h.holder")
    own, key = client_of(person), made_key(tmp_path)
    with override_settings(HOUSEHOLD_PUBLIC=tmp_path / "key.pub"), as_role(WEB):
        for wrong in ({"plates": "7QAO123"}, {"consent": "on"}, {"plates": "7QAO123\n" * 11, "consent": "on"}):
            assert own.post(PAGE, wrong).status_code == 422
        assert rows("SELECT FROM audits_household_sealed") == []
        assert own.post(PAGE, {"plates": "7qa-o123\n\n2QAA222", "consent": "on"}).status_code == 302
        assert "2 plates named" in own.get(PAGE).content.decode()
        assert "from the next night on" in own.get(PAGE).content.decode()
        assert not key.known()("h.holder", "7QA0123")
        assert rows("SELECT FROM audits_household_sealed WHERE sealed ~* '7QA'") == []
        open_sealed(key, by="nightly")
        assert key.known()("h.holder", "7QA0123")
        assert rows("SELECT FROM audits_household_sealed") == []
        assert "from the next night on" not in own.get(PAGE).content.decode()
        assert own.post(PAGE, {"take_back": "1"}).status_code == 302
        assert rows("SELECT FROM audits_household") == []
        assert "You have not named any" in own.get(PAGE).content.decode()
        seal_household("h.holder", ["7QA0123"], tmp_path / "key.pub")
    fetched = rows(
        "SELECT string_agg(value, ' ' ORDER BY field) FROM ledger_body JOIN ledger_entry USING (entry)"
        " WHERE event = 'household_noted' AND field IN ('by', 'consent', 'count') GROUP BY number ORDER BY number"
    )
    assert [(line.split()[0], line.split()[-1]) for (line,) in fetched[-4:]] == [  # type: ignore[attr-defined]
        *(('"h.holder"', "2"), ('"nightly"', "2"), ('"h.holder"', "0"), ('"h.holder"', "1"))
    ]
    disable(person)
    assert household_of("h.holder") is None


def test_what_does_not_open_is_not_kept(tmp_path: Path) -> None:
    key = made_key(tmp_path)
    for login in ("h.holder", "o.other", "p.third"):
        new_person(login)
    seal_household("h.holder", ["7QA0123"], tmp_path / "key.pub")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audits_household_sealed SELECT other, CASE other WHEN 'o.other' THEN sealed ELSE 'x' END, 1"
            " FROM audits_household_sealed, unnest('{o.other,p.third}'::text[]) AS other"
        )
    open_sealed(key, by="nightly")
    assert rows("SELECT person FROM audits_household") == [("h.holder",)]
    assert rows("SELECT FROM audits_household_sealed") == []


def test_key_is_made_once_and_what_another_knew_is_forgotten(tmp_path: Path) -> None:
    new_person("h.holder")
    key, public = made_key(tmp_path), tmp_path / "key.pub"
    require_published(key, public)
    note_household(key, "h.holder", ["7QA0123"], **GIVEN)
    (tmp_path / "key").rename(tmp_path / "elsewhere")
    prepare_key(tmp_path / "key", public)
    assert not (tmp_path / "key").exists(), "it lies elsewhere"
    public.unlink()
    other = made_key(tmp_path)
    assert rows("SELECT FROM audits_household") == []
    require_published(other, public)
    with pytest.raises(AuditError, match="of another key"):
        require_published(key, public)
    public.unlink()
    with pytest.raises(AuditError, match="no household key yet"):
        seal_household("h.holder", ["7QA0123"], public)


@pytest.mark.parametrize(("mode", "size", "why"), [(0o640, 32, "open to others"), (0o600, 16, "no key of 32 bytes")])
def test_key_is_of_its_user_alone(tmp_path: Path, mode: int, size: int, why: str) -> None:
    path = tmp_path / "key"
    with pytest.raises(AuditError, match="No such file"):
        HouseholdKey(path)
    path.write_bytes(bytes(size))
    path.chmod(mode)
    with pytest.raises(AuditError, match=why):
        HouseholdKey(path)
