"""What is said of a partner whose certificate will not do."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from pytest_django.fixtures import Settings

from platepost.department.federation.asking import PartnerAnswer, send_each
from platepost.department.federation.identity import FederationIdentity
from platepost.department.federation.models import PartnerDepartment


@contextmanager
def server_of(shown: FederationIdentity, known: str) -> Iterator[int]:
    """Take one connection, and show a certificate there; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with suppress(OSError), listening.accept()[0] as plain:
                shown.context([known], server=True).wrap_socket(plain, server_side=True).close()

        taking = Thread(target=take)
        taking.start()
        yield listening.getsockname()[1]
        taking.join()


def test_certificate_that_has_ended_is_told_from_another_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AGENCY, settings.FEDERATION = "springfield", tmp_path / "own"
    created = {name: FederationIdentity(name, tmp_path / name) for name in ("own", "present", "ended")}
    for name, identity in created.items():
        if name == "ended":
            monkeypatch.setattr("platepost.department.federation.identity.LEAF_VALID", timedelta(hours=1))
        identity.make(["127.0.0.1"])
    agreed = {name: identity.certificate.read_text() for name, identity in created.items()}

    def answer(shown: str, known: str) -> str:
        with server_of(created[shown], agreed["own"]) as port:
            where = {"url": f"https://127.0.0.1:{port}", "certificate": agreed[known]}
            (came,) = send_each([(PartnerDepartment(agency_id="oakdale-pd", **where), "/query", "said")])
        assert isinstance(came, PartnerAnswer)
        return f"{came.word}: {came.why}"

    assert answer("ended", "ended") == "not taken: its certificate has ended: it has to give its next one"
    assert answer("present", "ended") == ("not taken: one of the two certificates is not the one that was agreed on")
