"""What a partner gets: what the agreement, the policy and the law let it have, once, and never what is covert."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pytest_django.fixtures import Settings

from platepost.department.database.roles import FEDERATION, WEB
from platepost.department.federation.answering import answer_query, give_case, own_identity
from platepost.department.federation.errors import NotTakenError
from platepost.department.federation.exchange import (
    DEMAND_TYPE,
    PAGE,
    RECEIPT_TYPE,
    CaseDemand,
    FederatedFindings,
    FederatedReceipt,
    PartnerReply,
    PlateBehind,
    PlateRequest,
    opened,
    signed,
    text_digest,
)
from platepost.department.federation.models import FederatedExchange
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.reviews import decide_search, open_approvals
from platepost.department.ledger.writing import append
from platepost.department.policy.policy import DEFAULT, policy_in_force
from platepost.department.sharing.agencies import confirm_agency, end_agreement, register_agency
from platepost.department.sharing.models import SharingAgreement
from tests.department.federation.conftest import PLATES, PURPOSE, Oakdale
from tests.department.law import bind
from tests.department.ledger.asked import handmade
from tests.department.people.persons import fresh_client_of
from tests.department.roles import as_role
from tests.department.sharing.conftest import agreed_with, in_state, sql

pytestmark = pytest.mark.django_db(transaction=True)


def receipt_of(reply: PartnerReply) -> FederatedReceipt:
    return opened(reply.receipt.encode(), own_identity().key, RECEIPT_TYPE, FederatedReceipt)


def findings_of(reply: PartnerReply) -> FederatedFindings:
    return FederatedFindings.model_validate_json(reply.findings)


def entries(*events: str) -> list[tuple[str, dict[str, Any]]]:
    # Of other tests there may be some whose bodies were erased.
    message = sql(
        "SELECT event, (SELECT coalesce(json_object_agg(field, value::json), '{}')::text FROM ledger_body AS body"
        " WHERE body.entry = line.entry) FROM ledger_entry AS line WHERE event = ANY (%s) ORDER BY number",
        list(events),
    )
    return [(event, json.loads(fields)) for event, fields in message]


def asked(oakdale: Oakdale, **more: Any) -> PartnerReply:
    with as_role(FEDERATION):
        return answer_query(oakdale.sent(**more), oakdale.peer)


def refused(message: bytes, peer: bytes | None) -> NotTakenError:
    with as_role(FEDERATION), pytest.raises(NotTakenError) as error:
        answer_query(message, peer)
    return error.value


def test_answers_under_an_entry_and_never_what_is_covert(oakdale: Oakdale) -> None:
    reply = asked(oakdale)
    assert [plate.plate for plate in findings_of(reply).plates] == ["TEST123", "TEST124"]
    receipt = receipt_of(reply)
    assert (receipt.decision, receipt.count, receipt.found) == ("answered", 2, text_digest(reply.findings))
    assert set(receipt.kept_days) == {"no_hit", "hit"}
    intent, shown, exchanged = (entries(event)[-1][1] for event in ("intent", "shown", "exchanged"))
    assert (intent["person"], intent["agency"], intent["on_behalf_of"]) == ("b.stone@oakdale-pd", *["oakdale-pd"] * 2)
    assert (intent["purpose"], intent["case"]) == (PURPOSE, "ab" * 32)
    assert shown["plates"] == ["TEST123", "TEST124"]
    assert exchanged["exchange"] == reply.receipt
    reads = findings_of(asked(oakdale, asked=PlateRequest(plate="TEST12?", opened="TEST123"))).reads
    assert [(read.plate_read, read.post) for read in reads] == [("TEST123", "post-1")]
    known = {"direction": "approaching", "region": "US-CA", "vehicle": "car", "color": "white gray"}
    assert [read.fields for read in reads] == [known], "and not the lane"
    shown = {"Direction": "approaching", "Issuing state": "CA", "Vehicle": "car", "Color": "white or gray"}
    assert dict(reads[0].shown) == shown
    (undelivered,) = findings_of(asked(oakdale, asked=PlateRequest(plate="TEST12?", opened="TEST124"))).reads
    assert dict(undelivered.shown) == {**dict.fromkeys(shown, "unknown"), "Direction": "approaching"}
    covert = asked(oakdale, asked=PlateRequest(plate="TEST12?", opened="TEST129"))
    assert findings_of(covert) == FederatedFindings()
    other = asked(oakdale, asked=PlateRequest(plate="TEST12?", opened="7ABC001"))
    assert findings_of(other) == FederatedFindings(), "a plate that the query does not fit is not opened by it"


def test_pages_are_bounded_and_go_on(oakdale: Oakdale) -> None:
    first = findings_of(asked(oakdale, asked=PlateRequest(plate="7ABC*")))
    assert (len(first.plates), first.after is not None) == (PAGE, True)
    second = findings_of(asked(oakdale, asked=PlateRequest(plate="7ABC*", after=first.after)))
    assert [plate.plate for plate in first.plates + second.plates] == sorted(PLATES[2:])
    assert second.after is None
    assert isinstance(first.after, PlateBehind)


def test_what_is_not_the_partner_s_own_new_query_is_refused(oakdale: Oakdale, tmp_path: Path) -> None:
    message = oakdale.sent()
    stranger = Oakdale(tmp_path / "stranger")
    head, payload, signature = message.split(b".")
    refusals = {
        "no certificate": (message, None, 403),
        "a stranger's certificate": (message, b"another", 403),
        "forged": (stranger.sent(), oakdale.peer, 403),
        "tampered": (b".".join([head, payload[:-4] + b"AAAA", signature]), oakdale.peer, 403),
        "another kind": (oakdale.sign(oakdale.query(), "platepost-other+jws"), oakdale.peer, 403),
        "for another": (oakdale.sent(to="elm-pd"), oakdale.peer, 403),
        "of another": (oakdale.sent(agency="elm-pd"), oakdale.peer, 403),
        "stale": (oakdale.sent(time=datetime.now(UTC) - timedelta(minutes=3)), oakdale.peer, 400),
    }
    before = len(entries("intent"))
    for name, (sent, peer, status) in refusals.items():
        assert refused(sent, peer).status == status, name
    with as_role(FEDERATION):
        reply = answer_query(message, oakdale.peer)
    again = refused(message, oakdale.peer)
    assert (again.status, PartnerReply.model_validate_json(again.body)) == (409, PartnerReply(receipt=reply.receipt))
    number = FederatedExchange.objects.get().pk
    other = refused(oakdale.sent(id=number), oakdale.peer)
    assert (other.status, other.body) == (409, b""), "another query of the same number learns nothing"
    assert len(entries("intent")) == before + 1, "nothing was looked at for them"
    noted = [fields["why"] for _, fields in entries("partner_refused")]
    assert len(noted) >= 3
    assert len(noted) < len(refusals), "who floods us does not flood the ledger"


def test_without_a_grant_no_answer(oakdale: Oakdale) -> None:
    def decision(**more: Any) -> tuple[str, str]:
        reply = asked(oakdale, **more)
        assert reply.findings == "" or receipt_of(reply).decision == "answered"
        return receipt_of(reply).decision, receipt_of(reply).why

    assert decision()[0] == "answered"
    assert decision(purpose="patrol") == (
        "refused", "nothing on behalf of oakdale-pd: no active agreement covers this purpose")  # fmt: skip
    assert "is not a purpose of the policy" in decision(purpose="curiosity")[1]
    assert "needs a case number" in decision(case=None)[1]
    for none in (None, ".", "??"):
        assert decision(reason=none) == ("refused", "a partner department gives a reason")
    for spelled in ("asked for by ICE", "asked for by I\u200bC\u200bE", "a detainer", "DHS/ERO"):
        assert "The law forbids use for immigration enforcement" in decision(reason=spelled)[1]
    register_agency(in_state("oakdale-pd", allowed=False), person="r.manager")
    assert "nothing is shared with it" in decision()[1]
    register_agency(in_state("oakdale-pd"), person="r.manager")
    confirm_agency("oakdale-pd", person="s.person")
    end_agreement(SharingAgreement.objects.get(), person="r.manager")
    assert decision()[0] == "refused"
    agreed_with("oakdale-pd", scope=["search", "release"])
    assert decision()[0] == "refused", "to search on its behalf is another thing"
    # By hand, with the words of an exchange that was claimed, and of one that was not.
    claimed = FederatedExchange.objects.create(
        pk=uuid4(), side="answered", agency_id="oakdale-pd", person="b", purpose=PURPOSE, digest="00" * 32
    )
    for number in (claimed.pk, uuid4()):
        fields = handmade(purpose="patrol", reason="a call", on_behalf_of="oakdale-pd", query={"exchange": str(number)})
        with as_role(FEDERATION), pytest.raises(LedgerError):
            append(LedgerEvent.INTENT, json.loads(fields))


def test_own_policy_decides(oakdale: Oakdale, settings: Settings, tmp_path: Path) -> None:
    settings.POLICY_FILE = tmp_path / "policy.toml"
    text = DEFAULT.read_text("utf-8")
    settings.POLICY_FILE.write_text(text.replace('name = "stolen vehicle"', 'name = "stolen car"'))
    receipt = receipt_of(asked(oakdale))
    assert receipt.decision == "refused"
    assert "is not a purpose of the policy" in receipt.why
    assert receipt.policy == policy_in_force().digest


def test_supervisor_approves_a_partner_s_search_of_a_case_that_is_committed_to(
    oakdale: Oakdale, superuser: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """Each query commits to its case by a salt of its own, so no two name it alike."""
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_text(DEFAULT.read_text("utf-8").replace('"california"', '"strict"'))
    bind(superuser.execute, "strict")
    try:
        assert receipt_of(asked(oakdale, case="ab" * 32)).decision == "refused"
        (waits,) = [each for each in open_approvals() if each.person == "b.stone@oakdale-pd"]
        with as_role(WEB):
            decide_search(waits.entry, person="s.person", approved=True, note="their chief called")
        for more, decision in (
            ({"case": "cd" * 32}, "answered"),
            ({"case": None}, "refused"),
            ({"case": "cd" * 32, "person": "c.stone"}, "refused"),
            ({"case": "cd" * 32, "asked": PlateRequest(plate="TEST1??")}, "refused"),
        ):
            assert receipt_of(asked(oakdale, **more)).decision == decision, more
    finally:
        bind(superuser.execute, "california")


def test_rate_is_the_agreement_s(oakdale: Oakdale, superuser: psycopg.Connection) -> None:
    for _ in range(20):
        asked(oakdale, asked=PlateRequest(plate="TEST123"))
    over = refused(oakdale.sent(), oakdale.peer)
    assert (over.status, str(over)) == (429, "more than 20 an hour")
    assert sql("SELECT count(*) FROM federation_exchange") == [(20,)]
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE federation_exchange SET at = at - interval '61 minutes'")
    assert receipt_of(asked(oakdale)).decision == "answered"


def test_what_cannot_be_found_is_said(oakdale: Oakdale) -> None:
    receipt = receipt_of(asked(oakdale, asked=PlateRequest(plate="7*")))
    assert receipt.decision == "failed"
    assert "three known characters" in receipt.why


def test_case_is_opened_to_the_partner_that_was_asked_alone(oakdale: Oakdale) -> None:
    own = FederatedExchange.objects.create(
        pk=uuid4(), side="asked", agency_id="oakdale-pd", person="o.person", purpose=PURPOSE, digest="00" * 32,
        committed="00" * 32, case_number="26-00417", salt=bytes(16),
    )  # fmt: skip
    fields = {"id": uuid4(), "agency": "oakdale-pd", "to": "springfield", "time": datetime.now(UTC), "person": "c.reed"}

    def demand(**more: Any) -> bytes:
        case_demand = CaseDemand(**{**fields, "exchange": own.pk, "because": "our audit", **more})
        return signed(case_demand, oakdale.identity.key, DEMAND_TYPE).encode()

    with as_role(FEDERATION):
        case = give_case(demand(), oakdale.peer)
        assert (case.case, case.salt) == ("26-00417", "00" * 16)
        for wrong in ({"exchange": uuid4()}, {"to": "elm-pd"}, {"time": datetime.now(UTC) - timedelta(hours=1)}):
            with pytest.raises(NotTakenError):
                give_case(demand(**wrong), oakdale.peer)
    noted = entries("case_opened")
    assert (noted[-1][1]["person"], noted[-1][1]["because"]) == ("c.reed@oakdale-pd", "our audit")
    end_agreement(SharingAgreement.objects.get(), person="r.manager")
    with as_role(FEDERATION), pytest.raises(NotTakenError) as ended:
        give_case(demand(id=uuid4()), oakdale.peer)
    assert (ended.value.status, "no active agreement" in str(ended.value)) == (403, True)
    assert entries("case_opened") == noted


def test_partners_people_are_known_to_the_clauses(oakdale: Oakdale) -> None:
    names = ", ".join(f"fields ->> '{name}'" for name in ("on_behalf", "outside", "nameless"))
    facts = f"SELECT {names} FROM sharing_facts('{{}}', '1 year', NULL) AS fields"
    ((before, *wrong),) = sql(facts)
    asked(oakdale)
    assert sql(facts) == [(str(int(before) + 1), *wrong)]


def test_partner_is_named_by_its_page(oakdale: Oakdale, people: dict[str, Any]) -> None:
    client = fresh_client_of(people["r"])
    pem = oakdale.identity.certificate.read_text()
    with as_role(WEB):
        bad = client.post("/partners/name/", {"agency": "oakdale-pd", "url": "https://x/", "certificate": "none"})
        assert "not a department" in bad.content.decode()
        bad = client.post("/partners/name/", {"agency": "oakdale-pd", "url": "https://x/y", "certificate": pem})
        assert "https://HOST:PORT" in bad.content.decode()
        fields = {"agency": "oakdale-pd", "url": "https://plates.oakdale.example:8602", "certificate": pem}
        assert client.post("/partners/name/", fields).status_code == 302
        page = client.get("/partners/").content.decode()
    assert "https://plates.oakdale.example:8602" in page
    assert "20 an hour" in page
    assert entries("partner_named")[-1][1]["person"] == "r.manager"
