"""Checkpoints that leave the machine: signed by the custodian, and each hour stamped by a time-stamping service.

A chain alone cannot show that its tail was cut off, or that it was remade. A checkpoint that someone else keeps does:
the custodian's signature says whose it is, and the stamp (RFC 3161) that it is no younger than it says.
"""

import base64
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate
from joserfc.jwk import ECKey
from pydantic import ValidationError

from platepost.common.errors import PlatepostError
from platepost.common.files import write_durably
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.errors import HeadError
from platepost.provisioning.files.append_only import append_only
from platepost.wire.jose import open_signed, sign
from platepost.wire.records.ledger_head import LEDGER_HEAD_TYPE, LedgerHead
from platepost.wire.verify.noted_heads import NotedHead

SYSLOG = "syslog"
"""A destination: the system's log, at the socket behind a colon or at `/dev/log`."""
BROKER = "broker"
"""A destination: the custodian's topic at every broker. The keeper publishes it: a broker gives a name one session."""
_WITNESS_SECONDS = 30
_LARGEST_STAMP = 64 * 1024
_NOTICE = 10 * 8 + 5
"""RFC 5424: facility authpriv, severity notice."""


@dataclass(frozen=True, slots=True)
class SealedHead:
    """A signed end as it is kept elsewhere: one line of JSON with `head` and `witness`."""

    head: bytes
    """Compact JWS."""
    witness: bytes | None
    """The answer of the time-stamping service, DER; None where there is none."""

    def line(self) -> bytes:
        """Return it as it is kept."""
        witness = None if self.witness is None else base64.b64encode(self.witness).decode()
        return json.dumps({"head": self.head.decode("ascii"), "witness": witness}).encode()

    @classmethod
    def read(cls, line: bytes) -> "SealedHead":
        """Read a line. Raises HeadError: it is damaged."""
        try:
            payload = json.loads(line)
            witness = payload["witness"]
            return cls(payload["head"].encode("ascii"), None if witness is None else base64.b64decode(witness))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HeadError("a line is not a signed end of a ledger") from error

    def stamped(self, roots: Sequence[Certificate]) -> datetime:
        """Return when the witness had it.

        Raises:
            HeadError: it has no stamp, or none by a service that one of the roots vouches for.

        """
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415 - slow

        if self.witness is None:
            raise HeadError("an end has no witness")
        verifier = VerifierBuilder(roots=list(roots)).build()
        try:
            stamp = decode_timestamp_response(self.witness)
            verifier.verify_message(stamp, self.head)
        except (ValueError, VerificationError) as error:
            raise HeadError(f"an end is not stamped by the witness: {error}") from error
        return stamp.tst_info.gen_time


def opened_head(head: bytes, key: ECKey) -> LedgerHead:
    """Return what a compact JWS says. Raises HeadError: it is not signed with the key."""
    try:
        return LedgerHead.model_validate_json(open_signed(head, typ=LEDGER_HEAD_TYPE, key=lambda _: key).payload)
    except (PlatepostError, ValidationError) as error:
        raise HeadError(f"an end is not as the custodian signs it: {error}") from error


def noted_head(head: LedgerHead) -> NotedHead:
    """Return the end itself, as a walk through the ledger takes it."""
    return NotedHead(head.number, head.digest)


def sign_head(head: LedgerHead, key: ECKey) -> bytes:
    """Sign a checkpoint with the custodian's key; return a compact JWS."""
    return sign(head.model_dump_json().encode(), key, typ=LEDGER_HEAD_TYPE, kid=key.thumbprint())


def request_stamp(message: bytes, url: str) -> bytes:
    """Have a time-stamping service stamp a message; the answer is not looked at.

    Raises:
        HeadError: it does not answer.

    """
    from rfc3161_client import TimestampRequestBuilder  # noqa: PLC0415 - slow

    timestamp_request = TimestampRequestBuilder().data(message).build().as_bytes()
    request = urllib.request.Request(url, timestamp_request, {"Content-Type": "application/timestamp-query"})  # noqa: S310 - a setting
    try:
        with urllib.request.urlopen(request, timeout=_WITNESS_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(_LARGEST_STAMP))
    except (urllib.error.URLError, OSError) as error:
        raise HeadError(f"the witness {url} does not answer: {error}") from error


def send_away(sealed: SealedHead, destinations: Sequence[str], *, folder: Path) -> dict[str, str]:
    """Hand a checkpoint to each destination: a file of lines, the system's log, or the keeper, for the brokers.

    Args:
        sealed: the checkpoint.
        destinations: as department.toml names them; a relative path begins in `folder`.
        folder: the department's.

    Returns:
        Why each did not take it, by destination; empty for one that did. The keeper knows when a broker has it.

    """
    outcome = {}
    for destination in destinations:
        try:
            if destination.partition(":")[0] == SYSLOG:
                _log(sealed, destination.partition(":")[2] or "/dev/log")
            elif destination == BROKER:
                write_durably(DepartmentFolder(folder).published_head, sealed.head)
            else:
                with append_only(folder / destination) as file:
                    file.append(sealed.line())
        except (OSError, PlatepostError) as error:
            outcome[destination] = str(error) or type(error).__name__
        else:
            outcome[destination] = ""
    return outcome


def _log(sealed: SealedHead, address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect(address)
        log.send(f"<{_NOTICE}>platepost-ledger: {sealed.head.decode('ascii')}".encode())
