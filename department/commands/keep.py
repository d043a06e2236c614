"""`platepost department keep`: the keeper as a service."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import click
from django.db import connection
from django.db.utils import DatabaseError
from pydantic import JsonValue

from platepost.common.signals import stop_on_signals
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
from platepost.department.options import FOLDER
from platepost.department.session import require_schema, running_database, set_up_django
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.records.keys import Purpose
from platepost.wire.records.topics import ledger_topic

REGISTER_SECONDS = 1.0
"""Between two looks at the register of the posts' keys."""
_FED_SECONDS = 5.0
"""Between two words to systemd's watchdog."""

_WORDS: Mapping[str, str] = {
    "opened": "The store is open, epoch {epoch}.",
    "subscribed": "{broker}: subscribed.",
    "broker_away": "Nothing comes from the broker {broker}; posts keep their records, and it is tried again: {reason}",
    "waiting": "Records are not stored now, and none is acknowledged: {reason}.",
    "storing": "Records are stored again.",
    "receipted_not_held": "Receipted, not held: {range}. What the post deleted of it is lost.",
    "no_checkpoint": "No checkpoint was made, and it is tried again: {reason}.",
    "checkpoints": "Checkpoints are made again.",
    "admissions_changed": "Other records of keys that ended are admitted: {posts}.",
    "keys_changed": "Other keys are known of: {posts}.",
    "register_refused": "{reason}.",
    "stopped": "Stopped.",
}


@click.command(
    epilog="""\b
Examples:
  platepost department keep /var/lib/platepost-department
  platepost department keep /var/lib/platepost-department --json | jq -c 'select(.event == "waiting")'
It may be killed at any time. After a restore from backup it starts a new epoch automatically. If you restored the
receipt log as well, give --new-epoch once.
"""
)
@FOLDER
@click.option("--new-epoch", is_flag=True, help="Have posts ignore all earlier receipts.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per event.")
def keep(*, folder: DepartmentFolder, new_epoch: bool, as_json: bool) -> None:
    """Receive the posts' records: verify, store and acknowledge each, and sign a receipt.

    SIGTERM or Ctrl-C stops it after the current batch. If a broker or the database is down, or a disk is full, it
    reports it, waits and resumes; posts keep every record that has no receipt.
    """
    # The signals first: a private database that was started is stopped in any case.
    with stop_on_signals() as stop:
        service = _Service(folder, new_epoch=new_epoch, as_json=as_json)
        with running_database(folder), stop.on_request(service.keeper.stop):
            try:
                service.keeper.run()
            finally:
                service.checkpoints.stop()


class _Service:
    """The keeper of a folder, its register, and whom both speak to."""

    def __init__(self, folder: DepartmentFolder, *, new_epoch: bool, as_json: bool) -> None:
        settings = folder.settings
        self._folder = folder
        self._bucket = open_bucket(folder)
        self._as_json = as_json
        self._notifier = Notifier()
        self._ready_logged = False
        self._fed_at = self._looked_at = self._headed_at = 0.0
        self._head: bytes | None = None
        self._refused: str | None = None
        self._doubtful: list[str] | None = None
        """Posts of which records are to be judged again; None before the store said which there are."""
        self._judging: Iterator[set[ChainName]] | None = None
        """The judging of another, under way."""
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
            self._opened,
            new_epoch=new_epoch,
            store_errors=(DepartmentError,),
        )
        outbox = DecisionOutbox(settings.custodian, agency=settings.agency, key=signing_jwk(folder.custody_key))
        self.keeper.statements, self.keeper.on_delivered = outbox.waiting, outbox.delivered
        self.keeper.on_event = self._emit
        self.keeper.between = self._between
        self.keeper.outgoing = self._outgoing
        self.keeper.on_published = lambda message: self.checkpoints.published(message.body)
        self.keeper.alive = self._alive

    def _opened(self) -> CustodyStore:
        """Open the database, starting a private one that has ended; not while the bucket that took nothing is away.

        Raises:
            DepartmentError: it does not start, or has another schema.
            StoreError: it does not answer, or the bucket does not.

        """
        if self._folder.is_private:
            PrivateCluster(self._folder.cluster).start()
        if self._bucket is not None:
            self._bucket.expect()
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
        self._doubtful = self._judging = None
        self.checkpoints.start()
        return store

    def _between(self, store: CustodyStore) -> Collection[ChainName]:
        """Say which brokers are heard, look at the register, and have the records of one post judged again.

        That is done where its keys are others by now.
        """
        answers = [*self.keeper.answers.values()]
        store.mark_brokers(frozenset(place for place, trouble in enumerate(answers) if trouble is None))
        if self._doubtful is None:
            lately = self.register.ended_since(datetime.now(UTC) - LATE_REGISTER)  # told while no keeper ran, perhaps
            self._doubtful = sorted({*store.posts_with_doubts(), *lately})
        if time.monotonic() > self._looked_at + REGISTER_SECONDS:
            self._looked_at = time.monotonic()
            changed = self.register.poll()
            if changed:
                self._emit("keys_changed", {"posts": [*sorted(changed)], "register": self.register.number})
                self._doubtful += sorted(changed - {*self._doubtful})
            admitted = store.changed_admissions()
            if admitted:
                self._emit("admissions_changed", {"posts": [*sorted(admitted)]})
                self._doubtful += sorted(admitted - {*self._doubtful})
            if self.register.trouble != self._refused:
                self._refused = self.register.trouble
                if self._refused is not None:
                    self._emit("register_refused", {"reason": self._refused})
        if self._judging is None:
            if not self._doubtful:
                return ()
            # Taken off at its start: a key that comes while it is under way has it judged again.
            self._judging = store.judge_again(self._doubtful.pop(0))
        chains = next(self._judging, None)
        if chains is None:
            self._judging = None
        return chains or ()

    def _outgoing(self) -> Sequence[OutgoingMessage]:
        """Return the last checkpoint, if it is another than the one before."""
        if time.monotonic() < self._headed_at + REGISTER_SECONDS:
            return ()
        self._headed_at = time.monotonic()
        try:
            head = self._folder.published_head.read_bytes()
        except OSError:
            return ()
        if head == self._head:
            return ()
        self._head = head
        settings = self._folder.settings
        return [OutgoingMessage(ledger_topic(settings.agency, settings.custodian), head, retained=True)]

    def _log_checkpoints(self, trouble: str | None) -> None:
        self._emit(*(("checkpoints", {}) if trouble is None else ("no_checkpoint", {"reason": trouble})))

    def _alive(self) -> None:
        if time.monotonic() > self._fed_at + _FED_SECONDS:
            self._fed_at = time.monotonic()
            self._notifier.alive()

    def _emit(self, what: str, details: Mapping[str, JsonValue]) -> None:
        shown = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in details.items()
        }
        words = _WORDS[what].format(**shown) if what in _WORDS else None
        if self._as_json:
            click.echo(json.dumps({"event": what, **details}))
        elif words is not None:
            click.secho(words, fg="red" if what in TROUBLES else None, err=what in TROUBLES)
        if what == "stopped":
            self._notifier.stopping()
        elif words is not None and not self._ready_logged:
            self._ready_logged = True
            self._notifier.ready(words)
        elif words is not None:
            self._notifier.status(words)
