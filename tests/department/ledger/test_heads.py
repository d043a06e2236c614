"""Checkpoints that leave the machine: signed, stamped by a service, and handed to every destination."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from joserfc.jwk import ECKey

from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import SealedHead, noted_head, opened_head, request_stamp, send_away, sign_head
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.verify.noted_heads import NotedHead
from tests.department.ledger.asked import checkpoint
from tests.department.ledger.time_stamping import time_stamping

KEY = ECKey.generate_key("P-256")
HEAD = NotedHead(14, "ab" * 32)


def signed(head: NotedHead = HEAD) -> bytes:
    return sign_head(checkpoint(head), KEY)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[x509.Certificate]]]:
    folder = tmp_path_factory.mktemp("witness")
    with time_stamping(folder) as url:
        yield url, x509.load_pem_x509_certificates((folder / "root.pem").read_bytes())


def test_end_is_known_by_the_custodian_s_key_alone() -> None:
    sealed = SealedHead(signed(), None)
    opened = opened_head(sealed.head, KEY)
    assert (noted_head(opened), opened.agency, opened.custodian) == (HEAD, "springfield", "records")
    with pytest.raises(HeadError, match="not as the custodian signs it"):
        opened_head(sealed.head, ECKey.generate_key("P-256"))
    head, _, signature = signed(NotedHead(13, "cd" * 32)).rpartition(b".")
    with pytest.raises(HeadError):
        opened_head(head + b"." + sealed.head.rpartition(b".")[2], KEY)
    assert signature


def test_witness_says_when_it_had_the_end(witness: tuple[str, list[x509.Certificate]]) -> None:
    url, roots = witness
    sealed = SealedHead(signed(), None)
    sealed = replace(sealed, witness=request_stamp(sealed.head, url))
    assert abs(sealed.stamped(roots) - datetime.now(UTC)) < timedelta(hours=1)
    assert SealedHead.read(sealed.line()) == sealed
    for wrong, message in (
        (replace(sealed, head=signed()), "not stamped"),  # the same end, signed again
        (replace(sealed, witness=sealed.witness[:-1] if sealed.witness else None), "not stamped"),
        (replace(sealed, witness=None), "no witness"),
    ):
        with pytest.raises(HeadError, match=message):
            wrong.stamped(roots)


def test_stamp_of_a_stranger_counts_for_nothing(witness: tuple[str, list[x509.Certificate]], tmp_path: Path) -> None:
    with time_stamping(tmp_path) as stranger:
        message = signed()
        with pytest.raises(HeadError, match="not stamped"):
            SealedHead(message, request_stamp(message, stranger)).stamped(witness[1])


def test_witness_that_is_away() -> None:
    with pytest.raises(HeadError, match="does not answer"):
        request_stamp(b"message", f"http://127.0.0.1:{free_port()}/")


def test_end_goes_to_every_destination(tmp_path: Path) -> None:
    first, second = SealedHead(signed(), None), SealedHead(signed(NotedHead(15, "cd" * 32)), b"stamp")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        places = ["heads", f"syslog:{tmp_path / 'log'}", str(tmp_path / "missing" / "heads")]
        for sealed in (first, second):
            outcome = send_away(sealed, places, folder=tmp_path)
            assert [bool(why) for why in outcome.values()] == [False, False, True]
        assert log.recv(10_000).partition(b"platepost-ledger: ")[2].rstrip(b"\0") == first.head
    lines = (tmp_path / "heads").read_bytes().splitlines()
    assert [SealedHead.read(line) for line in lines] == [first, second]


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"head": 1, "witness": null}', b'{"head": "a", "witness": 1}'])
def test_damaged_line(line: bytes) -> None:
    with pytest.raises(HeadError, match="not a signed end"):
        SealedHead.read(line)
