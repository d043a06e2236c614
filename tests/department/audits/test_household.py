"""Plates of people's own households: what is kept, by which key, and when it goes."""

from pathlib import Path

import pytest
from django.db import connection

from department.audits.errors import AuditError
from department.audits.household import HouseholdKey, note_household
from department.database.roles import WEB
from department.people.services import disable
from tests.department.people.persons import made_person
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"consent": "form 7", "by": "i.auditor"}


def test_household_is_kept_as_digests_and_goes_with_the_account(tmp_path: Path) -> None:
    person = made_person("h.holder")
    key = HouseholdKey(tmp_path / "key", make=True)
    with as_role(WEB):
        assert note_household(key, "h.holder", ["7QAO123", "2QAA222"], **GIVEN) == 2
        assert note_household(key, "h.holder", ["7qa-o123"], **GIVEN) == 1
        known = key.known()
        assert known("h.holder", "7QA0123")
        assert not known("h.holder", "2QAA222"), "what was noted before is replaced"
        assert not known("somebody", "7QA0123"), "another's"
        assert not HouseholdKey(tmp_path / "other", make=True).known()("h.holder", "7QA0123")
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(value, ' ') FROM ledger_body WHERE value ~* '7QA'")
            assert cursor.fetchone() == (None,), "no plate in the ledger"
    disable(person)
    assert not key.known()("h.holder", "7QA0123")
    with pytest.raises(AuditError, match="disabled"), as_role(WEB):
        note_household(key, "h.holder", ["7QAO123"], **GIVEN)


@pytest.mark.parametrize(("mode", "size", "why"), [(0o640, 32, "open to others"), (0o600, 16, "no key of 32 bytes")])
def test_key_is_of_its_user_alone(tmp_path: Path, mode: int, size: int, why: str) -> None:
    path = tmp_path / "key"
    with pytest.raises(AuditError, match="No such file"):
        HouseholdKey(path)
    path.write_bytes(bytes(size))
    path.chmod(mode)
    with pytest.raises(AuditError, match=why):
        HouseholdKey(path)
