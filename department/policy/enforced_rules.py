"""Copies the policy's rules into the database, which enforces them for every caller."""

from django.db import connection, transaction

from platepost.department.policy.forbidden_words import INVISIBLE, look_alikes
from platepost.department.policy.policy import ALARM, Policy


def store_enforced_rules(policy: Policy) -> None:
    """Replace the rules that the database enforces. Call it as the owner of the tables."""
    look_alike, stand_for = look_alikes()
    rules = [policy.digest, policy.case_numbers, INVISIBLE, look_alike, stand_for]
    # Only the console uses the purpose ALARM.
    purposes = [(purpose.name, purpose.case, [*purpose.roles], purpose.name == ALARM) for purpose in policy.purposes]
    forbidden = [
        (use.name, place, use.says, use.pattern, use.near_pattern, use.innocent_pattern)
        for place, use in enumerate(policy.forbidden)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM policy_rules; DELETE FROM policy_purpose; DELETE FROM policy_forbidden")
        cursor.execute(
            "INSERT INTO policy_rules (digest, case_numbers, invisible, look_alikes, stand_for)"
            " VALUES (%s, %s, %s, %s, %s)",
            rules,
        )
        cursor.executemany(
            "INSERT INTO policy_purpose (name, needs_case, roles, console) VALUES (%s, %s, %s, %s)", purposes
        )
        cursor.executemany(
            "INSERT INTO policy_forbidden (name, place, says, pattern, near, innocent) VALUES (%s, %s, %s, %s, %s, %s)",
            forbidden,
        )
