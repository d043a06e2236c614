"""Errors of the database become errors of the department, with a message for people."""

import psycopg
import pytest
from django.db import DatabaseError
from psycopg.errors import InsufficientPrivilege

from platepost.department.database.refusals import refused_as
from platepost.department.errors import OperationRefusedError


def test_an_error_without_a_message_of_the_server_keeps_its_own_text() -> None:
    with (
        pytest.raises(OperationRefusedError, match=r"^the connection was lost$"),
        refused_as(OperationRefusedError, "lists_", also=(InsufficientPrivilege,)),
    ):
        raise DatabaseError from InsufficientPrivilege("the connection was lost")


def test_an_error_that_is_no_rule_passes() -> None:
    with pytest.raises(DatabaseError, match="disk"), refused_as(OperationRefusedError, "lists_"):
        raise DatabaseError("disk") from psycopg.OperationalError("disk")
