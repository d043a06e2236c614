"""Several at work on one fleet: what one reads, changes and writes back, another waits for."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from platepost.provisioning.control import signing
from platepost.provisioning.control.signing import next_version
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import locked
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import replace_private
from platepost.provisioning.trust.ledger import CertificateLedger


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside")


class Another:
    """Someone who does something while the first is in the midst of it: at once, or as soon as they are let."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._thread: threading.Thread | None = None

    def comes(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._act)
            self._thread.start()
            self._thread.join(0.5)  # who is not kept waiting is done by then

    def ends(self) -> None:
        assert self._thread is not None
        self._thread.join()


def test_who_is_revoked_while_a_list_is_made_is_on_the_broker_s_list(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add_subscriber("dispatch")
    fleet.add_subscriber("stolen")
    made = CertificateLedger.revocation_list
    another = Another(lambda: Fleet.load(fleet.directory).revoke_certificates("stolen", "stolen"))

    def slowly(self: CertificateLedger, authority: Authority) -> bytes:
        signed = made(self, authority)
        another.comes()
        return signed

    monkeypatch.setattr(CertificateLedger, "revocation_list", slowly)
    fleet.revoke_certificates("dispatch", "replaced")
    another.ends()
    listed = x509.load_pem_x509_crl((fleet.directory / "broker" / "revoked.pem").read_bytes())
    assert {one.serial_number for one in listed} == {serial for serial, _, _ in fleet.certificates.revocations()}
    assert len(listed) == 2


def test_no_version_is_given_twice_or_forgotten(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    others = [Another(lambda: given.append(next_version(Fleet.load(fleet.directory), "post-1"))) for _ in range(2)]

    def slowly(path: Path, content: bytes) -> None:
        for each in others:
            each.comes()
        replace_private(path, content)

    monkeypatch.setattr(signing, "replace_private", slowly)
    given.append(next_version(fleet, "post-1"))
    for each in others:
        each.ends()
    assert sorted(given) == [1, 2, 3]
    assert next_version(fleet, "post-1") == 4
    assert next_version(fleet, "post-2") == 1


def test_files_replaced_by_several_at_once_are_whole_and_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 1000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            list(pool.map(lambda content: replace_private(path, content), contents))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_holds_it_goes_on_and_an_error_lets_it_go(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path), locked(tmp_path):
        raise RuntimeError
    another = Another(lambda: locked(tmp_path).__enter__())
    another.comes()
    another.ends()
    with pytest.raises(ProvisioningError, match="cannot be changed"), locked(tmp_path / "missing"):
        pass
