"""How someone gets to see records: by an entry in the ledger, made before anything is read."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

from platepost.department.ledger.agency_register import require_agreed
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import ClosedEntryError
from platepost.department.ledger.reviews import SEARCHES, is_approved
from platepost.department.ledger.wording import judged
from platepost.department.ledger.writing import acting_in, append, append_shown, begin, enter
from platepost.department.policy.errors import ApprovalNeededError, ForbiddenPurposeError, PurposeError
from platepost.department.policy.law import LawProfile
from platepost.department.policy.policy import AccessPurpose, policy_in_force


class FetchedRecords:
    """What was read: records by their id, pictures by their record's and their kind, plates, entries of the ledger."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Any, None]] = {"records": {}, "pictures": {}, "plates": {}, "entries": {}}
        self._steps: list[Mapping[str, Any]] = []

    def add(self, **more: Iterable[Any]) -> None:
        """Add what was read, once each."""
        for name, values in more.items():
            self._known[name].update(dict.fromkeys(values))

    def done(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Add what was done."""
        self._steps += steps

    def fields(self) -> dict[str, list[Any]]:
        """Return it in JSON's types."""
        always = ("records", "pictures")
        fields = {name: list(values) for name, values in self._known.items() if values or name in always}
        return fields | ({"steps": self._steps} if self._steps else {})


class Viewer(NamedTuple):
    """Someone who sees what is shown to another, too."""

    person: str
    agency: str
    session: str | None = None
    """Of the pages, by its key; None for a program."""


class OpenEntry:
    """An access whose intent is in the ledger and that may read now. A context manager; made by `open_entry`.

    What is fetched by it is noted. At its end `shown` has that; show nothing to anyone before. The database holds it
    to being open: for five minutes at most, and never within the transaction that made it.
    """

    def __init__(self, entry: UUID, asked: Mapping[str, Any] | None = None) -> None:
        self.entry = entry
        self._asked = asked or {}
        self._open = FetchedRecords()
        self._covert: dict[str, FetchedRecords] = {}
        self._all_of: str | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<OpenEntry {self.entry}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        if kind is None:
            self.shown()
        else:
            self._close(LedgerEvent.FAILED, reason=kind.__name__)

    @property
    def noted_for(self) -> str | None:
        """The covert group whose matter all of it is."""
        return self._all_of

    @property
    def opens_itself(self) -> bool:
        """Whether the database opens what the query names, and no more: a console's hits, or a sample."""
        query = self._asked.get("query")
        return isinstance(query, Mapping) and bool({"console", "sample"} & query.keys())

    def all_of(self, group: str | None) -> Self:
        """Have whatever is fetched be noted as a covert group's: that it was looked for is the group's matter."""
        self._all_of = group
        return self

    def fetched(
        self,
        *,
        records: Iterable[int] = (),
        pictures: Iterable[tuple[int, str]] = (),
        plates: Iterable[str] = (),
        entries: Iterable[int] = (),
        steps: Iterable[Mapping[str, Any]] = (),
        group: str | None = None,
    ) -> None:
        """Note what was read.

        Args:
            records: by their id.
            pictures: by their record's id and their kind.
            plates: of a list of plates.
            entries: of the ledger, by their number.
            steps: what was done under the entry with what belongs to a covert group, in JSON's types.
            group: the covert group that it belongs to. Auditors outside it do not see this part.

        """
        if self._closed:
            raise ClosedEntryError("the entry is closed")
        group = self._all_of or group
        noted = self._open if group is None else self._covert.setdefault(group, FetchedRecords())
        noted.add(records=records, pictures=pictures, plates=plates, entries=entries)
        noted.done(steps)

    def shown(self, *, also_to: Sequence["Viewer"] = ()) -> None:
        """Enter what was fetched, all of it, and close the entry.

        Args:
            also_to: who else is about to be shown all of it: of each an intent and what was fetched are entered, too.
                They are in the same groups.

        Raises:
            LedgerError: it cannot be entered: what was fetched must not be shown.

        """
        if also_to:
            others = [{**self._asked, "person": viewer.person, "agency": viewer.agency} for viewer in also_to]
            sessions = [viewer.session for viewer in also_to if viewer.session is not None]
            append_shown(self._closing(), refers_to=self.entry, others=others, sessions=sessions)
        else:
            self._close(LedgerEvent.SHOWN)

    def enter_shown(self) -> None:
        """Do as `shown`, within the transaction of what was done under the entry, as its last step."""
        self._close(LedgerEvent.SHOWN, within=True)

    def _close(self, event: LedgerEvent, *, within: bool = False, **more: str) -> None:
        (enter if within else append)(event, {**self._closing(), **more}, refers_to=self.entry)

    def _closing(self) -> dict[str, Any]:
        self._closed = True
        covert = {group: noted.fields() for group, noted in self._covert.items()}
        return {**self._open.fields(), "covert": covert}


def open_entry(
    *,
    person: str,
    agency: str,
    purpose: AccessPurpose,
    query: Mapping[str, Any],
    groups: Sequence[str] = (),
    scope: str = "search",
    instead_of_case: str = "",
    session: str | None = None,
    durable: bool = True,
) -> OpenEntry:
    """Enter what someone is about to look at and why; in the ledger for good on return.

    Args:
        person: who. Of a session of the pages the database says that itself, and enters nothing without one.
        agency: that of the person.
        purpose: why.
        query: what is asked, as it will be read again by an auditor: plate, place, time.
        groups: the groups whose covert records the person may see.
        scope: of the agreement by which it is done on behalf of an agency: see `require_agreed`.
        instead_of_case: what the entry says, where case number and reason are a covert group's alone.
        session: of the pages, by its key, where it is not that of the request that is answered.
        durable: whether it is on the disk on return; otherwise it is once `shown` returns, for a program that shows
            nothing before.

    Raises:
        PurposeError: the policy does not allow it for this purpose; that was entered.
        PolicyError: there is no policy.
        LedgerError: it cannot be entered, or a transaction is open, which could take it back.

    """
    fields: dict[str, Any] = {"person": person, "agency": agency, "query": query, "groups": groups}
    logged = replace(purpose, case=instead_of_case, reason=None) if instead_of_case else purpose
    with acting_in(session) if session is not None else nullcontext():
        return _opened(LedgerEvent.INTENT, purpose, scope, logged, durable=durable, **fields)


def open_log(
    *, person: str, agency: str, purpose: AccessPurpose, query: Mapping[str, Any], groups: Sequence[str] = ()
) -> OpenEntry:
    """Enter that someone is about to read the ledger itself, and why: see `open_entry`.

    It opens no record. What belongs to a covert group is shown only to its members.
    """
    fields: dict[str, Any] = {"person": person, "agency": agency, "query": query, "groups": groups}
    return _opened(LedgerEvent.LOG_INTENT, purpose, "search", purpose, **fields)


def _opened(
    event: LedgerEvent,
    purpose: AccessPurpose,
    scope: str,
    logged: AccessPurpose,
    *,
    durable: bool = True,
    **asked: Any,
) -> OpenEntry:
    policy = policy_in_force()
    fields = {**asdict(logged), "policy": policy.digest, **asked}
    try:
        own_case = event is LedgerEvent.INTENT and scope != "query" and "incident" not in asked["query"]
        policy.require(purpose, any_case=not own_case)
        if purpose.on_behalf_of is not None:
            require_agreed(purpose.on_behalf_of, purpose.purpose, scope=scope)
        if event is LedgerEvent.INTENT:
            _require_approved(policy.law, purpose, asked["person"], asked["query"])
        return OpenEntry(begin(event, fields, durable=durable), fields)
    except ForbiddenPurposeError as error:
        seen = judged(error, asked["person"])
        reported = {"forbidden": seen.forbidden} if seen.is_again else {}
        append(LedgerEvent.REFUSED, {**fields, "why": str(seen), "word": seen.word, **reported})
        raise seen from error
    except ApprovalNeededError as error:
        append(LedgerEvent.REFUSED, {**fields, "why": str(error), "approval": True})
        raise
    except PurposeError as error:
        append(LedgerEvent.REFUSED, {**fields, "why": str(error)})
        raise


def _require_approved(law: LawProfile, purpose: AccessPurpose, person: str, query: Mapping[str, Any]) -> None:
    """Make sure that a supervisor has approved a search, where the law asks for it. Raises ApprovalNeededError."""
    needed = law.approves_searches and not purpose.exigent and bool(SEARCHES & query.keys())
    if needed and not is_approved(person, purpose, query):
        raise ApprovalNeededError
