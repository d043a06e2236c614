"""Log-in by an identity provider: a real process that speaks OpenID Connect."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import LazySettings
from django.test import Client
from joserfc import jwt
from joserfc.jwk import RSAKey

from platepost.department.config.provider import PROVIDER_ID, provider_settings
from platepost.department.database.roles import OWNER, WEB
from platepost.department.folder import IdentityProvider
from platepost.department.people import services
from platepost.department.people.authorization import authorization_of
from platepost.department.people.crypt import secrets_box
from platepost.department.people.models import DepartmentPerson, ProviderAccess
from platepost.department.people.provider import IdentityProviderClient, check_accesses
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.simulator.brokers.daemon import free_port
from tests.department.people.persons import new_person
from tests.department.people.test_login import events
from tests.department.roles import as_role
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 60


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run the provider; give its address."""
    port = free_port()
    code = "from oidc_provider_mock.__main__ import run; run()"
    command = [sys.executable, "-W", "ignore", "-c", code, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as provider:
        address = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                requests.get(f"{address}/.well-known/openid-configuration", timeout=5).raise_for_status()
            except requests.ConnectionError:
                assert provider.poll() is None
                return False
            return True

        until(answers, "the provider")
        yield address
        provider.terminate()


@pytest.fixture(autouse=True)
def provided(issuer: str, settings: LazySettings, tmp_path: Path) -> None:
    """Have the department use it."""
    (tmp_path / "secret").write_text("not secret", "utf-8")
    provider = IdentityProvider(name="The county", issuer=issuer, client_id="platepost", secret_file=Path("secret"))
    settings.SOCIALACCOUNT_PROVIDERS = provider_settings(provider, tmp_path)


def log_in(issuer: str, subject: str, name: str, *groups: str) -> tuple[Client, str]:
    """Log in as the provider's subject, whom it calls `name`; return where that leads, or what is said."""
    claims = {"preferred_username": name, "groups": groups}
    requests.put(f"{issuer}/users/{subject}", json=claims, timeout=SECONDS).raise_for_status()
    client = Client()
    with as_role(WEB):
        assert b"Log in with The county" in client.get("/log-in/").content
        there = client.get(f"/log-in/by/{PROVIDER_ID}/").headers["Location"]
        back = requests.post(there, data={"sub": subject}, allow_redirects=False, timeout=SECONDS).headers["Location"]
        answer = client.get(f"{urlsplit(back).path}?{urlsplit(back).query}")
    return client, answer.headers.get("Location") or answer.content.decode()


def test_groups_give_and_end_roles_and_training_is_still_needed(issuer: str) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    person = new_person("b.chen", DepartmentRole.TRAINER, current=False, factor=False)
    client, to = log_in(issuer, "7", "B.Chen", "pd-dispatch", "everybody")
    assert to == "/home/"
    with as_role(WEB):
        assert client.get("/").headers["Location"] == "/account/", "a second factor is needed here too"
    authorization = authorization_of(person)
    assert authorization.roles == {DepartmentRole.DISPATCHER, DepartmentRole.TRAINER}
    assert not authorization.may(Permission.SEARCH)
    assert events("role_given")[-1]["given_via"] == PROVIDER_ID
    assert events("log_on")[-1]["methods"] == ["socialaccount"]
    log_in(issuer, "7", "Renamed", "everybody")
    assert authorization_of(person).roles == {DepartmentRole.TRAINER}, "what the department gave itself stays"


@pytest.mark.parametrize(("subject", "name"), [("8", "nobody"), ("9", "")])
def test_who_is_not_in_the_register_is_refused(issuer: str, subject: str, name: str) -> None:
    _, fields = log_in(issuer, subject, name)
    assert "not in the register" in fields
    assert not DepartmentPerson.objects.exists()
    assert events("log_on_failed")[-1]["method"] == "provider"


def test_another_subject_cannot_take_somebody_s_name(issuer: str) -> None:
    new_person("b.chen", DepartmentRole.OPERATOR, factor=False)
    assert log_in(issuer, "7", "b.chen")[1] == "/home/"
    assert "not in the register" in log_in(issuer, "8", "b.chen")[1]


def test_group_gives_nothing_beside_a_duty_that_is_apart(issuer: str) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    auditor = new_person("c.diaz", DepartmentRole.AUDITOR, factor=False)
    assert "duties are apart" in log_in(issuer, "5", "c.diaz", "pd-dispatch")[1]
    assert authorization_of(auditor).roles == {DepartmentRole.AUDITOR}


def test_no_group_makes_an_administrator() -> None:
    with as_role(OWNER), pytest.raises(services.PersonError):
        services.map_group("pd-it", DepartmentRole.ADMINISTRATOR)


def check() -> int:
    """Ask the provider once, as `serve` does every twenty seconds."""
    with as_role(WEB):
        return check_accesses(IdentityProviderClient())


def opens(client: Client) -> bool:
    """Whether someone is still logged in; without a second factor, that is all there is."""
    with as_role(WEB):
        return str(client.get("/account/").status_code) == "200"


def test_change_of_groups_counts_without_another_log_on(issuer: str) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    services.map_group("pd-records", DepartmentRole.RECORDS_MANAGER)
    person = new_person("b.chen", DepartmentRole.TRAINER, factor=False)
    client, _ = log_in(issuer, "7", "b.chen", "pd-dispatch")
    assert authorization_of(person).roles == {DepartmentRole.DISPATCHER, DepartmentRole.TRAINER}
    claims = {"preferred_username": "b.chen", "groups": ["pd-records"]}
    requests.put(f"{issuer}/users/7", json=claims, timeout=SECONDS).raise_for_status()
    assert check() == 0
    assert authorization_of(person).roles == {DepartmentRole.RECORDS_MANAGER, DepartmentRole.TRAINER}
    assert opens(client)


def test_leaver_loses_sessions_roles_and_every_way_in_until_the_provider_lets_them_in(
    issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    person = new_person("b.chen", DepartmentRole.TRAINER, factor=False)
    other = new_person("c.diaz", DepartmentRole.TRAINER, factor=False)
    client, _ = log_in(issuer, "7", "b.chen", "pd-dispatch")
    others_client, _ = log_in(issuer, "8", "c.diaz")
    stored = ProviderAccess.objects.get(person=person).refresh
    assert stored
    monkeypatch.setattr(IdentityProviderClient, "groups", unreachable)
    assert check() == 0
    monkeypatch.undo()
    assert (opens(client), check()) == (True, 0), "a provider that is away locks nobody out"
    requests.post(f"{issuer}/users/7/revoke-tokens", timeout=SECONDS).raise_for_status()
    assert check() == 1
    assert (opens(client), opens(others_client)) == (False, True)
    assert authorization_of(person).roles == {DepartmentRole.TRAINER}
    assert events("provider_ended")[-1]["person"] == "b.chen"
    assert check() == 0
    person.set_password("eleven otters in a rowing boat")
    person.save()
    form = {"login": "b.chen", "password": "eleven otters in a rowing boat"}
    with as_role(WEB):
        answer = Client().post("/log-in/", form)
    assert "identity provider ended your access" in answer.content.decode()
    assert log_in(issuer, "7", "b.chen", "pd-dispatch")[1] == "/home/"
    assert authorization_of(person).roles == {DepartmentRole.DISPATCHER, DepartmentRole.TRAINER}
    assert other.pk


def test_answer_that_cannot_be_read_keeps_nobody_else_from_being_asked_about(
    issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = new_person("b.chen", DepartmentRole.TRAINER, factor=False)
    new_person("c.diaz", DepartmentRole.TRAINER, factor=False)
    clients = [log_in(issuer, subject, name)[0] for subject, name in (("7", "b.chen"), ("8", "c.diaz"))]
    ask = IdentityProviderClient.groups
    first = ProviderAccess.objects.order_by("pk")[0].person

    def groups(client: IdentityProviderClient, refresh: str) -> tuple[str, list[str]] | None:
        if secrets_box().decrypt(ProviderAccess.objects.get(person=first).refresh.encode()).decode() == refresh:
            raise TypeError("its groups are null")
        return ask(client, refresh)

    monkeypatch.setattr(IdentityProviderClient, "groups", groups)
    for subject in ("7", "8"):
        requests.post(f"{issuer}/users/{subject}/revoke-tokens", timeout=SECONDS).raise_for_status()
    assert check() == 1
    assert [opens(client) for client in clients] == [first == person, first != person]


def unreachable(*_: object) -> None:
    raise requests.ConnectionError


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch, issuer: str) -> Iterator[RSAKey]:
    """Have the provider sign with a key that the test has: the process above sends no logout tokens."""
    key = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256"})
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=SECONDS).json()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [key.as_dict(private=False)]}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found["jwks_uri"] = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(IdentityProviderClient, "configuration", found)
    yield key
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"sub": None, "sid": "none"}, 200),
        ({"sub": None}, 400),
        ({"aud": "another"}, 400),
        ({"iss": "https://another.example"}, 400),
        ({"exp": 1}, 400),
        ({"nonce": "an ID token's"}, 400),
        ({"events": {}}, 400),
        ({"events": None}, 400),
    ],
)
def test_log_off_that_the_provider_reports_ends_sessions(
    issuer: str, own_keys: RSAKey, change: dict[str, object], status: int
) -> None:
    new_person("b.chen", DepartmentRole.TRAINER, factor=False)
    client, _ = log_in(issuer, "7", "b.chen")
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    now = int(time.time())
    claims = {"iss": issuer, "aud": "platepost", "iat": now, "exp": now + 90, "sub": "7", "events": event} | change
    token = jwt.encode({"alg": "RS256", "kid": "1"}, {key: value for key, value in claims.items() if value}, own_keys)
    with as_role(WEB):
        answer = Client(enforce_csrf_checks=True).post(f"/log-in/by/{PROVIDER_ID}/ended/", {"logout_token": token})
    assert answer.status_code == status
    assert opens(client) == bool(change)


@pytest.mark.parametrize("token", ["", "no token", "a.b.c", "x" * 20000])
def test_log_off_without_the_provider_s_signature_is_refused(issuer: str, own_keys: RSAKey, token: str) -> None:
    del issuer
    stranger = RSAKey.generate_key(2048, {"kid": "1"})
    now = int(time.time())
    forged = jwt.encode({"alg": "RS256", "kid": "1"}, {"aud": "platepost", "sub": "7", "exp": now + 9}, stranger)
    for each in (token, forged):
        with as_role(WEB):
            answer = Client().post(f"/log-in/by/{PROVIDER_ID}/ended/", {"logout_token": each})
        assert answer.status_code == 400
