"""The thread of the archive service that makes checkpoints: it goes on while brokers are away or records wait."""

import logging
import threading
import time
from collections.abc import Callable

import psycopg
from django.db import connection

from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.checkpointer import SHARE, Checkpointer
from platepost.department.custody.register import KeyRegister
from platepost.department.database.catalog import changes, read_catalog
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.heads import BROKER
from platepost.provisioning.trust.keys import signing_jwk

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_AGAIN_SECONDS = 5.0
_STOP_SECONDS = 10.0


class CheckpointService:
    """Makes checkpoints of a department in a thread of its own, until it is stopped.

    Args:
        folder: the department's. Django is set up for the keeper's role.
        register: the posts' keys, which another thread renews.
        on_result: called with why no checkpoint could be made, or with None when one was after that; in the thread.

    """

    def __init__(
        self, folder: DepartmentFolder, register: KeyRegister, on_result: Callable[[str | None], object]
    ) -> None:
        self._folder = folder
        self._register = register
        self._on_result = on_result
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._trouble: str | None = None
        self._published: str | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self._thread.is_alive() and not self._stopping.is_set():
            self._thread.start()

    def stop(self) -> None:
        """Have it end, and wait for that."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def published(self, head: bytes) -> None:
        """Note that a broker has acknowledged a checkpoint; for any thread."""
        self._published = head.decode("ascii")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._folder.conninfo(KEEPER), autocommit=True) as keeper:
                    self._serve(checkpointer_of(self._folder, keeper, self._register))
            except Exception as error:  # noqa: BLE001 - whatever it is, the next checkpoint is tried
                self._report(str(error).strip().partition("\n")[0] or type(error).__name__)
                self._stopping.wait(_AGAIN_SECONDS)
            finally:
                connection.close()

    def _serve(self, checkpointer: Checkpointer) -> None:
        while not self._stopping.is_set():
            if checkpointer.is_due():
                make_checkpoint(checkpointer, self._folder)
                self._report(None)
            published, self._published = self._published, None
            if published is not None:
                checkpointer.note_sent(BROKER, published)
            began = time.monotonic()
            checkpointer.verify_some(_POLL_SECONDS / SHARE)
            self._stopping.wait(max(_POLL_SECONDS, (time.monotonic() - began) * SHARE))

    def _report(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_result(trouble)


def checkpointer_of(folder: DepartmentFolder, keeper: psycopg.Connection, register: KeyRegister) -> Checkpointer:
    """Return what makes the checkpoints of a department. Django is set up for the keeper's role."""
    settings = folder.settings

    def verification() -> CustodyVerification:
        return CustodyVerification(
            keeper,
            keys=register.keys,
            ended=register.ended,
            receipts=None,
            state=folder.checked,
            bucket=open_bucket(folder),
        )

    def changed_objects() -> list[str]:
        expected = read_catalog(folder.catalog)
        return [] if expected is None else changes(expected)  # `check` reports that there is none

    return Checkpointer(
        keeper,
        verification=verification,
        changed_objects=changed_objects,
        names=(settings.agency, settings.custodian),
        key=signing_jwk(folder.custody_key),
        state=folder.checkpoint,
    )


def make_checkpoint(checkpointer: Checkpointer, folder: DepartmentFolder) -> bytes | None:
    """Make a checkpoint and send it; return it, a compact JWS, or None while the ledger is empty.

    Raises:
        psycopg.Error: the database does not answer.
        OSError: what was signed cannot be kept.

    """
    head = checkpointer.make()
    if head is None:
        return None
    settings = folder.settings
    return checkpointer.send(head, folder=folder.path, destinations=settings.ledger_heads, witness=settings.witness)
