"""Working as a role on Django's connection."""

import pytest
from django.db import ProgrammingError, connection, transaction

from platepost.department.database.roles import KEEPER, OWNER, ROLES
from tests.department.roles import as_role


def user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_role_is_taken_on_and_laid_down(role: str) -> None:
    assert user() == OWNER
    with as_role(role):
        assert user() == role
    assert user() == OWNER


@pytest.mark.django_db
def test_keeper_sees_the_migrations_and_changes_none() -> None:
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        assert cursor.fetchone()[0] > 0
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("DELETE FROM django_migrations")
