"""A department whose pages, signer, broker and posts run: what someone enters by web is looked for on the street."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

from playwright.sync_api import Page

from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.demo.clip import STREET
from platepost.wire.records import Role
from tests.department.commands.forked import Started
from tests.department.commands.installation import Commands, done_aside
from tests.department.status.test_status_page import wait_until_served
from tests.end_to_end.test_hotlist_delivery import RunningPost
from tests.waiting import until

"""How long anything may take on a machine that does much else."""
SESSIONS = """
import sys
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
from platepost.department.people.rights import DepartmentRole
from tests.department.people.persons import new_person
from tests.department.lists.conftest import fresh_client
for login, role in (("a.rivera", DepartmentRole.OPERATOR), ("b.chen", DepartmentRole.SUPERVISOR)):
    print(fresh_client(new_person(login, role)).cookies["sessionid"].value)
"""


@dataclass(frozen=True, slots=True)
class ListsSite:
    """What runs."""

    address: str
    operator: str
    """Session of an operator."""
    supervisor: str
    posts: list[RunningPost]

    def looks_for(self, plate: str) -> list[bool]:
        """Tell of each post whether its list has a plate now."""
        lists = [post.hotlist.current for post in self.posts]
        return [held is not None and bool(held.match(plate, at=datetime.now(UTC))) for held in lists]

    def until(self, holds: Callable[[], bool]) -> float:
        """Wait until something holds; return the seconds that it took."""
        began = time.monotonic()
        until(holds)
        return time.monotonic() - began

    def visit(self, page: Page, where: str, session: str) -> None:
        """Open a page as someone."""
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": self.address}])
        page.goto(f"{self.address}{where}")


@contextmanager
def lists_site(department: Commands, *, posts: int) -> Iterator[ListsSite]:
    """Run all of it, until every post holds a first list."""
    top, folder = department.folder.parent, DepartmentFolder(department.folder)
    # As a department whose Amber alerts wait for no one.
    policy = folder.policy.read_text("utf-8").replace('two_persons = ["all"]', 'two_persons = ["covert", "safe"]')
    folder.policy.write_text(policy, "utf-8")
    department("upgrade")
    fleet = Fleet.load(top / "fleet")
    fleet.add_operator("lists", Role.LIST_BUILDER)
    broker = Broker(fleet, top / "broker")
    for number in range(posts):
        settings = PostSettings(
            brokers=(broker.address,), camera="footage", camera_settings={"path": str(STREET)}, board="virtual"
        )
        fleet.add_post(f"street-{number + 1}", settings)
    where = f"127.0.0.1:{free_port()}"
    signing = ("--fleet", fleet.directory, "--as", "lists", "--broker", broker.address)
    with ExitStack() as stack:
        stack.enter_context(broker)
        stack.enter_context(running_database(folder))
        fields = done_aside(SESSIONS, folder.path).split()
        signer = stack.enter_context(ended(department.start("lists publish", *signing)))
        server = stack.enter_context(ended(department.start("serve", "--web", where)))
        wait_until_served(f"http://{where}/log-in/", server)
        running = []
        for number in range(posts):
            running.append(RunningPost(SimpleNamespace(folder=fleet.post(f"street-{number + 1}"))))  # type: ignore[arg-type]
            stack.callback(running[-1].close)
        site = ListsSite(f"http://{where}", *fields, running)
        site.until(lambda: signer.poll() is None and all(post.version() for post in running))
        yield site


@contextmanager
def ended(process: Started) -> Iterator[Started]:
    """Have a service end in order."""
    with process:
        try:
            yield process
            process.terminate()
            process.wait(30)
        finally:
            process.kill()


def enter_amber_alert(page: Page, site: ListsSite, plate: str) -> float:
    """Fill the form in by keyboard alone; return the seconds from its saving to the list in force on every post."""
    site.visit(page, "/lists/", site.operator)
    page.get_by_role("link", name="Amber alert").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_plate:focus")
    # From field to field by the tab key: the category was chosen by the link.
    for words in (plate, "", "26-00417", "child taken from school", "missing", "", "white van, left mirror gone"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.type("do not stop alone")
    page.keyboard.press("Enter")
    began = time.monotonic()
    site.until(lambda: all(site.looks_for(plate.replace("?", "A").replace("*", "12"))))
    took = time.monotonic() - began
    page.wait_for_selector("h1:has-text('List entry')")
    return took
