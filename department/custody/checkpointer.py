"""Makes checkpoints: looks for what is wrong with the ledger and the records, and signs how far both have come.

A checkpoint is due a minute after the last at the latest, ten seconds after it if something was entered, and at once
after a hundred entries. In between, a part of all that there is is verified again, as far as a twentieth of the time
allows. What is found leaves the machine with the next checkpoint, by kind only.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from psycopg import Connection, IsolationLevel
from pydantic import BaseModel

from platepost.common.files import StateFile
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import Wrong
from platepost.department.ledger.heads import BROKER, SealedHead, request_stamp, send_away, sign_head
from platepost.department.ledger.published import PAGE
from platepost.department.ledger.tree import BLOCK, ENTRIES, RECORDS, MerkleLog
from platepost.department.ledger.verify import verify_ledger
from platepost.wire.records.ledger_head import LedgerHead
from platepost.wire.verify.noted_heads import NotedHead

ENTRIES_MOST = 100
"""Entries after which a checkpoint is due at once."""
BUSY_SECONDS = 10.0
"""After which one is due if something was entered, or a record came."""
IDLE_SECONDS = 60.0
"""After which one is due in any case: it shows that nothing was deleted since."""
SHARE = 20
"""A twentieth of the time is spent on verifying again."""
STAMP_AGAIN = timedelta(hours=1)
"""How often a time-stamping service is asked."""
SUSPECTED_SECONDS = 30.0
"""How long the keeper has to judge records again by a key that it has just learned of."""
REMEMBERED = timedelta(hours=24)
"""How long checkpoints tell of a problem after it was seen last."""
_JUDGED = frozenset({Wrong.SIGNATURE, Wrong.VERDICT})
_SLICE = 500
_BLOCKS = 64
_LAST_ENTRY = "SELECT number, encode(digest, 'hex'), at FROM ledger_entry ORDER BY number DESC LIMIT 1"
_LAST_RECORD = "SELECT coalesce(max(id), 0) FROM custody_record"
# No one updates these, and no one deletes an entry. Purges delete records.
_CHANGES = """
SELECT CASE WHEN relname LIKE 'custody_record%' THEN 'custody_record' ELSE relname END,
    sum(n_tup_upd)::bigint, sum(CASE relname WHEN 'ledger_entry' THEN n_tup_del ELSE 0 END)::bigint
FROM pg_stat_all_tables WHERE schemaname = 'public'
AND (relname IN ('ledger_entry', 'ledger_body', 'ledger_node') OR relname LIKE 'custody\\_record%')
GROUP BY 1
"""


class CheckpointState(BaseModel):
    """What is known from one checkpoint to the next."""

    last: LedgerHead | None = None
    stamped_at: datetime | None = None
    problems: dict[str, datetime] = {}
    """When each was seen last."""
    server: datetime | None = None
    """When the database server was started."""
    changes: dict[str, tuple[int, int]] = {}
    """How often rows of a table were updated and deleted since then, as the server counts."""


class Checkpointer:
    """Makes and sends checkpoints. For one thread.

    Args:
        keeper: a connection of the keeper's role, autocommit.
        verification: what checks records; made anew for each pass, as the keys that posts vouch for change.
        changed_objects: returns which functions, triggers, policies and rights of the database are not the release's.
        names: this agency and its custodian.
        key: the custodian's.
        state: the file in which is kept what was signed last.
        clock: the steady clock, in seconds.

    """

    def __init__(
        self,
        keeper: Connection[Any],
        *,
        verification: Callable[[], CustodyVerification],
        changed_objects: Callable[[], list[str]],
        names: tuple[str, str],
        key: ECKey,
        state: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper = keeper
        self._clock = clock
        self._verification = verification
        self._verifying = verification()
        self._changed_objects = changed_objects
        self._names = names
        self._key = key
        self._file = StateFile(state, CheckpointState, about="the last checkpoint")
        self.state = self._file.recall() or CheckpointState()
        self._made_at = -IDLE_SECONDS
        self._entry = self._record = 0
        self._suspected: dict[int, float] = {}
        """Records whose verdict seems wrong, and since when: the keeper may be about to judge them again."""
        self._blocks = dict.fromkeys((ENTRIES, RECORDS), 0)
        self._full_at = -IDLE_SECONDS
        """When all rows are compared with the records again."""

    def is_due(self) -> bool:
        """Tell whether a checkpoint is due. Raises psycopg.Error."""
        elapsed = self._clock() - self._made_at
        if elapsed >= IDLE_SECONDS or self.state.last is None:
            return True
        ((number,),) = self._keeper.execute("SELECT coalesce(max(number), 0) FROM ledger_entry").fetchall()
        new = number - self.state.last.number
        return not 0 <= new < ENTRIES_MOST or (new > 0 and elapsed >= BUSY_SECONDS)

    def make(self) -> LedgerHead | None:
        """Return the next checkpoint, unsigned; None while the ledger is empty and always was. Raises psycopg.Error."""
        self._keeper.isolation_level = IsolationLevel.READ_COMMITTED
        self._made_at = self._clock()
        before = self.state.last
        entries, records = MerkleLog(self._keeper, ENTRIES), MerkleLog(self._keeper, RECORDS)
        last = self._keeper.execute(_LAST_ENTRY).fetchone()
        if last is None and before is None:
            return None
        number, digest, entered = last or (0, "00" * 32, datetime.now(UTC))
        sizes = min(entries.extend(), number), records.extend()
        if sizes[0] < number:
            self._found("access log: entries are missing")
        self._new_entries(before, number)
        self._look_at_tables()
        former = (before.number, before.records) if before else (0, 0)
        roots = (before.root, before.records_root) if before else ("", "")
        proofs = [
            self._proof(tree, old, root, size)
            for tree, old, root, size in zip((entries, records), former, roots, sizes, strict=True)
        ]
        agency, custodian = self._names
        now = datetime.now(UTC)
        seen = {what: at for what, at in self.state.problems.items() if at > now - REMEMBERED}
        self.state.problems = seen
        return LedgerHead(
            agency=agency,
            custodian=custodian,
            number=max(sizes[0], 1),
            digest=digest,
            time=now,
            entered=entered,
            root=entries.root(sizes[0]).hex(),
            records=sizes[1],
            records_root=records.root(sizes[1]).hex(),
            previous=former,
            proof=tuple(proof.hex() for proof in proofs[0]),
            records_proof=tuple(proof.hex() for proof in proofs[1]),
            problems=tuple(sorted(seen)[:32]),
        )

    def send(self, head: LedgerHead, *, folder: Path, destinations: tuple[str, ...], witness: str | None) -> bytes:
        """Sign a checkpoint, and send it to each destination; the database learns which took it.

        Returns:
            The checkpoint, a compact JWS.

        Raises:
            psycopg.Error: the database does not answer; the checkpoint was sent.
            OSError: what was signed cannot be kept.

        """
        signed = sign_head(head, self._key)
        now = head.time
        stamp = None
        outcome = {}
        if witness is not None and (self.state.stamped_at is None or self.state.stamped_at < now - STAMP_AGAIN):
            try:
                stamp, outcome[witness] = request_stamp(signed, witness), ""
                self.state.stamped_at = now
            except Exception as error:  # noqa: BLE001 - whatever the service answers: the checkpoint leaves without it
                outcome[witness] = str(error)
        # Before it leaves: what was sent and is not known here would be denied by the next.
        self.state.last = head
        self._file.write(self.state)
        outcome |= send_away(SealedHead(signed, stamp), destinations, folder=folder)
        self.note_sent(PAGE, signed.decode("ascii"))
        known = {PAGE, *destinations, *([witness] if witness else [])}
        self._keeper.execute("DELETE FROM ledger_sent WHERE NOT destination = ANY (%s)", [[*known]])
        for destination, why in outcome.items():
            arrived = None if why or destination == BROKER else signed.decode("ascii")
            self.note_sent(destination, arrived, why)
        return signed

    def note_sent(self, destination: str, head: str | None, error: str = "") -> None:
        """Have the database know that a destination has a checkpoint, or why it has not. Raises psycopg.Error."""
        self._keeper.execute(
            "INSERT INTO ledger_sent (destination, head, at, error) VALUES (%(to)s, %(head)s::text,"
            " CASE WHEN %(head)s::text IS NOT NULL THEN clock_timestamp() END, %(error)s) ON CONFLICT (destination) DO"
            " UPDATE SET head = coalesce(excluded.head, ledger_sent.head), at = coalesce(excluded.at, ledger_sent.at),"
            " error = excluded.error",
            {"to": destination, "head": head, "error": error},
        )

    def verify_some(self, seconds: float) -> None:
        """Verify again a part of all that there is, for about so long. Raises psycopg.Error, OSError."""
        end = time.monotonic() + seconds
        steps = (self._some_entries, self._some_records, self._some_blocks, self._all_rows)
        while True:
            for step in steps:
                step()
            if time.monotonic() > end:
                return

    # --- what may be wrong

    def _found(self, what: str) -> None:
        self.state.problems[what] = datetime.now(UTC)

    def _proof(self, tree: MerkleLog, old: int, root: str, size: int) -> list[bytes]:
        what = "access log" if tree.name == ENTRIES else "records"
        try:
            if old > size:
                self._found(f"{what}: fewer than at the checkpoint before")
            elif old and tree.root(old).hex() != root:
                self._found(f"{what}: others than at the checkpoint before")
            return tree.proof(old, size)
        except LookupError:
            self._found(f"{what}: the tree of hashes is damaged")
            return []

    def _new_entries(self, before: LedgerHead | None, number: int) -> None:
        after = NotedHead(before.number, before.digest) if before else None
        self._of_entries(verify_ledger(self._keeper, after=after, upto=number, answers=False).problems)

    def _of_entries(self, problems: list[Any]) -> None:
        for problem in problems:
            self._found(f"access log: {problem.kind.value}")

    def _some_entries(self) -> None:
        verdict = verify_ledger(self._keeper, from_number=self._entry, upto=self._entry + _SLICE, answers=False)
        self._of_entries(verdict.problems)
        done = self.state.last is None or self._entry + _SLICE >= self.state.last.number
        self._entry = 0 if done else self._entry + _SLICE

    def _some_records(self) -> None:
        ((last,),) = self._keeper.execute(_LAST_RECORD).fetchall()
        step = self._verifying.step(self._record, last)
        if step.problems:  # perhaps by a key that a post has vouched for since
            self._verifying = self._verification()
            step = self._verifying.step(self._record, last)
        now = self._clock()
        for problem in step.problems:
            if problem.kind in _JUDGED and problem.record is not None:
                self._suspected.setdefault(problem.record, now)
            else:
                self._found(f"records: {problem.kind.value}")
        for record in [record for record, since in self._suspected.items() if since < now - SUSPECTED_SECONDS]:
            del self._suspected[record]
            for problem in self._verifying.step(record - 1, record).problems:
                self._found(f"records: {problem.kind.value}")
        self._record = step.end
        if self._record >= last:
            self._record, self._verifying = 0, self._verification()

    def _some_blocks(self) -> None:
        for name, what in ((ENTRIES, "access log"), (RECORDS, "records")):
            tree, begin = MerkleLog(self._keeper, name), self._blocks[name]
            for _, leaves, _ in tree.odd_blocks(begin, begin + _BLOCKS):
                if name == ENTRIES or leaves == BLOCK or not self._purged():
                    self._found(f"{what}: altered or deleted below a checkpoint")
            self._blocks[name] = 0 if begin + _BLOCKS >= tree.blocks() else begin + _BLOCKS

    def _purged(self) -> bool:
        ((purged,),) = self._keeper.execute("SELECT EXISTS (SELECT FROM custody_certificate)").fetchall()
        return bool(purged)

    def _all_rows(self) -> None:
        """Compare all rows that people see with the records; the longer it takes, the less often."""
        began = self._clock()
        if began < self._full_at:
            return
        for problem in self._verifying.unrecorded():
            self._found(f"records: {problem.kind.value} without a record")
        self._full_at = self._clock() + (self._clock() - began) * SHARE

    def _look_at_tables(self) -> None:
        since = datetime.now(UTC) - timedelta(days=1)
        for problem in self._verifying.unrecorded(since):
            self._found(f"records: {problem.kind.value} without a record")
        if self._changed_objects():
            self._found("database: a trigger, a function or a right is not the release's")
        for what in self._changes():
            self._found(what)

    def _changes(self) -> Iterator[str]:
        """Yield which tables that are only added to were changed since the last look, as the server counts."""
        ((server,),) = self._keeper.execute("SELECT pg_postmaster_start_time()").fetchall()
        counts_now = {table: (updated, deleted) for table, updated, deleted in self._keeper.execute(_CHANGES)}
        if server == self.state.server:
            for table, counts in self.state.changes.items():
                now = counts_now.get(table, counts)
                if max(now[0] - counts[0], now[1] - counts[1]) > 0:
                    yield f"database: rows of {table} were changed or deleted"
                elif now != counts:
                    yield f"database: the server's count of changes to {table} was reset"
        self.state.server, self.state.changes = server, counts_now
