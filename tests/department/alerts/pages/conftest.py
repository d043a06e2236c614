"""The desk of the folder's tests."""

from collections.abc import Iterator

import pytest

from platepost.department.folder import DepartmentFolder
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.records.keys import CustodianTerms, Purpose
from tests.department.alerts.alarms import sessions
from tests.department.alerts.pages.desk import Desk
from tests.department.commands.installation import Installed
from tests.department.commands.keeping import site
from tests.department.custody.posts import GROUP


@pytest.fixture(scope="session")
def shared_desk(installed: Installed) -> Iterator[Desk]:
    """Make the desk once for all files of this folder, which one worker of a run takes together."""
    with site() as created:
        keys = KeyFiles(Purpose.CUSTODY, created.fleet.custodian("records"), "records")
        keys.write_terms(CustodianTerms(name="records", groups=(GROUP,), required=True))
        created.fleet.write_access_list()
        created.add_post("post-1")
        created.init(installed)
        folder = DepartmentFolder(created.department.folder)
        with created.keeping():
            people = {"a.rivera": "dispatcher:current", "b.chen": "dispatcher:current"}
            people |= {"c.lapsed": "dispatcher:lapsed", "d.okafor": "auditor:current", "e.novak": "dispatcher:current"}
            people |= {"f.vale": "dispatcher:current", "s.ortiz": "supervisor:current"}
            cookies = sessions(folder, *(f"{login}:{fields}" for login, fields in people.items()))
            assert created.department("person covert", "a.rivera", GROUP).returncode == 0
            yield Desk(created, f"127.0.0.1:{free_port()}", dict(zip(people, cookies, strict=True)))


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """Give the desk as every test may expect it: a broker that runs, and no hit of another test."""
    shared_desk.hits.clear()
    if not shared_desk.site.broker.running:
        shared_desk.site.broker.start()
    shared_desk.forget_alerts()
    return shared_desk


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    with desk.serving():
        yield desk
