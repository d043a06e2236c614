"""The archive service (the keeper) of a department's folder: receives, verifies, and stores the posts' records.

It connects the keeper with the register of the posts' keys, the checkpoints, and the outbox of decisions.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from django.db import connection
from django.db.utils import DatabaseError
from pydantic import JsonValue

from platepost.common.systemd import Notifier
from platepost.department.alerts.decisions import DecisionOutbox
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.checkpoint_service import CheckpointService
from platepost.department.custody.errors import StoreError
from platepost.department.custody.holding import ChainName
from platepost.department.custody.keeper import TROUBLES, Keeper, KeeperSettings
from platepost.department.custody.messages import OutgoingMessage
from platepost.department.custody.register import KeyRegister
from platepost.department.custody.store import LATE_REGISTER, CustodyStore
from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.session import require_schema, set_up_django
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.records.keys import Purpose
from platepost.wire.records.topics import ledger_topic

POLL_SECONDS = 1.0
"""Between two reads of the register of the posts' keys and of the last checkpoint."""
_WATCHDOG_SECONDS = 5.0
"""Between two watchdog pings to systemd."""

_MESSAGES: Mapping[str, str] = {
    "opened": "The store is open, epoch {epoch}.",
    "subscribed": "{broker}: subscribed.",
    "broker_away": "Not connected to the broker {broker}; posts keep their records, and it tries again: {reason}",
    "waiting": "Records are not stored now, and none is acknowledged: {reason}.",
    "storing": "Records are stored again.",
    "receipted_not_held": "Receipts were signed for {range}, but the archive does not have these records. Those that "
    "the post has deleted are lost.",
    "no_checkpoint": "The checkpoint failed and is tried again: {reason}.",
    "checkpoints": "Checkpoints work again.",
    "admissions_changed": "The records accepted under expired keys have changed for: {posts}.",
    "keys_changed": "Keys have changed for: {posts}.",
    "register_refused": "The register of keys was refused: {reason}.",
    "stopped": "Stopped.",
}


class CheckpointFile:
    """The file of the last checkpoint.

    Args:
        path: where it is.
        report: called with the error while the file cannot be read, and with None once it can be read again.

    """

    def __init__(self, path: Path, report: Callable[[str | None], object]) -> None:
        self._path = path
        self._report = report
        self._error: str | None = None
        self._last: bytes | None = None

    def changed(self) -> bytes | None:
        """Return the last checkpoint, if it has changed; None also as long as there is none."""
        error, checkpoint = None, None
        try:
            checkpoint = self._path.read_bytes()
        except FileNotFoundError:
            pass
        except OSError as failure:
            error = str(failure)
        if error != self._error:
            self._error = error
            self._report(error)
        if checkpoint == self._last:
            return None
        self._last = checkpoint or self._last
        return checkpoint


class ArchiveService:
    """The keeper of a department's folder, connected to its register, checkpoints, and outbox."""

    def __init__(self, folder: DepartmentFolder, *, new_epoch: bool, as_json: bool) -> None:
        settings = folder.settings
        self._folder = folder
        self._bucket = open_bucket(folder)
        self._as_json = as_json
        self._notifier = Notifier()
        self._ready_logged = False
        self._pinged_at = 0.0
        self._register_read_at = 0.0
        self._checkpoint_read_at = 0.0
        self._checkpoint = CheckpointFile(folder.published_head, self._log_checkpoints)
        self._register_error: str | None = None
        self._posts_to_recheck: list[str] | None = None
        """Posts whose records must be verified again; None until the store has listed them."""
        self._recheck: Iterator[set[ChainName]] | None = None
        """The verification under way, one batch of chains per step."""
        self.register = KeyRegister(
            folder.register_file, folder.register_key, agency=settings.agency, state_file=folder.stored_register
        )
        self.checkpoints = CheckpointService(folder, self.register, self._log_checkpoints)
        terms = KeyFiles(Purpose.CUSTODY, folder.identity, settings.custodian).terms()
        self.keeper = Keeper(
            KeeperSettings(
                name=settings.custodian,
                agency=settings.agency,
                identity=folder.identity,
                signing_key=folder.custody_key,
                brokers=settings.brokers,
                groups=terms.groups if terms else (),
                receipts=folder.receipts,
            ),
            self._open_store,
            new_epoch=new_epoch,
            store_errors=(DepartmentError,),
        )
        outbox = DecisionOutbox(settings.custodian, agency=settings.agency, key=signing_jwk(folder.custody_key))
        self.keeper.statements = outbox.waiting
        self.keeper.on_delivered = outbox.delivered
        self.keeper.on_event = self._emit
        self.keeper.between_batches = self._between_batches
        self.keeper.outgoing = self._checkpoint_to_publish
        self.keeper.on_published = lambda message: self.checkpoints.published(message.body)
        self.keeper.alive = self._alive

    def _open_store(self) -> CustodyStore:
        """Open the store, starting a private database that has stopped; not while a bucket that failed is still down.

        Raises:
            DepartmentError: it does not start, or has another schema.
            StoreError: it does not answer, or the bucket does not.

        """
        if self._folder.is_private:
            PrivateCluster(self._folder.cluster).start()
        if self._bucket is not None:
            self._bucket.check_if_failed()
        set_up_django(self._folder, KEEPER)
        try:
            require_schema()
        except DatabaseError as error:
            raise StoreError(f"the database does not answer: {str(error).strip()}") from error
        finally:
            connection.close()
        store = CustodyStore(
            self._folder.conninfo(KEEPER),
            keys=self.register.keys,
            ended=self.register.ended,
            bucket=self._bucket,
        )
        self._posts_to_recheck = None
        self._recheck = None
        self.checkpoints.start()
        return store

    def _between_batches(self, store: CustodyStore) -> Collection[ChainName]:
        """Record which brokers are connected, poll the register, and verify a batch of a post whose keys changed."""
        answers = [*self.keeper.answers.values()]
        store.mark_brokers(frozenset(place for place, error in enumerate(answers) if error is None))
        if self._posts_to_recheck is None:
            # Keys may have ended while no keeper was running.
            lately = self.register.ended_since(datetime.now(UTC) - LATE_REGISTER)
            self._posts_to_recheck = sorted({*store.posts_with_doubts(), *lately})
        if time.monotonic() > self._register_read_at + POLL_SECONDS:
            self._register_read_at = time.monotonic()
            self._poll_register(store, self._posts_to_recheck)
        return self._recheck_batch(store, self._posts_to_recheck)

    def _poll_register(self, store: CustodyStore, to_recheck: list[str]) -> None:
        changed = self.register.poll()
        if changed:
            self._emit("keys_changed", {"posts": [*sorted(changed)], "register": self.register.number})
            to_recheck += sorted(changed - {*to_recheck})
        admitted = store.changed_admissions()
        if admitted:
            self._emit("admissions_changed", {"posts": [*sorted(admitted)]})
            to_recheck += sorted(admitted - {*to_recheck})
        if self.register.trouble != self._register_error:
            self._register_error = self.register.trouble
            if self._register_error is not None:
                self._emit("register_refused", {"reason": self._register_error})

    def _recheck_batch(self, store: CustodyStore, to_recheck: list[str]) -> Collection[ChainName]:
        if self._recheck is None:
            if not to_recheck:
                return ()
            # Removed from the list before it starts, so that a key change meanwhile puts it back.
            self._recheck = store.judge_again(to_recheck.pop(0))
        chains = next(self._recheck, None)
        if chains is None:
            self._recheck = None
        return chains or ()

    def _checkpoint_to_publish(self) -> Sequence[OutgoingMessage]:
        """Return the last checkpoint, if it has changed."""
        if time.monotonic() < self._checkpoint_read_at + POLL_SECONDS:
            return ()
        self._checkpoint_read_at = time.monotonic()
        checkpoint = self._checkpoint.changed()
        if checkpoint is None:
            return ()
        settings = self._folder.settings
        return [OutgoingMessage(ledger_topic(settings.agency, settings.custodian), checkpoint, retained=True)]

    def _log_checkpoints(self, error: str | None) -> None:
        if error is None:
            self._emit("checkpoints", {})
        else:
            self._emit("no_checkpoint", {"reason": error})

    def _alive(self) -> None:
        if time.monotonic() > self._pinged_at + _WATCHDOG_SECONDS:
            self._pinged_at = time.monotonic()
            self._notifier.alive()

    def _emit(self, what: str, details: Mapping[str, JsonValue]) -> None:
        shown = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in details.items()
        }
        message = _MESSAGES[what].format(**shown) if what in _MESSAGES else None
        if self._as_json:
            click.echo(json.dumps({"event": what, **details}))
        elif message is not None:
            click.secho(message, fg="red" if what in TROUBLES else None, err=what in TROUBLES)
        if what == "stopped":
            self._notifier.stopping()
        elif message is not None and not self._ready_logged:
            self._ready_logged = True  # it runs, whatever it reports first
            self._notifier.ready(message)
        elif message is not None:
            self._notifier.status(message)
