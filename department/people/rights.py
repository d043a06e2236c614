"""Who may do what, in one table. Nothing here knows a database.

A permission needs a role, and most need more: certificates that have not ended, and training that was passed
and is not too old. `platepost.department.people.authorization` computes all of it for a person at a moment; nothing
stores the answer.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class DepartmentRole(StrEnum):
    """What someone is in the department. A person may have several, all of one side."""

    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    TRAINER = "trainer"
    RECORDS_MANAGER = "records_manager"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        """How people write it."""
        return self.value.replace("_", " ")


class Certification(StrEnum):
    """Certificates that the law and the policy ask of those who use the system."""

    CLETS = "clets"
    """California Law Enforcement Telecommunications System."""
    DMV = "dmv"
    """For data of the Department of Motor Vehicles."""

    @property
    def label(self) -> str:
        """How people write it."""
        return self.value.upper()


class TrainingTopic(StrEnum):
    """The four topics of the policy's training."""

    AUTHORITIES = "authorities"
    POLICY = "policy"
    SECURITY = "security"
    PRACTICAL = "practical"

    @property
    def label(self) -> str:
        """How people write it."""
        return self.value


class Permission(StrEnum):
    """What a page, a stream or a service lets someone do."""

    OWN_ACCOUNT = "own_account"
    """One's own log-in: the only one that needs no role."""
    SEE_STATUS = "see_status"
    """What is kept, without a plate, a vehicle or a person."""
    SEARCH = "search"
    SEE_PICTURES = "see_pictures"
    ANSWER_HITS = "answer_hits"
    EXPORT = "export"
    PLACE_HOLD = "place_hold"
    REMOVE_HOLD = "remove_hold"
    PLAN_PURGE = "plan_purge"
    PURGE = "purge"
    PROPOSE_LIST = "propose_list"
    APPROVE_LIST = "approve_list"
    RELEASE_RECORDS = "release_records"
    """Give records to another agency."""
    SEE_AGENCIES = "see_agencies"
    """The register of agencies, and what was agreed with them."""
    CONFIRM_AGREEMENTS = "confirm_agreements"
    """Be the second person for an agency, for an agreement, also by which someone hears every read, and for a law."""
    ANSWER_REQUESTS = "answer_requests"
    """Public records, and requests from outside law enforcement."""
    REVIEW_EXIGENT = "review_exigent"
    READ_LEDGER = "read_ledger"
    EXPORT_LEDGER = "export_ledger"
    """Take entries of the ledger, audits, and reports out of the pages, as files."""
    AUDIT = "audit"
    """Plan audits, close what was found."""
    REVIEW_SEARCHES = "review_searches"
    """Audit by a plan: look at searches that were drawn."""
    NOTE_TRAINING = "note_training"
    SEE_PEOPLE = "see_people"
    MANAGE_PEOPLE = "manage_people"
    APPROVE_PEOPLE = "approve_people"
    """Be the second person for someone's role, certification or new way to log in, and for an admission of records."""
    DISABLE_PERSON = "disable_person"
    """At once, so without a fresh authentication."""
    RELEASE_LOCK = "release_lock"
    """Of a log-in that too many failures locked."""
    ADMIT_RECORDS = "admit_records"
    """Ask that what a post's key signed after its end be admitted; `APPROVE_PEOPLE` confirms and ends it."""
    NAME_CONSOLE = "name_console"
    """Say that a browser is a dispatch console, which is not logged out when idle."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The certificates and training that a permission needs."""

    certifications: frozenset[Certification] = frozenset()
    topics: frozenset[TrainingTopic] = frozenset()


_NOTHING = Requirement()
_DATA = Requirement(frozenset(Certification), frozenset(TrainingTopic))
"""Of those who see a vehicle, or decides about its records."""
_OVERSIGHT = Requirement(
    topics=frozenset({TrainingTopic.AUTHORITIES, TrainingTopic.POLICY, TrainingTopic.SECURITY}),
)

NEEDS: dict[Permission, Requirement] = {
    permission: {
        Permission.OWN_ACCOUNT: _NOTHING,
        Permission.SEE_STATUS: _NOTHING,
        Permission.SEE_AGENCIES: _NOTHING,
        Permission.READ_LEDGER: _OVERSIGHT,
        Permission.EXPORT_LEDGER: _OVERSIGHT,
        Permission.AUDIT: _OVERSIGHT,
        Permission.REVIEW_SEARCHES: _OVERSIGHT,
        # A trainer from outside sees no data, and the first administrator can have been trained by no one.
        Permission.NOTE_TRAINING: _NOTHING,
        Permission.SEE_PEOPLE: _NOTHING,
        Permission.MANAGE_PEOPLE: _NOTHING,
        Permission.APPROVE_PEOPLE: _NOTHING,
        Permission.DISABLE_PERSON: _NOTHING,
        Permission.RELEASE_LOCK: _NOTHING,
        Permission.ADMIT_RECORDS: _NOTHING,
        Permission.NAME_CONSOLE: _NOTHING,
    }.get(permission, _DATA)
    for permission in Permission
}
"""By permission, the certificates and training that it needs."""

_USE = frozenset(
    {Permission.SEE_STATUS, Permission.SEARCH, Permission.SEE_PICTURES, Permission.ANSWER_HITS, Permission.PLACE_HOLD}
)
_FIELD = _USE | {Permission.EXPORT, Permission.PROPOSE_LIST}
GRANTS: dict[DepartmentRole, frozenset[Permission]] = {
    DepartmentRole.OPERATOR: _FIELD,
    # Lists by what the policy lets a dispatcher enter, and no more: see `platepost.department.lists.services`.
    DepartmentRole.DISPATCHER: _USE | {Permission.PROPOSE_LIST},
    DepartmentRole.SUPERVISOR: _FIELD
    | {
        Permission.REMOVE_HOLD,
        Permission.APPROVE_LIST,
        Permission.SEE_AGENCIES,
        Permission.CONFIRM_AGREEMENTS,
        Permission.REVIEW_EXIGENT,
        Permission.REVIEW_SEARCHES,
        Permission.SEE_PEOPLE,
        Permission.APPROVE_PEOPLE,
        Permission.DISABLE_PERSON,
        Permission.RELEASE_LOCK,
        Permission.NAME_CONSOLE,
    },
    DepartmentRole.TRAINER: frozenset({Permission.SEE_STATUS, Permission.SEE_PEOPLE, Permission.NOTE_TRAINING}),
    DepartmentRole.RECORDS_MANAGER: _USE
    | {
        Permission.EXPORT,
        Permission.REMOVE_HOLD,
        Permission.PLAN_PURGE,
        Permission.PURGE,
        Permission.RELEASE_RECORDS,
        Permission.SEE_AGENCIES,
        Permission.CONFIRM_AGREEMENTS,
        Permission.ANSWER_REQUESTS,
    },
    DepartmentRole.AUDITOR: frozenset(
        {
            Permission.SEE_STATUS,
            Permission.SEE_PEOPLE,
            Permission.SEE_AGENCIES,
            Permission.READ_LEDGER,
            Permission.EXPORT_LEDGER,
            Permission.AUDIT,
            Permission.REVIEW_SEARCHES,
        }
    ),
    DepartmentRole.ADMINISTRATOR: frozenset(
        {
            Permission.SEE_STATUS,
            Permission.SEE_PEOPLE,
            Permission.MANAGE_PEOPLE,
            Permission.APPROVE_PEOPLE,
            Permission.DISABLE_PERSON,
            Permission.RELEASE_LOCK,
            Permission.ADMIT_RECORDS,
            Permission.NAME_CONSOLE,
        }
    ),
}
"""By role, what it may. Duties are apart: an auditor and an administrator see no vehicle."""

FRESH = frozenset(
    {
        Permission.EXPORT,
        Permission.EXPORT_LEDGER,
        Permission.RELEASE_RECORDS,
        Permission.CONFIRM_AGREEMENTS,
        Permission.REMOVE_HOLD,
        Permission.PURGE,
        Permission.APPROVE_LIST,
        Permission.MANAGE_PEOPLE,
        Permission.APPROVE_PEOPLE,
        Permission.ADMIT_RECORDS,
    }
)
"""What asks for an authentication of the last five minutes (CJIS IA-11)."""

SIDES: tuple[frozenset[DepartmentRole], ...] = (
    frozenset({DepartmentRole.AUDITOR}),
    frozenset({DepartmentRole.ADMINISTRATOR}),
    frozenset(DepartmentRole) - {DepartmentRole.AUDITOR, DepartmentRole.ADMINISTRATOR},
)
"""Roles of two sides are never one person's (CJIS AC-5). The database holds it too: `people_check_role`."""

CONSOLE_ONLY = frozenset({DepartmentRole.AUDITOR, DepartmentRole.ADMINISTRATOR})
"""Given, ended and disabled on the command line alone: who takes over the pages makes no administrator and removes no
auditor."""


@cache
def roles_that_may(permission: Permission) -> frozenset[DepartmentRole]:
    """Return the roles that have a permission."""
    return frozenset(role for role, granted in GRANTS.items() if permission in granted)
