"""Turns violations of database rules into errors. A rule is known by its constraint's name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError

from platepost.department.errors import OperationRefusedError


@contextmanager
def refused_as(
    make_error: Callable[[str, str], OperationRefusedError],
    *prefixes: str,
    messages: Mapping[str, str] | None = None,
    also: tuple[type[psycopg.Error], ...] = (),
) -> Iterator[None]:
    """Turn a violation of one of the rules into an error of the department; other errors pass.

    Args:
        make_error: makes the error from its message and the rule's name.
        prefixes: prefixes of the rules' names, such as `alerts_`.
        messages: messages by rule; without one, the database's message.
        also: psycopg errors that count as a violation even without a rule's name.

    """
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        rule = cause.diag.constraint_name or ""
        if not rule.startswith(prefixes) and not isinstance(cause, also):
            raise
        message = (messages or {}).get(rule) or cause.diag.message_primary or str(cause)
        raise make_error(message, rule) from error
