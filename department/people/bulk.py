"""People in bulk: a list of officers from a CSV file, asked for by one person and approved as one list by another.

Each person, role, certification and invitation of the list is a request of its own, so the database holds the rules of
two persons for each, and the ledger has each.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import StringIO
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.utils import timezone

from platepost.department.database.queries import rows
from platepost.department.people.errors import PersonError
from platepost.department.people.models import AccessRequest, DepartmentPerson
from platepost.department.people.rights import (
    CONSOLE_ONLY,
    SIDES,
    Certification,
    DepartmentRole,
    Permission,
    TrainingTopic,
    roles_that_may,
)
from platepost.department.people.services import (
    TWO,
    Invitation,
    add_person,
    can_approve,
    decide_all,
    give_role,
    half_of,
    in_one_step,
    note_certificate,
    note_trainings,
)

MOST_ROWS = 2000
COLUMNS = (
    "login",
    "name",
    "badge",
    "email",
    "agency",
    "roles",
    *(certification.value for certification in Certification),
    "trained",
)
EXAMPLE = (
    "login,name,badge,email,roles,clets,dmv,trained\n"
    "b.chen,Bo Chen,4711,b.chen@riverside.example,dispatcher,2027-06-30,2027-06-30,2026-11-02\n"
    "c.diaz,Cruz Diaz,4712,c.diaz@riverside.example,operator trainer,2027-06-30,2027-06-30,\n"
)
_NEEDED = ("login",)
_APPROVERS = roles_that_may(Permission.APPROVE_PEOPLE)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A row of a list of people, and what is wrong with it."""

    line: int
    login: str
    name: str = ""
    badge: str = ""
    email: str = ""
    agency: str = ""
    roles: tuple[DepartmentRole, ...] = ()
    certificates: Mapping[Certification, date] = field(default_factory=dict)
    trained: date | None = None
    """When they passed training in all topics."""
    known: DepartmentPerson | None = None
    """Who has this username already: such a row only adds roles and certifications."""
    errors: tuple[str, ...] = ()

    @property
    def certified(self) -> str:
        """The certifications, for people."""
        return ", ".join(f"{kind.label} {end}" for kind, end in self.certificates.items())


@dataclass(frozen=True, slots=True)
class InvitedPerson:
    """A person of a list, and their part of the code of the invitation."""

    person: DepartmentPerson
    invitation: Invitation


@dataclass(frozen=True, slots=True)
class ListOutcome:
    """What came of a list."""

    batch: UUID
    asked: int
    """Roles, certifications and invitations that were asked for, or given where one person gives them alone."""
    invited: Sequence[InvitedPerson]
    rejected: Mapping[int, str] = field(default_factory=dict)
    """By line, why the database took nothing of a row."""


def read_people(text: str, *, agency: str) -> list[ListedPerson]:
    """Read a list of people, CSV with a header.

    Args:
        text: the file.
        agency: of people for whom the file names none.

    Returns:
        Each row, with what is wrong with it.

    Raises:
        PersonError: it is no such list.

    """
    text = text.removeprefix(_BOM)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = list(csv.reader(StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise PersonError(f"the file is not CSV: {error}") from error
    if not lines:
        raise PersonError("the file is empty")
    header = [name.strip().lower() for name in lines[0]]
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or len(set(header)) < len(header) or not {*_NEEDED} <= {*header}:
        raise PersonError(
            f"the first line must name the columns, each once, of {', '.join(COLUMNS)}; `login` is needed"
            + (f". It has {', '.join(map(repr, unknown))}" if unknown else "")
        )
    if len(lines) - 1 > MOST_ROWS:
        raise PersonError(f"the file has {len(lines) - 1:,} rows; import {MOST_ROWS:,} at most at a time")
    logins = [line[header.index("login")].strip().lower() for line in lines[1:] if any(line)]
    known = {person.login: person for person in DepartmentPerson.objects.filter(login__in=logins)}
    reader, listed = _RowReader(header, agency, known), list[ListedPerson]()
    for number, line in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in line):
            listed.append(reader.read(number, line))
    if not listed:
        raise PersonError("the file has no row below its header")
    return listed


class _RowReader:
    """Reads the rows of a list, one after the other."""

    def __init__(self, header: Sequence[str], agency: str, known: Mapping[str, DepartmentPerson]) -> None:
        self._header = header
        self._agency = agency
        self._known = known
        self._lines: dict[str, int] = {}
        self._lacks: dict[str, str | None] = {}

    def read(self, number: int, line: Sequence[str]) -> ListedPerson:
        errors: list[str] = []
        if len(line) != len(self._header):
            return ListedPerson(number, "", errors=(f"has {len(line)} fields, and the header {len(self._header)}",))
        cells = {name: value.strip() for name, value in zip(self._header, line, strict=True)}
        login = cells["login"].lower()
        person = self._known.get(login)
        if login in self._lines:
            errors.append(f"the username is also in line {self._lines[login]} already")
        self._lines.setdefault(login, number)
        fields = {name: cells.get(name, "") for name in ("name", "badge", "email")}
        fields["agency"] = cells.get("agency") or (person.agency if person else self._agency)
        roles = self._roles(cells.get("roles", ""), person, errors)
        certificates = {
            certification: end
            for certification in Certification
            if (end := _day(cells.get(certification.value, ""), certification.value, errors))
        }
        errors += [f"{kind.value}: {end} is over" for kind, end in certificates.items() if end <= timezone.localdate()]
        trained = _day(cells.get("trained", ""), "trained", errors)
        if trained is not None and trained > timezone.localdate():
            errors.append(f"trained: {trained} is to come; training is recorded once it was held")
        if person is None:
            errors += _wrong_fields(DepartmentPerson(login=login, **fields))
            errors += self._foreign(fields["agency"])
        elif person.is_disabled:
            errors.append("this person's access is disabled")
        return ListedPerson(
            number, login, **fields, roles=roles, certificates=certificates, trained=trained, known=person,
            errors=tuple(errors),
        )  # fmt: skip

    def _foreign(self, agency: str) -> list[str]:
        if agency == self._agency:
            return []
        if agency not in self._lacks:
            ((self._lacks[agency],),) = rows("SELECT ledger_agency_lack(%s, NULL, now())", [agency])
        lack = self._lacks[agency]
        return [] if lack is None else [f"no agreement gives people of {agency} access: {lack}"]

    @staticmethod
    def _roles(text: str, person: DepartmentPerson | None, errors: list[str]) -> tuple[DepartmentRole, ...]:
        names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in text.replace("|", " ").split()]
        known = {role.value: role for role in DepartmentRole}
        for name in names:
            if name not in known:
                errors.append(f"{name!r} is not a role: {', '.join(role.value for role in DepartmentRole)}")
            elif known[name] in CONSOLE_ONLY:
                errors.append(f"the role {name} is given on the command line alone, person by person")
        roles = tuple(dict.fromkeys(known[name] for name in names if name in known and known[name] not in CONSOLE_ONLY))
        held = frozenset(person.grants.filter(ended_at=None).values_list("role", flat=True)) if person else frozenset()
        both = {*roles, *map(DepartmentRole, held)}
        if sum(bool(both & side) for side in SIDES) > 1:
            errors.append("duties are apart: administrators and auditors have no other role")
        return tuple(role for role in roles if role.value not in held)


def _day(text: str, column: str, errors: list[str]) -> date | None:
    if not text:
        return None
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day alone
        except ValueError:
            continue
    errors.append(f"{column}: {text[:20]!r} is not a day: write 2027-06-30 or 06/30/2027")
    return None


def _wrong_fields(person: DepartmentPerson) -> list[str]:
    """Return what is wrong with a new person, by field."""
    wrong = []
    try:
        names = {field.name for field in person._meta.fields}  # noqa: SLF001 - its API
        person.clean_fields(exclude=names - {"login", "name", "badge", "agency"})
    except ValidationError as error:
        wrong = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
    try:
        if person.email:
            validate_email(person.email)
    except ValidationError as error:
        wrong.append(f"email: {' '.join(error.messages)}")
    return wrong


def ask_for_people(
    listed: Iterable[ListedPerson],
    *,
    sponsor: DepartmentPerson | None,
    by: DepartmentPerson | None = None,
    progress: Callable[[], object] = lambda: None,
) -> ListOutcome:
    """Add the people of a list that have no error, and ask for their roles, certifications and invitations as one list.

    A row that the database refuses is left out as a whole. Training is not recorded: see `record_trainings`.

    Args:
        listed: the rows.
        sponsor: who answers for them, and approves the list; None where the command line gives access alone.
        by: who asks; None is the command line.
        progress: is called after each row.

    Raises:
        PersonError: no one is there to approve it.

    """
    alone = by is None and can_approve() < TWO
    if sponsor is None and not alone:
        raise PersonError("name the sponsor, who is responsible for these people and approves the list")
    if sponsor is not None and sponsor == by:
        raise PersonError("someone else than the one who imports a list approves it: name another sponsor")
    batch = uuid4()
    requested = 0
    rejected: dict[int, str] = {}
    invited: list[InvitedPerson] = []
    # The command line gives alone until two can approve: whoever can comes last.
    for row in sorted(listed, key=lambda row: alone and bool(_APPROVERS & {*row.roles})):
        if not row.errors:
            try:
                with in_one_step():
                    count, one = _ask_for(row, sponsor, by, batch, roles_last=alone)
            except PersonError as error:
                rejected[row.line] = str(error)
            else:
                requested += count
                invited += one
        progress()
    return ListOutcome(batch, requested, invited, rejected)


def _ask_for(
    row: ListedPerson,
    sponsor: DepartmentPerson | None,
    by: DepartmentPerson | None,
    batch: UUID,
    *,
    roles_last: bool,
) -> tuple[int, list[InvitedPerson]]:
    person, invited = row.known, list[InvitedPerson]()
    count = len(row.roles)
    if person is None:
        person = DepartmentPerson(
            login=row.login, name=row.name, badge=row.badge, email=row.email, agency=row.agency, sponsor=sponsor
        )
        roles = () if roles_last else row.roles
        invited.append(InvitedPerson(person, add_person(person, roles, by, batch=batch)))
        count += 1
    for certification, end in row.certificates.items():
        moment = _begin(end)
        latest = person.certificates.filter(certification=certification).order_by("-noted_at", "-id").first()
        if latest is None or latest.expires_at != moment:
            note_certificate(person, certification, moment, by, batch=batch)
            count += 1
    for role in row.roles if row.known is not None or roles_last else ():
        give_role(person, role, by, batch=batch)
    return count, invited


def record_trainings(
    listed: Iterable[ListedPerson], trainer: DepartmentPerson, *, topics: Iterable[TrainingTopic] = TrainingTopic
) -> tuple[int, Mapping[int, str]]:
    """Record for each row with a day of training that its person passed all topics; return how many, and what was not.

    A result that is on file already is not recorded again.

    Raises:
        PersonError: `trainer` is none.

    """
    if not trainer.grants.filter(role=DepartmentRole.TRAINER, ended_at=None).exists():
        raise PersonError(f"{trainer.login} is not a trainer")
    recorded = 0
    rejected: dict[int, str] = {}
    topics = list(topics)
    people = {
        person.login: person for person in DepartmentPerson.objects.filter(login__in=[row.login for row in listed])
    }
    for row in listed:
        if row.trained is None:
            continue
        person = people.get(row.login)
        if person is None:
            rejected[row.line] = f"no one has the username {row.login!r} yet"
            continue
        held = _begin(row.trained)
        try:
            with in_one_step():
                known = set(person.training.filter(held_at=held, passed=True).values_list("topic", flat=True))
                missing = [topic for topic in topics if topic.value not in known]
                if missing:
                    note_trainings(person, missing, held_at=held, passed=True, trainer=trainer)
        except PersonError as error:
            rejected[row.line] = str(error)
        else:
            recorded += len(missing)
    return recorded, rejected


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A list that waits for a second person."""

    batch: UUID
    requested_by: DepartmentPerson | None
    requested_at: datetime
    requests: Sequence[AccessRequest]

    @property
    def people(self) -> list[tuple[DepartmentPerson, list[AccessRequest]]]:
        """The people of the list, each with what is asked for them."""
        of: dict[int, tuple[DepartmentPerson, list[AccessRequest]]] = {}
        for request in self.requests:
            of.setdefault(request.person_id, (request.person, []))[1].append(request)
        return list(of.values())

    @property
    def sponsors(self) -> list[str]:
        """Who may approve it because they answer for its people."""
        return sorted({person.sponsor.login for person, _ in self.people if person.sponsor is not None})


def waiting_lists() -> list[WaitingList]:
    """Return the lists that wait for a second person, the oldest first."""
    waiting = AccessRequest.objects.filter(decided_at=None).exclude(batch=None)
    of: dict[UUID, list[AccessRequest]] = {}
    for pending in waiting.select_related("person__sponsor", "requested_by").order_by("requested_at", "person__login"):
        of.setdefault(pending.batch, []).append(pending)  # type: ignore[arg-type]  # none of them is without
    return [WaitingList(batch, some[0].requested_by, some[0].requested_at, some) for batch, some in of.items()]


def decide_list(batch: UUID, by: DepartmentPerson, *, approve: bool) -> list[InvitedPerson]:
    """Approve or reject all that waits of a list; return the second half of each invitation's code.

    All of it, or nothing. With a mail server, whoever has an address gets the first half by e-mail.

    Raises:
        PersonError: `by` may not, or nothing waits.

    """
    (waiting,) = [waiting_list for waiting_list in waiting_lists() if waiting_list.batch == batch] or (None,)
    if waiting is None:
        raise PersonError("nothing of this list waits: it was decided")
    # Roles first: what a person's sponsor alone may approve, comes before that person has any.
    requests = sorted(waiting.requests, key=lambda one: one.kind != AccessRequest.Kind.ROLE)
    invitations = decide_all(requests, by, approve=approve)
    return [
        InvitedPerson(request.person, invitation)
        for request, invitation in zip(requests, invitations, strict=True)
        if invitation is not None
    ]


def first_halves(batch: UUID) -> list[InvitedPerson]:
    """Return the first half of each invitation of a list, for whoever asked for it."""
    requests = AccessRequest.objects.filter(batch=batch, kind=AccessRequest.Kind.INVITATION).select_related("person")
    return [InvitedPerson(pending.person, Invitation(half_of(pending, "first"), half=True)) for pending in requests]


def send_invitations(batch: UUID, address: str) -> tuple[int, list[str]]:
    """Send the first half of the code to each person of an approved list who has an e-mail address.

    The second half is on the sheet of whoever approved it: neither of the two, nor the mail, has a whole code.

    Args:
        batch: the list.
        address: where the pages are, as people type it.

    Returns:
        How many were sent, and the usernames of people to whom none was sent.

    """
    sent, missed = 0, list[str]()
    connection = get_connection(timeout=_MAIL_SECONDS)
    for half in first_halves(batch) if mails() else ():
        person, code = half.person, half.invitation.code
        text = _MAIL.format(name=person.name, login=person.login, code=code, address=address)
        try:
            done = person.email and EmailMessage(_SUBJECT, text, to=[person.email], connection=connection).send()
        except OSError:  # of smtplib's errors, too
            done = 0
        sent += bool(done)
        missed += [] if done else [person.login]
    return sent, missed


def mails() -> bool:
    """Tell whether the department has a mail server."""
    return bool(settings.EMAIL_HOST)


_MAIL_SECONDS = 10
_SUBJECT = "Your access to the license plate reader system"
_MAIL = """{name},

your department gives you access to its license plate reader system: {address}
Username: {login}
First half of your code: {code}

You get the second half on paper from your supervisor. Type both, with a hyphen between them, as the password. The code
works once, within 72 hours. Then you set up a passkey, or a password with an authenticator app.
Did you not expect this? Tell your supervisor.
"""


def _begin(day: date) -> datetime:
    """Return when a day begins where the department is."""
    return timezone.make_aware(datetime.combine(day, time.min))
