"""The status page says what is kept, what is missing and what is odd, and nothing of a covert chain."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import Error, connection
from django.test import Client
from pytest_django.fixtures import Settings

from platepost.department.custody.receipt_log import LostRange, ReceiptLog
from platepost.department.database.roles import WEB
from platepost.department.people.rights import DepartmentRole
from platepost.department.status import views as status_page
from platepost.department.status.status import custody_status
from platepost.department.web.middleware import SecurityHeadersMiddleware
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role
from tests.department.status.kept import CHAIN, COVERT_CHAIN, NOW, put, put_covert


def execute(query: str, parameters: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)


def status_json() -> dict[str, object]:
    with as_role(WEB):
        return custody_status({}, at=NOW).wire()


@pytest.fixture
def client(db: None) -> Client:
    """Give a client of someone who may see the page, and has seen it."""
    client = client_of(new_person("b.chen", DepartmentRole.OPERATOR))
    with as_role(WEB):
        client.get("/")
    return client


def test_each_post_has_what_was_kept_and_what_is_odd(db: None) -> None:
    put(execute)
    first, second = status_json()["posts"]
    assert (first["post"], first["types"], first["kept"]) == ("post-1", {"hit": 2, "read": 7}, 9)
    assert first["odd"] == {"duplicate": 3, "forged": 3}
    assert (second["post"], second["kept"], second["odd"]) == ("post-2", 1, {})


def test_only_genuine_records_make_a_post_heard(db: None) -> None:
    put(execute)
    with as_role(WEB):
        first = custody_status({}, at=NOW).posts[0]
    assert first.last_kept is not None
    assert (NOW - first.last_kept).total_seconds() == 240
    named = replace(first, types={"platepost.hit.v1": 3, "platepost.hit.withdrawn.v1": 1})
    assert named.kinds == [("hit", 3), ("hit withdrawn", 1)]


def test_chain_names_its_gaps_and_forks(db: None) -> None:
    put(execute)
    (chain,) = status_json()["posts"][0]["chains"]
    assert (chain["first"], chain["last"], chain["kept"]) == (1, 10, 8)
    assert (chain["gaps"], chain["missing"], chain["dropped"]) == ([[6, 6]], 1, 1)
    assert chain["forks"] == [9]


def test_synthetic_hit_is_late_where_none_came(db: None) -> None:
    put(execute)
    first, second = status_json()["posts"]
    assert first["synthetic_kept"] is not None
    assert not first["synthetic_late"]
    assert second["synthetic_kept"] is None
    assert second["synthetic_late"]


def test_covert_chain_leaves_no_trace(db: None) -> None:
    put(execute)
    before = status_json()
    put_covert(execute)
    after = status_json()
    for figures in (before, after):
        figures.pop("database_bytes")  # in pages of 8 KiB of the whole database
    assert json.dumps(after) == json.dumps(before)


def test_incidents_of_open_chains_are_named(db: None, client: Client, tmp_path: Path, settings: Settings) -> None:
    put(execute)
    put_covert(execute)
    gaps = [LostRange("post-1", chain, 11, 12) for chain in (CHAIN, COVERT_CHAIN)]
    with ReceiptLog(tmp_path / "receipts") as log, as_role(WEB):
        log.begin(7, gaps)
        settings.STATUS_RECEIPTS = tmp_path / "receipts"
        status = custody_status({}, receipts=tmp_path / "receipts", at=NOW)
        assert status.receipted_not_held == (gaps[0],), "and nothing of a covert one"
        assert status.wire()["receipted_not_held"] == [{"post": "post-1", "chain": CHAIN, "first": 11, "last": 12}]
        text = client.get("/").content.decode()
    assert "numbers 11 to 12" in text
    assert COVERT_CHAIN not in text


def test_disk_of_a_folder_that_is_not_there_yet(db: None, tmp_path: Path) -> None:
    with as_role(WEB):
        disk = custody_status({"receipts": tmp_path / "later" / "receipts"}).disks["receipts"]
    assert 0 < disk["free"] <= disk["size"]


def test_page_shows_it_to_the_web_role_in_few_queries(
    db: None, client: Client, django_assert_max_num_queries: object
) -> None:
    put(execute)
    with as_role(WEB), django_assert_max_num_queries(17):
        answer = client.get("/")
    text = answer.content.decode()
    assert answer.status_code == 200
    for part in ("post-1", "3 forged", "3 duplicate", "not running", "(late)"):
        assert part in text


def test_page_of_an_empty_department(db: None, client: Client) -> None:
    with as_role(WEB):
        assert "No post has sent a record yet" in client.get("/").content.decode()


def test_page_carries_its_headers_and_takes_no_other_method(db: None, client: Client) -> None:
    with as_role(WEB):
        answer = client.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.post("/").status_code == 405


def test_path_is_not_logged(client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_request: object) -> None:
        raise ValueError("why")

    client.raise_request_exception = False
    assert client.get("/7ABC123").status_code == 404
    monkeypatch.setattr(SecurityHeadersMiddleware, "__call__", lambda _self, request: fails(request))
    assert client.get("/7ABC123").status_code == 500
    assert "ValueError: why" in caplog.text
    assert "7ABC123" not in caplog.text


def test_page_without_a_database_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_folders: object, **_: object) -> None:
        raise Error("password and host of the database")

    monkeypatch.setattr(status_page, "custody_status", fails)
    answer = client.get("/")
    assert answer.status_code == 503
    assert b"none is lost" in answer.content
    assert b"password" not in answer.content
