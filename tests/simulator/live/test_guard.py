import pytest
from starlette.requests import Request

from platepost.simulator.live.server import HEADERS, refusal


def request(method: str = "POST", **headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "headers": raw, "path": "/", "query_string": b""})


@pytest.mark.parametrize("host", ["127.0.0.1:8800", "localhost:8800", "[::1]:8800"])
def test_the_page_itself_may_ask(host: str) -> None:
    assert refusal(request(host=host, origin=f"http://{host}"), local=True) is None
    assert refusal(request("GET", host=host), local=True) is None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9", "http://127.0.0.1:8800.evil.example"]
)
def test_another_page_may_not_drive_it(origin: str) -> None:
    assert refusal(request(host="127.0.0.1:8800", origin=origin), local=True) == "another page may not drive this one"


def test_a_name_bent_to_this_machine_is_refused() -> None:
    assert refusal(request("GET", host="evil.example:8800"), local=True) is not None
    assert refusal(request("GET", host="desk.example:8800"), local=False) is None


def test_only_its_own_scripts_run() -> None:
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
