"""People and their log-in in a real browser, from an invitation to a search that has lapsed."""

from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, Route, expect

from platepost.department.database.cluster import PrivateCluster
from platepost.department.folder import DepartmentFolder
from platepost.department.people.lockout import MOST
from platepost.department.people.rights import DepartmentRole
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.exercises import drawn_exercises
from tests.browser import PHONE, Visitor, accessibility_faults, drawn_width, page_faults, pixels_too_wide
from tests.department.commands.installation import Commands, department
from tests.department.people.browsing import enrolled, invited, log_in_by_password
from tests.department.status.test_status_page import SECONDS, wait_until_served

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
PASSWORD = "eleven otters in a rowing boat"


@pytest.fixture(scope="module")
def address(department: Commands) -> Iterator[str]:
    """Serve the pages of a department; give their address."""
    where = f"localhost:{free_port()}"
    with (
        PrivateCluster(DepartmentFolder(department.folder).cluster).in_use(),
        department.start("serve", "--web", where) as server,
    ):
        try:
            wait_until_served(f"http://{where}/log-in/", server)
            yield f"http://{where}"
            server.terminate()
            assert server.wait(SECONDS) == 0
        finally:
            server.kill()


def test_passkey_is_registered_and_used_and_no_stranger_locks_it_out(
    address: str, visitor: Visitor, department: Commands
) -> None:
    page = enrolled(visitor, address, invited(department, "b.chen", DepartmentRole.DISPATCHER))
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in with a passkey").wait_for()
    stranger = visitor.open(f"{address}/log-in/", phone=True)
    assert pixels_too_wide(stranger) == 0
    assert accessibility_faults(stranger) == []
    for _ in range(MOST + 1):
        stranger.goto(f"{address}/log-in/")
        log_in_by_password(stranger, "b.chen", "guessed")
        stranger.get_by_role("alert").wait_for()
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_role("heading", name="System status").wait_for()


def test_passkey_cannot_be_used_before_its_script_is_there(address: str, visitor: Visitor) -> None:
    page = visitor.open("about:blank")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/mfa/js/webauthn.js", hold)
    with page.expect_request("**/mfa/js/webauthn.js"):
        page.goto(f"{address}/log-in/", wait_until="commit")
    button = page.get_by_role("button", name="Log in with a passkey")
    expect(button).to_be_disabled()
    held[0].continue_()
    expect(button).to_be_enabled()


def test_exercises_are_done_by_keyboard_on_a_phone(address: str, visitor: Visitor, department: Commands) -> None:
    training = DepartmentFolder(department.folder).training
    training.mkdir(exist_ok=True)
    created = drawn_exercises("spring", 7, 27)
    # One to be read, one with choices: the picture is there, and an answer too long for its line.
    chosen = [next(each for each in created.exercises if bool(each.choices) is choices) for choices in (False, True)]
    (training / "spring.json").write_text(created.model_copy(update={"exercises": tuple(chosen)}).model_dump_json())
    page = enrolled(visitor, address, invited(department, "g.hill", DepartmentRole.OPERATOR))
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Menu").press("Enter")
    page.get_by_role("link", name="Training").press("Enter")
    page.get_by_role("link", name="spring").press("Enter")
    assert drawn_width(page.get_by_alt_text("A drawn plate")) > 0
    assert page_faults(page) == []
    page.keyboard.type(chosen[0].answer)  # the field has the focus
    page.keyboard.press("Enter")
    page.get_by_text("Right:").wait_for()
    assert accessibility_faults(page) == []
    assert pixels_too_wide(page) == 0
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Done").wait_for()
    expect(page.get_by_text("practical: ", exact=False).first).to_be_visible()
    assert accessibility_faults(page) == []


def test_password_with_an_app(address: str, visitor: Visitor, department: Commands) -> None:
    person = invited(department, "c.diaz", DepartmentRole.OPERATOR)
    page = visitor.open(f"{address}/log-in/", scheme="dark")
    log_in_by_password(page, person.login, person.code)
    page.get_by_role("link", name="Set a password").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("link", name="Set a password").wait_for(state="detached")
    page.goto(f"{address}/account/authenticator/")
    assert page_faults(page) == []
    secret = page.locator("#totp-key").inner_text()
    page.get_by_label("Authenticator code").fill(now_by(page, secret))
    page.get_by_role("button", name="Add it").click()
    page.get_by_label("Code").fill(now_by(page, secret))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page_faults(page) == []
    page.get_by_role("link", name="I have written them down").click()
    page.get_by_role("link", name="Oversight").click()
    page.get_by_role("heading", name="System status").wait_for()
    again = visitor.open(f"{address}/log-in/")
    log_in_by_password(again, person.login, PASSWORD)
    again.get_by_label("Code").wait_for()
    assert page_faults(again) == []


def now_by(page: Page, secret: str) -> str:
    return format_hotp_value(hotp_value(secret, page.evaluate("Math.floor(Date.now() / 30000)")))


def test_administrator_adds_a_person_and_disables_another(address: str, visitor: Visitor, department: Commands) -> None:
    page = enrolled(visitor, address, invited(department, "a.rivera", DepartmentRole.ADMINISTRATOR))
    dispatcher = enrolled(visitor, address, invited(department, "d.eng", DepartmentRole.DISPATCHER))
    invited(department, "s.mori", DepartmentRole.SUPERVISOR)
    page.get_by_role("link", name="Oversight").click()
    page.get_by_role("link", name="People").click()
    page.get_by_role("heading", name="People", exact=True).wait_for()
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Add a person").click()
    page.get_by_role("button", name="Add", exact=True).wait_for()
    page.get_by_label("Username").fill("e.fox")
    page.get_by_label("Name", exact=True).fill("Eve Fox")
    page.get_by_label("Sponsor").select_option("s.mori")
    page.get_by_label("dispatcher").check()
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#code")).to_contain_text("-")
    expect(page.get_by_text("the role dispatcher, requested by a.rivera")).to_be_visible()
    department("person disable", "s.mori")  # so that the command line invites alone again
    assert accessibility_faults(page) == []
    page.set_viewport_size(PHONE)
    assert pixels_too_wide(page) == 0
    page.goto(f"{address}/people/person/d.eng/")
    page.get_by_role("button", name="Disable now").click()
    expect(page.get_by_text("disabled", exact=True)).to_be_visible()
    dispatcher.goto(address)
    expect(dispatcher.get_by_role("button", name="Log in with a passkey")).to_be_visible()


def test_operator_is_refused_what_is_not_theirs(address: str, visitor: Visitor, department: Commands) -> None:
    page = enrolled(visitor, address, invited(department, "f.gray", DepartmentRole.OPERATOR))
    page.goto(f"{address}/people/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    assert accessibility_faults(page) == []
    visitor.forgive("403")
