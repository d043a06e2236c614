import asyncio
import gc
import hashlib
import socket
import ssl
from typing import Any
from unittest.mock import MagicMock

import pytest
from cryptography import x509

from platepost.provisioning.errors import ProvisioningError
from platepost.simulator.brokers.daemon import free_port
from platepost.technician.aim.server import Server, names
from platepost.technician.aim.session import MOST_TRIES, Session
from platepost.technician.aim.web import application

ADDRESS = "192.168.50.1"


class Page:
    """The page at a port, asked without a network."""

    def __init__(self, *, port: int = 8088) -> None:
        self.session = Session(seconds=60)
        self._host = ADDRESS if port == 443 else f"{ADDRESS}:{port}"  # as browsers say it
        self._app = application(MagicMock(session=self.session), hosts=names(ADDRESS, port))

    @property
    def origin(self) -> str:
        return f"https://{self._host}"

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of the answer."""
        said = {"host": self._host} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in said.items()],
            "client": ("192.168.50.2", 50_000),
        }
        started: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            started.extend([message] if message["type"] == "http.response.start" else [])

        asyncio.run(self._app(scope, receive, send))
        (answer,) = started
        return answer["status"], {name.decode(): value.decode() for name, value in answer["headers"]}


def test_links_on_pages_elsewhere_close_nothing_before_and_after_somebody_was_let_in() -> None:
    page = Page()

    def elsewhere() -> None:
        for number in range(MOST_TRIES + 1):
            page.ask(f"/enter/{number}", sec_fetch_site="cross-site", referer="http://elsewhere/")

    elsewhere()
    status, headers = page.ask(f"/enter/{page.session.token}")
    assert (status, headers["location"]) == (303, "/")
    elsewhere()
    assert page.session.open
    assert page.ask("/do/nothing", method="POST", origin=page.origin, cookie=headers["set-cookie"])[0] == 404


def test_codes_are_taken_from_the_page_s_own_form_only() -> None:
    page = Page()
    for _ in range(MOST_TRIES + 1):
        assert page.ask("/enter", method="POST", body=b"code=1", origin="http://elsewhere")[0] == 403
    assert page.session.open
    own = f"code={page.session.code}".encode()
    assert page.ask("/enter", method="POST", body=own, origin=page.origin)[1]["location"] == "/"


@pytest.mark.parametrize("port", [443, 8088])
def test_it_answers_to_its_own_name_at_any_port(port: int) -> None:
    page = Page(port=port)
    assert page.ask(f"/enter/{page.session.token}")[0] == 303
    assert page.ask("/", host="elsewhere")[0] == 421
    assert page.ask("/", host=f"elsewhere:{port}")[0] == 421


def test_a_page_at_another_port_is_not_called_by_the_address_alone() -> None:
    assert names(ADDRESS, 8088) == {f"{ADDRESS}:8088"}
    assert names("127.0.0.1", 443) == {"127.0.0.1:443", "localhost:443", "127.0.0.1", "localhost"}


def test_the_page_is_served_by_tls_1_3_with_the_certificate_that_the_terminal_names() -> None:
    server = Server(MagicMock(session=Session(seconds=60)), address="127.0.0.1", port=free_port())
    server.start()
    try:
        host, port = server.base.removeprefix("https://").split(":")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            context.wrap_socket(plain) as secured,
        ):
            certificate = secured.getpeercert(binary_form=True) or b""
            assert secured.version() == "TLSv1.3"
        assert hashlib.sha256(certificate).hexdigest() == server.fingerprint.replace(":", "").lower()
        addresses = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        assert [str(each) for each in addresses.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection((host, int(port)), timeout=10) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP")
    finally:
        server.close()


def test_the_cookie_of_a_visitor_is_for_tls_only() -> None:
    page = Page()
    status, headers = page.ask(f"/enter/{page.session.token}")
    assert status == 303
    assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(headers["set-cookie"].split("; "))


def test_a_port_that_another_program_has_is_told_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        aiming = MagicMock(session=Session(seconds=60))
        server = Server(aiming, address="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(ProvisioningError, match=r"cannot listen on https://127\.0\.0\.1"):
            server.start()
        server.close()
    gc.collect()  # asyncio says then that no one asked how its task ended
    assert not [record.getMessage() for record in caplog.records if record.name == "asyncio"]
