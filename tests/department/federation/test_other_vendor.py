"""The federation protocol is what docs/contract/federation.md says: a partner in Node asks and answers by it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from platepost.department.database.roles import FEDERATION, WEB
from platepost.department.federation.contract import ANSWERING, ASKING, FOLDER, MESSAGES, files
from platepost.department.federation.exchange import (
    DEMAND_TYPE,
    QUERY_TYPE,
    RECEIPT_TYPE,
    CaseDemand,
    FederatedFindings,
    FederatedQuery,
    FederatedReceipt,
    OpenedCase,
    case_commitment,
    opened,
    text_digest,
)
from platepost.department.federation.models import FederatedExchange
from platepost.department.federation.partners import name_partner
from platepost.department.federation.server import FederationServer
from platepost.department.people.models import DepartmentPerson
from platepost.provisioning.trust.authority import KEY_FILE
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.records.signing import read_key
from tests.department.federation.conftest import PURPOSE, Oakdale
from tests.department.federation.test_two_departments import SAID as ASKED
from tests.department.federation.test_two_departments import wait_until_listening
from tests.department.people.persons import client_of
from tests.department.roles import as_role

EXAMPLE = Path(__file__).parents[3] / "examples/node/partner.mjs"
PAGE = FOLDER.with_suffix(".md")
NODE = shutil.which("node")
SEEN = "2026-09-30T23:10:00Z"
READS = [
    {"record": 7, "captured_at": SEEN, "plate_read": "TEST127", "post": "elm-1", "fields": {"color": "white"}},
    {"record": 8, "captured_at": SEEN, "plate_read": "TEST128", "post": "elm-2", "fields": {}},
]


@pytest.mark.parametrize("name", sorted(files()))
def test_the_contract_is_as_generated(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == files()[name], "run: make contract"


def test_nothing_else_is_committed() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*files()}


def test_the_page_has_every_member_of_every_message() -> None:
    page = PAGE.read_text("utf-8")
    members = {member for model in MESSAGES.values() for member in model.model_fields}
    assert [member for member in sorted(members) if f"`{member}`" not in page] == []


def test_the_example_exchange_is_one() -> None:
    example = json.loads((FOLDER / "exchange.json").read_text("utf-8"))
    asking, answering = (read_key(example[name].encode()) for name in ("asking_key", "answering_key"))
    query = opened(example["query"].encode(), asking, QUERY_TYPE, FederatedQuery)
    receipt = opened(example["receipt"].encode(), answering, RECEIPT_TYPE, FederatedReceipt)
    demand = opened(example["demand"].encode(), answering, DEMAND_TYPE, CaseDemand)
    case = OpenedCase.model_validate_json(example["case"])
    assert (query.agency, query.to, receipt.agency, demand.to) == (ASKING, ANSWERING, ANSWERING, ASKING)
    assert (receipt.query, receipt.found) == (example["query"], text_digest(example["findings"]))
    assert receipt.count == len(FederatedFindings.model_validate_json(example["findings"]).plates)
    assert (demand.exchange, query.case) == (query.id, case_commitment(bytes.fromhex(case.salt), case.case))


def node(oakdale: Oakdale, springfield: Path, command: str, **options: str) -> list[str]:
    """Return the words of the example, in the name of oakdale."""
    if NODE is None:
        pytest.skip("Node is missing: make tools")
    identity = oakdale.identity
    given = {
        "agency": oakdale.name,
        "to": "springfield",
        "key": str(identity.folder / KEY_FILE),
        "certificate": str(identity.certificate),
        "partner": str(springfield / "certificate.pem"),
    }
    words = [word for name, value in (given | options).items() for word in (f"--{name}", value)]
    return [NODE, str(EXAMPLE), command, *words]


@pytest.fixture
def springfield(oakdale: Oakdale) -> Iterator[str]:
    """Serve partners as `federate serve` does; return the address."""
    port = free_port()
    with as_role(FEDERATION):
        server = FederationServer("localhost", port)
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until_listening(port)
        yield f"https://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.django_db(transaction=True)
def test_another_vendor_s_query_is_answered_or_refused(oakdale: Oakdale, springfield: str, settings: Settings) -> None:
    def asked(**options: str) -> dict[str, Any]:
        words = {"url": springfield, "person": "b.stone", "purpose": PURPOSE, "reason": "robbery", "case": "26-00417"}
        command = node(oakdale, settings.FEDERATION, "ask", **words | options)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    plates = asked(plate="TEST12?")
    assert (plates["decision"], [each["plate"] for each in plates["plates"]]) == ("answered", ["TEST123", "TEST124"])
    (read,) = asked(plate="TEST12?", open="TEST123")["reads"]
    assert (read["plate_read"], read["fields"]["region"]) == ("TEST123", "US-CA")
    refused = asked(plate="TEST12?", purpose="curiosity")
    assert (refused["decision"], refused["why"] != "", "plates" in refused) == ("refused", True, False)


@pytest.mark.django_db(transaction=True)
def test_another_vendor_s_answer_is_shown_and_entered(
    oakdale: Oakdale, people: dict[str, DepartmentPerson], settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "reads.json").write_text(json.dumps(READS))
    port = str(free_port())
    command = node(oakdale, settings.FEDERATION, "serve", port=port, reads=str(tmp_path / "reads.json"))
    name_partner(
        oakdale.name, f"https://localhost:{port}", oakdale.identity.certificate.read_text(), person="r.manager"
    )
    client = client_of(people["o"])

    def page(**more: str) -> str:
        with as_role(WEB):
            return client.post("/search/partners/", ASKED | more, follow=True).content.decode()

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            plates, reads = page(), page(only=oakdale.name, open="TEST127")
        finally:
            server.kill()
    assert "oakdale-pd: answered" in plates
    assert "TEST128" in plates
    assert '<td data-label="Color">white</td>' in reads
    assert list(FederatedExchange.objects.values_list("side", "decision")) == [("asked", "answered")] * 2
