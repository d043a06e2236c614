"""Stores the policy in the database, so that the database enforces it for every caller."""

from django.db import connection, transaction

from platepost.department.policy.forbidden_words import INVISIBLE, look_alikes
from platepost.department.policy.policy import ALARM, Policy


def store_policy(policy: Policy) -> None:
    """Replace the policy that the database enforces. Runs as the owner of the tables."""
    rules = [policy.digest, policy.case_numbers, INVISIBLE, *look_alikes()]
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
        cursor.executemany("INSERT INTO policy_purpose VALUES (%s, %s, %s, %s)", purposes)
        cursor.executemany("INSERT INTO policy_forbidden VALUES (%s, %s, %s, %s, %s, %s)", forbidden)
