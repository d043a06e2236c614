"""Log-in by an identity provider: a real process that speaks OpenID Connect."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import LazySettings
from django.test import Client

from platepost.department.config.provider import PROVIDER_ID, provider_settings
from platepost.department.database.roles import OWNER, WEB
from platepost.department.folder import IdentityProvider
from platepost.department.people import services
from platepost.department.people.currency import currency_of
from platepost.department.people.models import DepartmentPerson
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


def test_groups_give_and_end_roles_and_currency_is_still_needed(issuer: str) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    person = new_person("b.chen", DepartmentRole.TRAINER, current=False, factor=False)
    client, to = log_in(issuer, "7", "B.Chen", "pd-dispatch", "everybody")
    assert to == "/"
    with as_role(WEB):
        assert client.get("/").headers["Location"] == "/account/", "a second factor is needed here too"
    currency = currency_of(person)
    assert currency.roles == {DepartmentRole.DISPATCHER, DepartmentRole.TRAINER}
    assert not currency.may(Permission.SEARCH)
    assert events("role_given")[-1]["given_via"] == PROVIDER_ID
    assert events("log_on")[-1]["methods"] == ["socialaccount"]
    log_in(issuer, "7", "Renamed", "everybody")
    assert currency_of(person).roles == {DepartmentRole.TRAINER}, "what the department gave itself stays"


@pytest.mark.parametrize(("subject", "name"), [("8", "nobody"), ("9", "")])
def test_who_is_not_in_the_register_is_refused(issuer: str, subject: str, name: str) -> None:
    _, fields = log_in(issuer, subject, name)
    assert "not in the register" in fields
    assert not DepartmentPerson.objects.exists()
    assert events("log_on_failed")[-1]["method"] == "provider"


def test_another_subject_cannot_take_somebody_s_name(issuer: str) -> None:
    new_person("b.chen", DepartmentRole.OPERATOR, factor=False)
    assert log_in(issuer, "7", "b.chen")[1] == "/"
    assert "not in the register" in log_in(issuer, "8", "b.chen")[1]


def test_group_gives_nothing_beside_a_duty_that_is_apart(issuer: str) -> None:
    services.map_group("pd-dispatch", DepartmentRole.DISPATCHER)
    auditor = new_person("c.diaz", DepartmentRole.AUDITOR, factor=False)
    assert "duties are apart" in log_in(issuer, "5", "c.diaz", "pd-dispatch")[1]
    assert currency_of(auditor).roles == {DepartmentRole.AUDITOR}


def test_no_group_makes_an_administrator() -> None:
    with as_role(OWNER), pytest.raises(services.PersonError):
        services.map_group("pd-it", DepartmentRole.ADMINISTRATOR)
