"""What the database refuses by a rule of ours, which the rule's constraint names."""

import psycopg
from django.db import DatabaseError


def refusal_of(error: DatabaseError, prefix: str) -> psycopg.errors.Diagnostic | None:
    """Return what the database says of a refusal; None if no rule with this prefix in its name refused."""
    said = error.__cause__.diag if isinstance(error.__cause__, psycopg.Error) else None
    return said if said is not None and (said.constraint_name or "").startswith(prefix) else None
