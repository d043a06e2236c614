"""How a partner's query is answered: under an entry of the ledger, by this department's own policy and law.

A query is claimed before anything else, so that none is answered twice, and counts in the agreement's rate. Whatever is
decided is signed, and in the ledger before it leaves. Of covert groups nothing leaves: the entry names none.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from platepost.common.errors import PlatepostError
from platepost.department.archive.models import RetentionTerm
from platepost.department.custody.reading import page_of_reads
from platepost.department.database.queries import rows
from platepost.department.federation.errors import NotTakenError
from platepost.department.federation.exchange import (
    DEMAND_TYPE,
    FRESH_SECONDS,
    PAGE,
    QUERY_TYPE,
    READS,
    RECEIPT_TYPE,
    SHARED_FIELDS,
    CaseDemand,
    FederatedFindings,
    FederatedPlate,
    FederatedQuery,
    FederatedRead,
    FederatedReceipt,
    OpenedCase,
    PartnerReply,
    PlateBehind,
    ReadBehind,
    as_entered,
    opened,
    signed,
    text_digest,
)
from platepost.department.federation.identity import FederationIdentity
from platepost.department.federation.models import FederatedExchange, PartnerDepartment
from platepost.department.ledger.agency_register import require_agreed
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.writing import append, enter
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.search.errors import SearchError
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import Cursor, PlateQuery, find_plates
from platepost.department.sharing.errors import SharingError, refusals
from platepost.wire.jose import Model

log = logging.getLogger(__name__)
_NOTED_SECONDS = 60.0
_noted: dict[tuple[str, str], float] = {}
"""When a partner's refusal was entered last, by reason: who floods us does not flood the ledger."""


def own_identity() -> FederationIdentity:
    """Return this department's identity."""
    return FederationIdentity(settings.AGENCY, settings.FEDERATION)


def answer_query(message: bytes, peer: bytes | None) -> PartnerReply:
    """Answer a partner's query.

    Args:
        message: a compact JWS.
        peer: the certificate that the connection showed, DER.

    Raises:
        NotTakenError: it is forged, stale, came before, or comes too often.
        LedgerError: it cannot be entered; nothing must be answered.

    """
    partner, query = _heard(message, peer, QUERY_TYPE, FederatedQuery)
    text = message.decode("ascii")
    digest = text_digest(text)
    former = FederatedExchange.objects.filter(pk=query.id).first()
    if former is None:
        _require_fresh(partner, query)
        former = _claimed(partner, query, digest)
    if former is not None:
        raise _came_before(partner, former, digest)
    policy = policy_in_force()
    fields: dict[str, Any] = {
        "agency": settings.AGENCY,
        "query": text,
        "law": policy.law.name,
        "policy": policy.digest,
        "kept_days": dict(
            RetentionTerm.objects.filter(retention__in=("no_hit", "hit")).values_list("retention", "kept_days")
        ),
    }
    try:
        with _entry(partner, query) as entry:
            findings = _findings(entry, query)
            count = len(findings.plates) + len(findings.reads)
            return _entered(
                query,
                fields | {"decision": "answered", "why": "", "count": count},
                findings.model_dump_json(exclude_none=True),
            )
    except PurposeError as error:
        return _entered(query, fields | {"decision": "refused", "why": str(error), "count": 0}, "")
    except SearchError as error:
        return _entered(query, fields | {"decision": "failed", "why": str(error), "count": 0}, "")


def give_case(message: bytes, peer: bytes | None) -> OpenedCase:
    """Open the case number of a query that this department made, to the partner that it asked.

    Raises:
        NotTakenError: it is forged or stale, there is no such query, or no agreement with the partner any more.
        LedgerError: it cannot be entered.

    """
    partner, demand = _heard(message, peer, DEMAND_TYPE, CaseDemand)
    _require_fresh(partner, demand)
    exchange = FederatedExchange.objects.filter(pk=demand.exchange, side="asked", agency=partner).first()
    if exchange is None or exchange.case_number is None or exchange.salt is None:
        raise NotTakenError("there is no such query, or it has no case", 404)
    try:
        require_agreed(partner.pk, exchange.purpose, scope="query")
    except PurposeError as error:
        raise _refused(partner, str(error), 403) from error
    fields = {
        "agency_name": partner.pk,
        "exchange": str(exchange.pk),
        "case": exchange.case_number,
        "because": demand.because,
    }
    append(LedgerEvent.CASE_OPENED, {**fields, "person": f"{demand.person}@{partner.pk}"})
    return OpenedCase(case=exchange.case_number, salt=bytes(exchange.salt).hex())


def _heard(message: bytes, peer: bytes | None, typ: str, model: type[Model]) -> tuple[PartnerDepartment, Model]:
    """Return the partner and its message. Raises NotTakenError: no partner, or not signed for this department."""
    partner = next((department for department in PartnerDepartment.objects.all() if department.shown == peer), None)
    if partner is None:
        raise NotTakenError("no partner is known by this certificate", 403)
    try:
        fields: Any = opened(message, partner.key, typ, model)
    except PlatepostError as error:
        raise _refused(partner, f"not as this partner signs it: {error}", 403) from error
    if fields.agency != partner.pk or fields.to != settings.AGENCY:
        raise _refused(partner, f"from {fields.agency} to {fields.to}: another's", 403)
    return partner, fields


def _require_fresh(partner: PartnerDepartment, fields: FederatedQuery | CaseDemand) -> None:
    if abs((datetime.now(UTC) - fields.time).total_seconds()) > FRESH_SECONDS:
        raise _refused(partner, "its time is not now, or a clock is wrong", 400)


def _claimed(partner: PartnerDepartment, query: FederatedQuery, digest: str) -> FederatedExchange | None:
    """Note a query, once and for good; return another one that has its number."""
    fields = {"person": query.person, "purpose": query.purpose, "digest": digest, "committed": query.case}
    try:
        with refusals():
            FederatedExchange.objects.create(pk=query.id, side="answered", agency=partner, at=query.time, **fields)
    except SharingError as error:
        if error.rule == "federation_exchange_pkey":
            return FederatedExchange.objects.get(pk=query.id)
        raise _refused(partner, str(error), 429) from error
    return None


def _came_before(partner: PartnerDepartment, former: FederatedExchange, digest: str) -> NotTakenError:
    ((receipt,),) = rows("SELECT federation_receipt(%s, %s)", [former.pk, digest])
    body = b"" if receipt is None else PartnerReply(receipt=receipt).model_dump_json().encode()
    return _refused(partner, "it came before", 409, body)


def _refused(partner: PartnerDepartment, why: str, status: int, body: bytes = b"") -> NotTakenError:
    now, reason = time.monotonic(), (partner.pk, str(status))
    if now - _noted.get(reason, -_NOTED_SECONDS) >= _NOTED_SECONDS:
        _noted[reason] = now
        append(LedgerEvent.PARTNER_REFUSED, {"agency_name": partner.pk, "why": why})
    log.warning("a message of %s is refused: %s", partner.pk, why)
    return NotTakenError(why, status, body)


def _entry(partner: PartnerDepartment, query: FederatedQuery) -> OpenEntry:
    """Open an entry for a query, as it is asked; the database lets none in without a reason."""
    purpose = AccessPurpose(query.purpose, query.case, query.reason, on_behalf_of=partner.pk, exigent=query.exigent)
    return open_entry(
        person=f"{query.person}@{partner.pk}",
        agency=partner.pk,
        purpose=purpose,
        query={**as_entered(query.asked), "exchange": str(query.id)},
        scope="query",
    )


def _findings(entry: OpenEntry, query: FederatedQuery) -> FederatedFindings:
    """Return a page of what fits. Raises SearchError: it asks too little, or too much."""
    fields = query.asked
    pattern = PlatePattern.parse(fields.plate, budget=fields.look_alikes, slip=fields.one_wrong)
    plate_query = PlateQuery(pattern=pattern, since=fields.since, until=fields.until)
    if fields.opened is not None:
        if pattern.fit(fields.opened) is None:
            return FederatedFindings()
        before = (fields.before.captured_at, fields.before.record) if fields.before else None
        shown_reads, more = page_of_reads(entry, plate_query.read_filter([fields.opened], before=before), limit=READS)
        shown = [
            FederatedRead(
                record=row["record_id"],
                fields={field.name: row[field.name] for field in SHARED_FIELDS if row[field.name]},
                **{name: row[name] for name in ("captured_at", "plate_read", "post")},
            )
            for row in shown_reads
        ]
        last = ReadBehind(captured_at=shown[-1].captured_at, record=shown[-1].record) if more else None
        return FederatedFindings(reads=tuple(shown), before=last)
    after = Cursor(fields.after.score, fields.after.plate) if fields.after else None
    page = find_plates(entry, plate_query, after=after, limit=PAGE)
    columns = ("plate", "spelled", "count", "first_seen", "last_seen")
    plates = [FederatedPlate(**{name: getattr(plate.seen, name) for name in columns}) for plate in page.plates]
    behind = page.next and PlateBehind(score=page.next.score, plate=page.next.plate)
    return FederatedFindings(plates=tuple(plates), after=behind)


def _entered(query: FederatedQuery, values: dict[str, Any], findings: str) -> PartnerReply:
    """Sign what was decided, and enter it; it may be sent on return."""
    receipt = FederatedReceipt(**values, time=datetime.now(UTC), found=text_digest(findings))
    text = signed(receipt, own_identity().key, RECEIPT_TYPE)
    fields = {"agency_name": query.agency, "exchange": text, "decision": receipt.decision}
    with transaction.atomic():
        entry = enter(LedgerEvent.EXCHANGED, fields)
        FederatedExchange.objects.filter(pk=query.id).update(decision=receipt.decision, entry=entry)
    return PartnerReply(receipt=text, findings=findings)
