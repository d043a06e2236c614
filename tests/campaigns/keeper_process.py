"""A record keeper as a process of its own, which may be killed at any instant and started again."""

import logging
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.errors import SubscriberError
from platepost.simulator.keeper.keeper import INTERVAL_SECONDS, RecordKeeper
from platepost.simulator.processes import await_answer, end_forked, forking

PRELOADED = ["tests.campaigns.keeper_process"]
READY_SECONDS = 30.0
STOP_SECONDS = 30.0
_TELL_SECONDS = 0.05


def forks() -> ForkServerContext:
    """Return what forks keepers from a process that has loaded everything."""
    return forking(*PRELOADED)


class KeeperProcess:
    """One custodian's process; its store and its log of receipts go over all of its lives.

    Args:
        fleet: whose custodian.
        name: the custodian's.
        broker: `host:port`.
        folder: where its store, its receipts and its log lie.
        context: forks its processes.
        interval_seconds: between two receipts of a chain.

    """

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        *,
        broker: str,
        folder: Path,
        context: ForkServerContext,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self.name = name
        self.folder = folder
        self._arguments = {
            "fleet": fleet.directory,
            "name": name,
            "broker": broker,
            "folder": folder,
            "interval_seconds": interval_seconds,
        }
        self._context = context
        self._process: ForkServerProcess | None = None
        self._ready: Connection | None = None

    def __repr__(self) -> str:
        return f"<KeeperProcess {self.name} {'running' if self.running else 'stopped'}>"

    @property
    def pid(self) -> int | None:
        """The process's; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.is_alive()

    def start(self, *, new_epoch: bool = False) -> None:
        """Start it; does nothing if it runs."""
        if self.running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ready, writing = self._context.Pipe(duplex=False)
        arguments = self._arguments | {"ready": writing, "new_epoch": new_epoch}
        self._process = self._context.Process(target=serve, kwargs=arguments, name=self.name)
        self._process.start()
        writing.close()

    def wait_until_ready(self) -> None:
        """Wait until the broker has granted its topics.

        Raises:
            SubscriberError: it has not in time, or the process has ended.

        """
        try:
            if self._ready is not None and await_answer(self._ready, READY_SECONDS):
                self._ready.recv()
                return
        except EOFError:
            pass
        raise SubscriberError(f"keeper {self.name} is not ready; its log is {self.folder / 'keeper.log'}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ask it to end, and wait; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, sent: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        code = end_forked(process, sent=sent, seconds=STOP_SECONDS)
        if self._ready is not None:
            self._ready.close()
            self._ready = None
        return code


def serve(
    *,
    fleet: Path,
    name: str,
    broker: str,
    folder: Path,
    interval_seconds: float,
    new_epoch: bool,
    ready: Connection,
) -> None:
    """Keep records in this process until SIGTERM; tell `ready` once the broker has granted the topics.

    The other arguments are those of `RecordKeeper`.
    """
    logging.basicConfig(
        filename=folder / "keeper.log", level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(message)s"
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign
    keeper = RecordKeeper(
        Fleet.load(fleet),
        name,
        broker=broker,
        folder=folder,
        interval_seconds=interval_seconds,
        new_epoch=new_epoch,
    )
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())

    def look() -> None:
        logged = False
        while not ended.wait(_TELL_SECONDS):
            if keeper.subscribed and not logged:
                logged = True
                with suppress(OSError):
                    ready.send(None)
        keeper.stop()

    threading.Thread(target=look, name="stop", daemon=True).start()
    keeper.run()
