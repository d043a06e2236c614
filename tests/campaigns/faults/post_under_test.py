"""One post of the campaign: its process, its way to the broker, its disk, and what the department has of it."""

import os
import signal
import threading
from collections.abc import Iterable, Sequence
from ctypes import c_double
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from time import monotonic
from typing import Any

from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.passages import SeenVehicle
from platepost.simulator.ground.proxy import Proxy
from platepost.simulator.processes import end_forked
from platepost.wire.records import Source
from tests.campaigns.faults import killable_post
from tests.campaigns.faults.given_up import GivenUp
from tests.campaigns.faults.storage_log import StorageLog

STOP_SECONDS = 60.0


class PostUnderTest:
    """One light post that may be killed, frozen and started again; its storage log goes over all of its lives."""

    def __init__(
        self,
        source: Source,
        *,
        folder: Path,
        archive: Path,
        proxy: Proxy,
        vehicles: Sequence[SeenVehicle],
        step: float,
        context: ForkServerContext,
        rate: c_double,
        missing_receipt_resend_seconds: float = killable_post.LEFT_OUT_SECONDS,
        covert: str | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            source: which post it is.
            folder: the post's folder as provisioning made it, with `state/` in it.
            archive: where the department keeps what arrives of it.
            proxy: its way to the broker.
            vehicles: of which any passes next.
            step: seconds by which its clock advances with every record.
            context: forks its processes.
            rate: how many records a second it makes at present.
            missing_receipt_resend_seconds: after which what a custodian's receipts leave out is sent once more.
            covert: the distribution group that some of its hits concern alone.

        """
        self.source, self.name = source, source.post
        self.folder = folder
        self.archive = archive
        self.proxy = proxy
        self.stored_path = folder / "stored.jsonl"
        self._log = folder / "post.log"
        self.stored = StorageLog(self.stored_path)
        self.offset: c_double = context.RawValue(c_double, 0.0)
        """Seconds by which the post's clock is wrong.

        Shared without a lock: a post that is killed while it holds one would hang the next.
        """
        self._vehicles, self._step = vehicles, step
        self._covert, self._left_out_seconds = covert, missing_receipt_resend_seconds
        self._context = context
        self.rate = rate
        """Records a second that it makes at present; other posts may share it."""
        self._process: ForkServerProcess | None = None
        self._arrived: dict[str, float] = {}
        self._given_up = GivenUp()
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<PostUnderTest {self.name} {'running' if self.running else 'stopped'}>"

    # --- the process

    @property
    def running(self) -> bool:
        """Whether the post's process lives."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int:
        """The post's process.

        Raises:
            CampaignError: it has ended by itself.

        """
        if self._process is None or self._process.pid is None or not self._process.is_alive():
            raise CampaignError(f"{self.name} has ended by itself; its log is {self._log}")
        return self._process.pid

    def start(self) -> None:
        """Start the post; does nothing if it runs."""
        if self.running:
            return
        reading, writing = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=killable_post.run,
            kwargs={
                "configuration": self.folder / "post.toml",
                "log": self._log,
                "vehicles": self._vehicles,
                "step": self._step,
                "stored": writing,
                "offset": self.offset,
                "rate": self.rate,
                "missing_receipt_resend_seconds": self._left_out_seconds,
                "covert": self._covert,
            },
            name=self.name,
        )
        self._process.start()
        writing.close()
        self.stored.follow(reading)

    def kill(self) -> None:
        """End the post as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ask the post to end, and wait until it has delivered; return its exit code."""
        return self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let the post's process stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the post at once, and its storage log."""
        self.kill()
        self.stored.close()

    # --- what the department has of it

    def arrived(self, event: dict[str, Any]) -> None:
        """Take note of a record that arrived for the first time."""
        with self._changed:
            self._arrived[str(event["id"])] = monotonic()
            self._given_up.note(event)
            self._changed.notify_all()

    def delivered(self) -> int:
        """Return how many records have arrived."""
        with self._changed:
            return len(self._arrived)

    def missing(self) -> int:
        """Return how many records are stored, have not arrived, and are not given up."""
        records = self.stored.records()
        with self._changed:
            return sum(record.id not in self._arrived and record not in self._given_up for record in records)

    def lacks(self, ids: Iterable[str]) -> int:
        """Return how many of these records have not arrived."""
        with self._changed:
            return sum(identifier not in self._arrived for identifier in ids)

    def await_news(self, since: float, *, timeout: float) -> float | None:
        """Wait until a record arrives that was stored after `since`; return when it did, None after `timeout`."""
        deadline = monotonic() + timeout
        with self._changed:
            while True:
                for identifier in reversed(self._arrived):
                    if self._arrived[identifier] < since:
                        break
                    stored = self.stored.stored_at(identifier)
                    if stored is not None and stored > since:
                        return self._arrived[identifier]
                left = deadline - monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, 0.5))

    def _end(self, sent: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        code = end_forked(process, sent=sent, seconds=STOP_SECONDS)
        self.stored.await_end()
        return code
