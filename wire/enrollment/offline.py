"""Enrollment without a network: the messages of EST as files in a folder, each with the code's seal beside it.

::

    NAME.p10                  the unit's request, base64, as `simpleenroll` takes it
    NAME.p10.seal
    NAME.p7                   the office's answer, base64, as `simpleenroll` gives it
    NAME.cacerts.p7           the office's authorities, as `cacerts` gives them
    NAME.configuration.json   the first configuration, and the office's time
    NAME.answer.seal          over the three
    NAME.refused.json         in their place: why not
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from platepost.common.files import read_brought, write_durably
from platepost.common.language import Phrase
from platepost.wire.enrollment.code import is_sealed, seal
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import LARGEST


@dataclass(frozen=True, slots=True)
class OfflineAnswer:
    """What an office puts on a stick."""

    certificate: bytes
    """PKCS #7, base64."""
    authorities: bytes
    """PKCS #7, base64."""
    configuration: bytes
    """JSON."""


def write_request(folder: Path, post: str, request: bytes, *, seal_key: bytes) -> Path:
    """Write a request, PKCS #10 DER; return its file.

    Raises:
        EnrollmentError: the stick cannot be written.

    """
    body = base64.encodebytes(request)
    path = folder / f"{post}.p10"
    try:
        for old in folder.glob(f"{post}.*"):
            old.unlink()
        _put(path, body)
        _put(_seal_file(path), seal(seal_key, "simpleenroll", post.encode(), body).encode() + b"\n")
    except OSError as error:
        text = Phrase("{folder}: the request cannot be written: {why}", folder=str(folder), why=str(error.strerror))
        raise EnrollmentError(text, reason="stick") from error
    return path


def requests(folder: Path) -> list[str]:
    """Return the posts whose requests wait in a folder."""
    return sorted(path.stem for path in folder.glob("*.p10") if not _answer_files(folder, path.stem)[-1].exists())


def read_request_file(folder: Path, post: str) -> tuple[bytes, str]:
    """Return a request, base64, and its seal.

    Raises:
        EnrollmentError: a file is missing, or not what it can be.

    """
    path = folder / f"{post}.p10"
    try:
        return _get(path), _get(_seal_file(path)).decode("ascii")
    except (OSError, ValueError) as error:
        raise EnrollmentError(
            f"{path}: the request or its seal is missing or cannot be read: {error}", reason="request_refused"
        ) from error


def write_answer(folder: Path, post: str, answer: OfflineAnswer, *, seal_key: bytes) -> None:
    """Write an answer; its seal comes last, so that half an answer is none."""
    parts = (answer.certificate, answer.authorities, answer.configuration)
    *files, sealed = _answer_files(folder, post)
    for path, content in zip(files, parts, strict=True):
        _put(path, content)
    _put(sealed, seal(seal_key, "answer", post.encode(), *parts).encode() + b"\n")
    (folder / f"{post}.refused.json").unlink(missing_ok=True)


def write_refusal(folder: Path, post: str, refusal: EnrollmentError) -> None:
    """Write why there is no answer."""
    content = {"reason": refusal.reason, "message": str(refusal)}
    _put(folder / f"{post}.refused.json", json.dumps(content).encode())


def read_answer_files(folder: Path, post: str, *, seal_key: bytes) -> OfflineAnswer | None:
    """Return the office's answer, None if there is none yet.

    Raises:
        EnrollmentError: the office refused; or the seal is not the code's.

    """
    *files, sealed = _answer_files(folder, post)
    refused = folder / f"{post}.refused.json"
    try:
        if not sealed.exists():
            if not refused.exists():
                return None
            content = json.loads(_get(refused))
            refused.unlink()
            why = Phrase("the office refused: {why}", why=str(content["message"]))
            raise EnrollmentError(why, reason=str(content["reason"]))
        certificate, authorities, configuration = (_get(path) for path in files)
        received = _get(sealed).decode("ascii")
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, EnrollmentError):
            raise
        unread = Phrase("{folder}: the office's answer cannot be read: {why}", folder=str(folder), why=str(error))
        raise EnrollmentError(unread, reason="stick") from error
    if not is_sealed(seal_key, received, "answer", post.encode(), certificate, authorities, configuration):
        raise EnrollmentError(
            Phrase(
                "the answer on this stick does not bear the seal of the code for {post}: it was changed, or made under "
                "another code; nothing was taken from it",
                post=post,
            ),
            reason="answer",
        )
    return OfflineAnswer(certificate, authorities, configuration)


def _get(path: Path) -> bytes:
    return read_brought(path, LARGEST)


def _put(path: Path, content: bytes) -> None:
    # Made again beside its place: on a stick that someone brings, a link to one of our own files may have its name.
    # For all to read: nothing on a stick is secret, and who takes the file up is another machine's user.
    write_durably(path, content, mode=0o644)


def _answer_files(folder: Path, post: str) -> tuple[Path, Path, Path, Path]:
    return (
        folder / f"{post}.p7",
        folder / f"{post}.cacerts.p7",
        folder / f"{post}.configuration.json",
        folder / f"{post}.answer.seal",
    )


def _seal_file(path: Path) -> Path:
    return path.with_name(path.name + ".seal")
