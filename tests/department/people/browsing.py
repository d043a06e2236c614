"""How a test logs on in a real browser, with a passkey that Chromium itself keeps."""

from dataclasses import dataclass
from urllib.parse import urljoin

from playwright.sync_api import CDPSession, Page

from platepost.department.people.rights import DepartmentRole
from tests.browser import Visitor
from tests.department.commands.installation import Commands


@dataclass(frozen=True, slots=True)
class Invited:
    """Someone with the code of an invitation."""

    login: str
    code: str


def invited(department: Commands, login: str, *roles: DepartmentRole) -> Invited:
    """Add a person by the command line."""
    given = [argument for role in roles for argument in ("--role", role.value)]
    payload = department.json("person add", login, "--name", login.title(), *given)
    return Invited(login, payload["code"])


def virtual_authenticator(page: Page) -> CDPSession:
    """Give a page an authenticator that someone touches at once, and whose PIN they know."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def log_in_by_password(page: Page, login: str, password: str) -> None:
    """Type a password into the log-in page."""
    page.get_by_text("Log in with a password and a code").click()
    page.get_by_label("Username").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def enrolled(visitor: Visitor, address: str, person: Invited) -> Page:
    """Log in by the code of an invitation, add a passkey, note the recovery codes; give the page of the account."""
    page = visitor.open(urljoin(address, "/log-in/"))
    virtual_authenticator(page)
    log_in_by_password(page, person.login, person.code)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Add it").click()
    # It shows at once that the passkey works, and that it is fresh.
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("link", name="I have written them down").click()
    page.get_by_text("Passkeys").first.wait_for()
    return page
