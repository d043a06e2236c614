"""What the database refuses by a rule of ours, which the rule's constraint names."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError

from platepost.department.errors import OperationRefusedError


@contextmanager
def refused_as(
    error_class: Callable[[str, str], OperationRefusedError],
    *prefixes: str,
    why: Mapping[str, str] | None = None,
    also: tuple[type[psycopg.Error], ...] = (),
) -> Iterator[None]:
    """Turn what the database refuses by a rule into an error of ours.

    Args:
        error_class: makes it, of what people are told and the rule's name.
        prefixes: how the names of the rules begin.
        why: what people are told, by rule; otherwise what the database says.
        also: errors that refuse without a rule.

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
        raise error_class((why or {}).get(rule) or str(cause.diag.message_primary), rule) from error
