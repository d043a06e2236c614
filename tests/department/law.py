"""Which law binds the tests' database, without the two persons and the entry that a change has."""

from collections.abc import Callable
from typing import Any

from platepost.department.database.queries import rows
from platepost.department.policy.law import LAWS, NO_CEILING, OTHER, LawProfile

ANY = LawProfile(
    name=OTHER, title="Any", state="CA", keep_at_least_days=0, keep_at_most_days=NO_CEILING,
    shares_in_state_only=False, sources=("none",),
)  # fmt: skip
"""A law that forbids nothing."""
OTHER_LAW = """
[other_law]
title = "Any"
state = "CA"
keep_at_least_days = 0
keep_at_most_days = 36525
shares_in_state_only = false
sources = ["none"]
"""
"""The same, as a policy file has it."""
Execute = Callable[..., Any]
"""Does a statement, as a superuser or the owner."""


def bind(execute: Execute, law: str) -> None:
    """Have a law of `LAWS`, or `ANY`, bind the database."""
    fields = (ANY if law == OTHER else LAWS[law]).bound()
    execute("ALTER TABLE ledger_law DISABLE TRIGGER ledger_guard_law")
    columns = ", ".join(f"{name} = %s" for name in fields)
    execute(f"UPDATE ledger_law SET {columns}", [*fields.values()])
    execute("ALTER TABLE ledger_law ENABLE TRIGGER ledger_guard_law")


def establish(law: LawProfile) -> bool:
    """Have a law bind the department, as the owner; return whether anything changed. Terms stay where it allows."""
    fields = [law.name, law.keep_at_least_days, law.keep_at_most_days]
    ((changed,),) = rows("SELECT archive_establish(%s, %s, %s)", fields)
    return bool(changed)
