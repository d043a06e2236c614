import pytest

from platepost.provisioning.errors import ProvisioningError
from platepost.technician.aim.server import service_address
from platepost.technician.aim.session import MOST_TRIES, Session


def test_a_code_opens_once_for_one_address() -> None:
    session = Session(seconds=60)
    cookie = session.enter(session.code, address="10.0.0.2")
    assert session.knows(cookie, address="10.0.0.2")
    assert not session.knows(cookie, address="10.0.0.3")
    assert not session.knows("guessed", address="10.0.0.2")
    assert not session.knows(None, address="10.0.0.2")
    assert session.enter(session.code, address="10.0.0.2") is None
    assert session.enter_by_link(session.token, address="10.0.0.2") is None


def test_before_anybody_was_let_in_no_cookie_is_known() -> None:
    session = Session(seconds=60)
    assert not session.knows(session._cookie, address="")


def test_wrong_codes_close_the_page() -> None:
    session = Session(seconds=60)
    for _ in range(MOST_TRIES):
        assert session.enter("00000", address="10.0.0.9") is None
    assert not session.open
    assert "10.0.0.9" in str(session.why_closed)
    assert session.enter(session.code, address="10.0.0.2") is None


def test_who_was_let_in_is_not_shut_out_by_wrong_codes() -> None:
    session = Session(seconds=60)
    cookie = session.enter(session.code, address="10.0.0.2")
    for _ in range(MOST_TRIES):
        assert session.enter("00000", address="10.0.0.9") is None
    assert session.knows(cookie, address="10.0.0.2")


def test_the_link_takes_no_code_and_the_code_no_link() -> None:
    """A code offered by links would not be counted."""
    session = Session(seconds=60)
    for _ in range(MOST_TRIES + 1):
        assert session.enter_by_link(session.code, address="10.0.0.9") is None
    assert session.open
    assert session.enter(session.token, address="10.0.0.2") is None
    assert session.enter_by_link(session.token, address="10.0.0.2") is not None


def test_its_time_ends() -> None:
    now = 100.0
    session = Session(seconds=60, clock=lambda: now)
    cookie = session.enter_by_link(session.token, address="a")
    now = 159.0
    assert session.knows(cookie, address="a")
    now = 160.5
    assert not session.knows(cookie, address="a")
    assert session.why_closed == "its time was up"


@pytest.mark.parametrize("text", ["127.0.0.1", "192.168.50.1", "10.55.0.1", "169.254.3.4", "fe80::1", "::1"])
def test_addresses_of_a_service_interface_may_be_served_on(text: str) -> None:
    assert service_address(text) == text


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "8.8.8.8", "224.0.0.1", "eth0", ""])  # noqa: S104 - refused
def test_addresses_that_others_reach_are_refused(text: str) -> None:
    with pytest.raises(ProvisioningError, match="service address"):
        service_address(text)
