"""Two real departments, each with its own database, keys and policy: asked by the page, answered by the command."""

import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from pytest_django.fixtures import Settings

from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import WEB
from platepost.department.federation.asking import SECONDS, settle
from platepost.department.federation.identity import FederationIdentity
from platepost.department.federation.models import FederatedExchange
from platepost.department.federation.partners import name_partner
from platepost.department.federation.server import FederationServer
from platepost.department.folder import DepartmentFolder
from platepost.department.people.models import DepartmentPerson
from platepost.department.session import running_database
from platepost.simulator.brokers.daemon import free_port
from tests.department.commands.forked import Started
from tests.department.commands.installation import Commands, Installed, commands, done_aside
from tests.department.federation.conftest import PURPOSE, STOCK, Oakdale
from tests.department.people.persons import client_of
from tests.department.roles import as_role
from tests.department.search.conftest import keep_reads
from tests.department.sharing.conftest import sql
from tests.memory_disk import new_folder
from tests.waiting import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.django_db(transaction=True)]
SETTLED = "UPDATE federation_exchange SET at = at - interval '2 minutes' WHERE decision IS NULL"
SAID = {
    "purpose": PURPOSE,
    "case": "26-00417",
    "reason": "robbery on Main Street",
    "plate": "TEST12?",
    "departments": ["oakdale-pd"],
}
PREPARED = """
import sys
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER, WEB
from platepost.department.folder import DepartmentFolder
folder, url, certificate, *demand = sys.argv[1:]
set_up_django(DepartmentFolder(Path(folder)), WEB if demand else OWNER)
from platepost.department.federation.asking import demand_case
from platepost.department.federation.models import FederatedExchange
from platepost.department.federation.partners import name_partner
from platepost.department.people.rights import DepartmentRole
from tests.department.people.persons import new_person
from tests.department.sharing.conftest import agreed_with
if demand:
    exchange = FederatedExchange.objects.filter(side="answered", decision="answered").first()
    print(demand_case(exchange, person="r.manager", because="our audit"))
else:
    new_person("r.manager", DepartmentRole.RECORDS_MANAGER)
    new_person("s.person", DepartmentRole.SUPERVISOR)
    agreed_with("springfield", scope=["query"], per_hour=20)
    name_partner("springfield", url, Path(certificate).read_text(), person="r.manager")
"""


def wait_until_listening(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, f"who listens at {port}")


class Partner:
    """Oakdale's own department: its folder, its database, its server."""

    def __init__(self, given: Commands, own: Path) -> None:
        self.given = given
        self.folder = DepartmentFolder(given.folder)
        self.port, self.of_springfield = free_port(), free_port()
        self.own = own
        self.server: Started | None = None

    def prepared(self, *demand: str) -> str:
        url = f"https://localhost:{self.of_springfield}"
        return done_aside(PREPARED, self.folder.path, url, self.own, *demand).strip()

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder.cluster), user=SUPERUSER, dbname="platepost", autocommit=True)

    def exchanged(self) -> list[str]:
        with self.connect() as database:
            return [value for (value,) in database.execute(EXCHANGED)]

    def start(self) -> None:
        self.server = self.given.start("federate serve", "--web", f"127.0.0.1:{self.port}")
        wait_until_listening(self.port)

    def signal(self, number: int) -> None:
        assert self.server is not None
        self.server.send_signal(number)


EXCHANGED = (
    "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'exchanged' AND field = 'exchange'"
    " ORDER BY number"
)
OPENED = EXCHANGED.replace("'exchanged'", "'case_opened'").replace("'exchange'", "'case'")


@pytest.fixture
def partner(oakdale: Oakdale, installed: Installed, settings: Settings) -> Iterator[Partner]:
    """Make oakdale's own department, and have this one know it."""
    top = new_folder()
    installed.copy(top)
    given = commands(top)
    config = given.folder / "department.toml"
    config.write_text(config.read_text().replace('agency = "riverside"', 'agency = "oakdale-pd"'))
    created = Partner(given, FederationIdentity("springfield", settings.FEDERATION).certificate)
    pem = given.json("federate certificate", "--host", "localhost")["certificate"]
    with running_database(created.folder):
        created.prepared()
        with created.connect() as database:
            keep_reads(database, STOCK, numbers=iter(range(1, 100)))
        name_partner("oakdale-pd", f"https://localhost:{created.port}", pem, person="r.manager")
        created.start()
        yield created
        if created.server is not None:
            created.signal(signal.SIGCONT)
            created.signal(signal.SIGTERM)
            created.server.wait(30)
    PrivateCluster(created.folder.cluster).kill()
    shutil.rmtree(top)


def test_answers_slow_away_and_refusing_in_turn(
    partner: Partner, people: dict[str, DepartmentPerson], superuser: psycopg.Connection
) -> None:
    client = client_of(people["o"])
    assert SECONDS < 3, "no page waits for longer"

    def page(**more: str) -> str:
        with as_role(WEB):
            message = client.post("/search/partners/", SAID | more, follow=True)
        assert message.status_code == 200, message.content.decode()
        return message.content.decode()

    before = sql(EXCHANGED), sql(OPENED)  # by other tests

    def ours() -> list[str]:
        return [value for (value,) in sql(EXCHANGED)[len(before[0]) :]]

    answered = page()
    assert "oakdale-pd: answered" in answered
    assert "TEST124" in answered
    assert "TEST129" not in answered, "covert"
    assert "it keeps" in answered
    assert ours() == partner.exchanged()
    assert len(ours()) == 1
    assert '<td data-label="Color">white or gray</td>' in page(only="oakdale-pd", open="TEST123")
    assert ours() == partner.exchanged()
    assert len(ours()) == 2

    policy = partner.folder.policy
    text = policy.read_text("utf-8")
    policy.write_text(text.replace(f'name = "{PURPOSE}"', 'name = "stolen car"'))
    refusal = page()
    assert "oakdale-pd: refused" in refusal
    assert "is not a purpose of the policy" in refusal
    policy.write_text(text)
    assert ours() == partner.exchanged()
    assert len(ours()) == 3, "the refusal stands in both ledgers"

    partner.signal(signal.SIGSTOP)
    assert "oakdale-pd: slow" in page()
    partner.signal(signal.SIGCONT)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(SETTLED)
    with as_role("platepost_keeper"):
        settled = 0

        def all_settled() -> bool:
            nonlocal settled
            counts = settle()
            settled += counts["settled"]
            return not counts["waiting"]

        until(all_settled, "the partner, which may not be through with the first yet")
    assert settled == 1
    assert ours() == partner.exchanged()
    assert len(ours()) == 4, "what did not come in time stands in both ledgers later"

    springfield = FederationServer("127.0.0.1", partner.of_springfield)
    serving = Thread(target=springfield.run)
    serving.start()
    wait_until_listening(partner.of_springfield)
    try:
        assert partner.prepared("demand") == "26-00417"
    finally:
        springfield.should_exit = True
        serving.join()
    assert sql(OPENED)[len(before[1]) :] == [('"26-00417"',)]

    assert partner.server is not None
    partner.signal(signal.SIGTERM)
    partner.server.wait(30)
    assert "oakdale-pd: away" in page()
    assert FederatedExchange.objects.filter(decision=None).count() == 1
