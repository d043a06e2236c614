"""How partners are asked: each by a signed query of its own, all at once, and each has 3 s to answer.

A partner that is away, is slow or refuses is named, with its word. Nothing of an answer is kept but the entry that both
ledgers have.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPException, HTTPSConnection
from typing import TypeAlias
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from platepost.common.errors import PlatepostError
from platepost.department.database.queries import rows
from platepost.department.federation.answering import own_identity
from platepost.department.federation.errors import NotTakenError
from platepost.department.federation.exchange import (
    DEMAND_TYPE,
    LARGEST,
    QUERY_TYPE,
    RECEIPT_TYPE,
    CaseDemand,
    FederatedFindings,
    FederatedQuery,
    FederatedReceipt,
    OpenedCase,
    PartnerReply,
    PlateRequest,
    case_commitment,
    committed,
    opened,
    signed,
    text_digest,
)
from platepost.department.federation.models import FederatedExchange, PartnerDepartment
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.writing import enter
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.sharing.errors import SharingError, operation, refusals

SECONDS = 2.5
"""That all partners have together."""
MOST_PARTNERS = 10
"""That one search may name."""
MOST_SETTLED = 1000
"""With one partner at a time: the other work of a night waits."""
_UNSETTLED = """
SELECT id, agency, query FROM (
    SELECT asked.id, agency, value::json #>> '{}' AS query, at, row_number() OVER (PARTITION BY agency ORDER BY at)
    FROM federation_exchange AS asked JOIN ledger_body AS body ON body.entry = asked.entry AND body.field = 'query'
    WHERE side = 'asked' AND decision IS NULL AND at BETWEEN now() - interval '30 days' AND now() - interval '1 minute'
) AS unsettled WHERE row_number <= %s ORDER BY at
"""
_OTHER = "one of the two certificates is not the one that was agreed on"
_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""
_AWAY = {502, 503, 504}
"""What a partner that cannot be reached answers, or a proxy before it."""
Call: TypeAlias = tuple[PartnerDepartment, str, str]
"""A partner, a path of its server, and the message."""
StatusAndBody: TypeAlias = tuple[int, bytes]
"""Status of HTTP, and body."""


@dataclass(frozen=True, slots=True)
class PartnerAnswer:
    """What came of asking one partner."""

    agency: str
    word: str
    """`answered`, `refused` by its policy, `failed`, `away`, `slow`, `not taken` as it says, or `wrong`."""
    why: str = ""
    receipt: FederatedReceipt | None = None
    signed: str = ""
    """The receipt as it was signed."""
    findings: FederatedFindings | None = None


def ask(
    entry: OpenEntry, asked: PlateRequest, partners: Sequence[PartnerDepartment], *, person: str, purpose: AccessPurpose
) -> list[PartnerAnswer]:
    """Ask partners, and return what came of it, in their order.

    Args:
        entry: under which it is asked; what is found is noted there.
        asked: which plates.
        partners: each by its name.
        person: who asks, by log-in.
        purpose: why. The reason goes along; the case number does not.

    Raises:
        LedgerError: it cannot be entered; nothing must be shown.

    """
    if len(partners) > MOST_PARTNERS:
        raise SharingError(f"one search asks {MOST_PARTNERS} departments at most", "federation_most")
    if purpose.on_behalf_of is not None:
        raise SharingError("departments are asked for this department's own people", "federation_own")
    sent: dict[str, tuple[UUID, str]] = {}
    answers: dict[str, PartnerAnswer] = {}
    for partner in partners:
        try:
            sent[partner.pk] = _query(partner, asked, person, purpose)
        except SharingError as error:
            answers[partner.pk] = PartnerAnswer(partner.pk, "not asked", str(error))
    calls = [(partner, "/query", sent[partner.pk][1]) for partner in partners if partner.pk in sent]
    for (partner, _, query), response in zip(calls, send_each(calls), strict=True):
        answer = response if isinstance(response, PartnerAnswer) else _read(partner, query, *response)
        _enter(sent[partner.pk], answer)
        answers[partner.pk] = answer
        if answer.findings is not None:
            entry.fetched(plates=[plate.plate for plate in answer.findings.plates])
            if answer.findings.reads:
                entry.fetched(plates=[str(asked.opened)])
    return [answers[partner.pk] for partner in partners]


def _query(partner: PartnerDepartment, asked: PlateRequest, person: str, purpose: AccessPurpose) -> tuple[UUID, str]:
    """Sign a query to a partner and note it. Raises SharingError: no agreement lets it be asked."""
    salt, commitment = committed(purpose.case) if purpose.case else (None, None)
    query = FederatedQuery(
        id=uuid4(),
        agency=settings.AGENCY,
        to=partner.pk,
        time=datetime.now(UTC),
        person=person,
        purpose=purpose.purpose,
        reason=purpose.reason,
        exigent=purpose.exigent,
        case=commitment,
        policy=policy_in_force().digest,
        asked=asked,
    )
    text = signed(query, own_identity().key, QUERY_TYPE)
    with refusals():
        FederatedExchange.objects.create(
            pk=query.id, side="asked", agency=partner, person=person, purpose=query.purpose, digest=text_digest(text),
            committed=commitment, case_number=purpose.case or None, salt=salt,
        )  # fmt: skip
    return query.id, text


def _enter(sent: tuple[UUID, str], answer: PartnerAnswer) -> None:
    """Enter a query's outcome: the same entry that the partner has, or that no answer came."""
    number, query = sent
    with transaction.atomic():
        if answer.receipt is None:
            fields = {"agency_name": answer.agency, "query": query, "word": f"{answer.word} {answer.why}".strip()}
            entry, decision = enter(LedgerEvent.EXCHANGE_FAILED, fields), None
        else:
            decision = answer.receipt.decision
            fields = {"agency_name": answer.agency, "exchange": answer.signed, "decision": decision}
            entry = enter(LedgerEvent.EXCHANGED, fields)
        FederatedExchange.objects.filter(pk=number).update(decision=decision, entry=entry)


def _read(partner: PartnerDepartment, query: str, status: int, body: bytes) -> PartnerAnswer:
    """Return what a partner answered."""
    if status not in {200, 409}:
        word = "away" if status >= 500 else "not taken"
        return PartnerAnswer(partner.pk, word, body[:200].decode("utf-8", "replace"))
    try:
        reply = PartnerReply.model_validate_json(body)
        receipt = opened(reply.receipt.encode(), partner.key, RECEIPT_TYPE, FederatedReceipt)
        right = receipt.agency == partner.pk and receipt.query == query
        findings = FederatedFindings.model_validate_json(reply.findings) if reply.findings else None
    except (PlatepostError, ValidationError, ValueError) as error:
        return PartnerAnswer(partner.pk, "wrong", f"its answer is not as it must be signed: {type(error).__name__}")
    if not right or (status == 200 and receipt.found != text_digest(reply.findings)):
        return PartnerAnswer(partner.pk, "wrong", "it answers something else")
    return PartnerAnswer(partner.pk, receipt.decision, receipt.why, receipt, reply.receipt, findings)


def send_each(calls: Sequence[Call]) -> list[StatusAndBody | PartnerAnswer]:
    """Send a message to each partner at once; return what each answers, or a word for it, within `SECONDS`."""
    deadline = time.monotonic() + SECONDS
    connections = [_connection(partner) for partner, _, _ in calls]
    pool = ThreadPoolExecutor(max(len(calls), 1))
    partner_calls = [
        pool.submit(_send, connection, path, message, deadline)
        for connection, (_, path, message) in zip(connections, calls, strict=True)
    ]
    wait(partner_calls, timeout=max(0.0, deadline - time.monotonic()))
    pool.shutdown(wait=False, cancel_futures=True)
    for connection, future in zip(connections, partner_calls, strict=True):
        if not future.done() and connection.sock is not None:
            _end(connection.sock)
    return [_word(partner, future) for (partner, _, _), future in zip(calls, partner_calls, strict=True)]


def _connection(partner: PartnerDepartment) -> HTTPSConnection:
    where = urlsplit(partner.url)
    context = own_identity().context([partner.certificate], server=False)
    return HTTPSConnection(where.hostname or "", where.port, timeout=SECONDS, context=context)


def _send(connection: HTTPSConnection, path: str, message: str, deadline: float) -> StatusAndBody:
    try:
        connection.request("POST", path, message.encode("ascii"), {"Content-Type": "application/jose"})
        answer = connection.getresponse()
        body = b"".join(_within(answer.read1, deadline))
        return answer.status, body
    finally:
        connection.close()


def _within(read: Callable[[int], bytes], deadline: float) -> Iterator[bytes]:
    size = 0
    while part := read(LARGEST):
        size += len(part)
        if size > LARGEST:
            raise HTTPException("its answer is too large")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield part


def _word(partner: PartnerDepartment, future: Future[StatusAndBody]) -> StatusAndBody | PartnerAnswer:
    if not future.done():
        return PartnerAnswer(partner.pk, "slow", f"no answer within {SECONDS:g} s")
    try:
        return future.result()
    except TimeoutError:
        return PartnerAnswer(partner.pk, "slow", f"no answer within {SECONDS:g} s")
    except ssl.SSLError as error:
        ended = isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _EXPIRED
        why = "its certificate has ended: it has to give its next one" if ended else _OTHER
        return PartnerAnswer(partner.pk, "not taken", why)
    except HTTPException as error:
        return PartnerAnswer(partner.pk, "wrong", str(error) or type(error).__name__)
    except OSError:
        return PartnerAnswer(partner.pk, "away", "its server cannot be reached")


def _end(sock: socket.socket) -> None:
    """End the wait of a thread that reads from a connection."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _sent_once(partner: PartnerDepartment, path: str, text: str) -> bytes:
    """Send one message. Raises NotTakenError: it is not answered."""
    (response,) = send_each([(partner, path, text)])
    if isinstance(response, PartnerAnswer):
        raise NotTakenError(
            f"{partner.pk} is {response.word}: {response.why}", 500 if response.word == "wrong" else 503
        )
    status, body = response
    if status not in {200, 409}:
        raise NotTakenError(body[:200].decode("utf-8", "replace"), status)
    return body


def demand_case(exchange: FederatedExchange, *, person: str, because: str) -> str:
    """Have the department that asked open its case number; return it.

    Raises:
        NotTakenError: it does not.
        SharingError: it opens another than it committed to.

    """
    partner = exchange.agency
    demand = CaseDemand(
        id=uuid4(), agency=settings.AGENCY, to=partner.pk, time=datetime.now(UTC), person=person, exchange=exchange.pk,
        because=because,
    )  # fmt: skip
    body = _sent_once(partner, "/case", signed(demand, own_identity().key, DEMAND_TYPE))
    try:
        case = OpenedCase.model_validate_json(body)
    except ValidationError as error:
        raise NotTakenError(f"{partner.pk} did not disclose the case number", 502) from error
    salt = bytes.fromhex(case.salt)
    if case_commitment(salt, case.case) != exchange.committed:
        raise SharingError(f"{partner.pk} opened another case than it committed to", "federation_case")
    fields = {"agency_name": partner.pk, "exchange": exchange.pk, "case": case.case, "because": because}
    with operation(LedgerEvent.CASE_OPENED, person=person, **fields):
        FederatedExchange.objects.filter(pk=exchange.pk).update(case_number=case.case, salt=salt)
    return case.case


def settle() -> dict[str, int]:
    """Ask for the entries of answers that did not come in time, as the keeper; return how many came, and how many not.

    A partner answers a query once. To the same one it gives its entry again, and nothing of what was found. One that is
    away is asked no more this time.
    """
    unsettled = rows(_UNSETTLED, [MOST_SETTLED])
    counts = {"settled": 0, "lost": 0, "waiting": 0}
    partners, away = PartnerDepartment.objects.order_by().in_bulk(), set[str]()
    for number, agency, query in unsettled:
        what = "waiting" if agency in away else _settled(number, partners[agency], query)
        if what == "away":
            away.add(agency)
        counts["waiting" if what == "away" else what] += 1
    return counts


def _settled(number: UUID, partner: PartnerDepartment, query: str) -> str:
    """Ask for one entry; return what came of it: `settled`, `lost`, `waiting`, or that the partner is `away`."""
    try:
        answer = _read(partner, query, 409, _sent_once(partner, "/query", query))
    except NotTakenError as error:
        if error.status == 400:  # it never came, and is too old by now
            FederatedExchange.objects.filter(pk=number).update(decision="lost")
            return "lost"
        return "away" if error.status in _AWAY else "waiting"
    if answer.receipt is None:
        return "waiting"
    _enter((number, query), replace(answer, findings=None))
    return "settled"
