"""The law that binds the department: what the policy file names, what the database enforces, and how it is changed.

`upgrade` binds a new department to the law of its policy file. Once there are people, a change of the file changes
nothing by itself: a records manager proposes it, and another person confirms it.
"""

from collections.abc import Mapping

from django.db.models.functions import Now

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.policy.law import LawProfile
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing.errors import SharingError, operation, refusals
from platepost.department.sharing.models import ProposedLaw

BoundLaw = Mapping[str, str | bool | int]
"""What the database binds the department to: see `LawProfile.bound`."""
_BOUND = "SELECT law, state, in_state_only, approves_searches, floor_days, ceiling_days FROM ledger_law"


def bound_law() -> BoundLaw:
    """Return what the database enforces now."""
    (bound,) = rows(_BOUND)
    return dict(zip(LawProfile.BOUND, bound, strict=True))


def law_differs() -> bool:
    """Return whether the policy file names another law than the one that the database enforces."""
    return bound_law() != policy_in_force().law.bound()


def waiting_law() -> ProposedLaw | None:
    """Return the law that waits for a second person, if it is that of the policy file."""
    last = ProposedLaw.objects.first()
    law_bound = policy_in_force().law.bound()
    return last if last is not None and last.confirmed_by is None and last.law == law_bound else None


def propose_law(*, person: str) -> None:
    """Propose that the law of the policy file binds. Raises SharingError: it does, or `person` may not."""
    law = policy_in_force().law.bound()
    with operation(LedgerEvent.LAW_PROPOSED, person=person, law=law):
        ProposedLaw.objects.create(law=law, person=person)


def confirm_law(*, person: str) -> None:
    """Be the second person for the law that waits; it binds the department on return.

    Raises:
        SharingError: none waits, it is the person's own, or it forbids what is granted to an agency.

    """
    waiting = waiting_law()
    if waiting is None:
        raise SharingError(
            "no law waits for a second person, or the policy file names another by now", "sharing_law_final"
        )
    with refusals():
        ProposedLaw.objects.filter(pk=waiting.pk).update(confirmed_by=person, confirmed_at=Now())
