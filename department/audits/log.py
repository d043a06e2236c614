"""How audits read the ledger: under an entry of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from platepost.department.ledger.entries import OpenEntry, open_log
from platepost.department.policy.policy import AccessPurpose, policy_in_force


def auditing(person: str, agency: str, query: Mapping[str, Any], *, groups: Sequence[str] = ()) -> OpenEntry:
    """Open the ledger for an audit, under the purpose that the policy names for it.

    Args:
        person: who audits.
        agency: that of the person.
        query: what is asked.
        groups: the covert groups that the person is in: what was shown of these they see, too.

    Raises:
        PurposeError: the policy has no such purpose.
        LedgerError: it cannot be entered.

    """
    purpose = AccessPurpose(policy_in_force().misuse.purpose)
    return open_log(person=person, agency=agency, purpose=purpose, query=query, groups=groups)
