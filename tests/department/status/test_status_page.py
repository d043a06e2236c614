"""The status page in a real browser, served by the command as it is installed."""

import urllib.request
from collections.abc import Iterator
from contextlib import closing
from urllib.error import HTTPError

import psycopg
import pytest
from playwright.sync_api import Browser, StorageState

from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.people.rights import DepartmentRole
from platepost.simulator.brokers.daemon import free_port
from tests.browser import Visitor, page_faults
from tests.department.commands.forked import Started
from tests.department.commands.installation import Commands, department
from tests.department.people.browsing import enrolled, invited
from tests.department.status.kept import NOW, put, tally
from tests.waiting import until

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
SECONDS = 90


@pytest.fixture(scope="module")
def served(department: Commands) -> Iterator[str]:
    """Serve the pages, of a department that has kept something; give their address."""
    folder = DepartmentFolder(department.folder)
    # A passkey is of a name, not of an address.
    where = f"localhost:{free_port()}"
    with PrivateCluster(folder.cluster).in_use():
        with closing(psycopg.connect(folder.conninfo(OWNER), autocommit=True)) as connection:
            put(connection.execute)
        with department.start("serve", "--web", where) as server:
            try:
                wait_until_served(f"http://{where}/", server)
                yield f"http://{where}/"
                server.terminate()
                assert server.wait(SECONDS) == 0
            finally:
                server.kill()


@pytest.fixture(scope="module")
def session(served: str, department: Commands, chromium: Browser) -> StorageState:
    """Log an operator on, once for all tests; give the session."""
    with closing(Visitor(chromium)) as entering:
        return enrolled(
            entering, served, invited(department, "b.chen", DepartmentRole.OPERATOR)
        ).context.storage_state()


@pytest.fixture
def page(served: str, session: StorageState, visitor: Visitor) -> str:
    """Have the browser logged on; give the address."""
    visitor.state = session
    return served


def wait_until_served(address: str, server: Started) -> None:
    def answers() -> bool:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own
        except HTTPError:
            raise
        except OSError:  # or too busy to answer in time
            assert server.poll() is None
            return False
        return True

    until(answers, "the page")


def test_page_is_accessible_and_fits(page: str, visitor: Visitor) -> None:
    shown = visitor.open(page)
    assert shown.get_by_role("heading", name="System status").is_visible()
    assert page_faults(shown) == []


def test_page_works_by_keyboard(page: str, visitor: Visitor) -> None:
    shown = visitor.open(page)
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to the content"
    shown.keyboard.press("Enter")
    shown.wait_for_url("**#content")
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "post-1"
    shown.keyboard.press("Enter")
    shown.wait_for_url("**#post-post-1")


def test_page_brings_itself_up_to_date(page: str, visitor: Visitor, department: Commands) -> None:
    shown = visitor.open(page)
    shown.clock.install()
    shown.reload()
    shown.clock.pause_at(shown.evaluate("Date.now() / 1000 + 1"))
    shown.get_by_role("link", name="post-1").focus()
    with closing(psycopg.connect(DepartmentFolder(department.folder).conninfo(OWNER), autocommit=True)) as connection:
        tally(connection.execute, "post-9", kind="read", verdict="genuine", count=4, at=NOW)
    assert not shown.get_by_role("link", name="post-9").is_visible()
    shown.clock.run_for(31_000)
    shown.get_by_role("link", name="post-9").wait_for()
    assert shown.evaluate("document.activeElement.textContent") == "post-1"


def test_command_says_the_same(page: str, department: Commands) -> None:
    payload = department.json("status")
    assert payload["posts"][0]["odd"] == {"duplicate": 3, "forged": 3}
    assert set(payload["disks"]) == {"receipts", "records"}
    table = department("status").stdout
    assert "3 forged" in table
    assert "not running" in table
