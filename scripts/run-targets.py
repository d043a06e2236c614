"""Run targets of make, so many at a time, each within a limit; go on when one fails, and end with a table.

    python scripts/run-targets.py MAKE AT-A-TIME TARGET=SECONDS...
    python scripts/run-targets.py make 2 end-to-end=2400 unit=2400 types=600

What the first target prints appears at once; if they run one at a time, so does what all print. The others take what
the first leaves over (`nice`); what they print is in build/TARGET.log and follows at the end. Then come what was
skipped and the table; build/durations.txt has the seconds of each test.

Fails if any target fails, takes longer than its limit, or leaves a process behind. Of a target that takes longer, the
stack of each process is shown before all are killed.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import processes
import test_reports

BUILD = Path("build")
END_SECONDS = 20.0
"""How long targets have to end by themselves after Ctrl-C."""


@dataclass
class Run:
    """A target, and how it went."""

    target: str
    limit: float
    log: Path | None
    began: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    result: str = "not run"
    process: subprocess.Popen[bytes] | None = None

    def start(self, make: str) -> None:
        """Have make build the target."""
        self.began = time.monotonic()
        if self.log is None:
            self.process = subprocess.Popen([make, self.target])
        else:
            with self.log.open("wb") as file:
                self.process = subprocess.Popen(["nice", make, self.target], stdout=file, stderr=subprocess.STDOUT)

    def expire(self) -> None:
        """Show what runs of the target, and kill it."""
        if self.process is None or self.result != "not run":
            return
        self.result = f"over its limit of {self.limit:.0f} s"
        below = processes.descendants([self.process.pid])
        running = [p for p in processes.descendants([os.getpid()]) if p in below or p.pid == self.process.pid]
        print(f"make {self.target} took longer than {self.limit:.0f} s:\n{processes.describe(running)}", flush=True)
        processes.kill(running)

    def end(self, status: int, cpu: float) -> None:
        """Take note of how make has ended, and of the CPU seconds that it and its children used."""
        if self.process:
            self.process.returncode = status
        self.process = None
        self.seconds = time.monotonic() - self.began
        self.cpu = cpu
        if self.result == "not run":
            self.result = "passed" if status == 0 else f"failed ({status})"


@dataclass
class Signals:
    """What was asked of this program while it ran."""

    numbers: list[int] = field(default_factory=list)

    def watch(self) -> None:
        """Take note of signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, _: self.numbers.append(number))


def main(make: str, at_a_time: str, *words: str) -> int:
    """Return 0 if every target passed and nothing is left, else 1."""
    reports = BUILD / "test-reports"
    reports.mkdir(parents=True, exist_ok=True)
    for path in reports.iterdir():
        path.unlink()
    os.environ[test_reports.REPORTS] = str(reports.absolute())
    runs = [_parse(word, live=number == 0 or at_a_time == "1") for number, word in enumerate(words)]
    logs = [run.log for run in runs if run.log]
    if logs:
        print("what is printed at the same time follows at the end, and is in", *logs, flush=True)
    processes.adopt_orphans()
    signals = Signals()
    signals.watch()
    _run(make, int(at_a_time), runs, signals)
    left = processes.descendants([os.getpid()])
    for log in logs:
        if log.exists():
            sys.stdout.buffer.write(log.read_bytes())
    if left:
        print(f"left behind:\n{processes.describe(left)}")
        processes.kill(left)
    print(*test_reports.summarize(reports, BUILD / "durations.txt"), sep="\n")
    print(f"\n{'target':20} {'seconds':>8} {'of a core':>10}  result")
    for run in runs:
        print(f"{run.target:20} {run.seconds:8.0f} {run.cpu:10.0f}  {run.result}")
    return 1 if left or any(run.result != "passed" for run in runs) else 0


def _parse(word: str, *, live: bool) -> Run:
    target, _, limit = word.partition("=")
    return Run(target, float(limit), None if live else BUILD / f"{target}.log")


def _run(make: str, at_a_time: int, runs: list[Run], signals: Signals) -> None:
    waiting = list(runs)
    current: list[Run] = []
    stop_at = float("inf")
    while True:
        while waiting and len(current) < at_a_time and not signals.numbers:
            run = waiting.pop(0)
            print(f"make {run.target}", flush=True)
            run.start(make)
            current.append(run)
        if not current:
            return
        _reap(current)
        now = time.monotonic()
        if signals.numbers and stop_at == float("inf"):
            # The terminal sends Ctrl-C to all; any other signal comes to this process alone.
            stop_at = now + (END_SECONDS if signals.numbers == [signal.SIGINT] else 0)
        if now > stop_at or len(signals.numbers) > 1:
            processes.kill(processes.descendants([os.getpid()]))
        for run in current:
            if now > run.began + run.limit:
                run.expire()
        time.sleep(0.1)


def _reap(current: list[Run]) -> None:
    """Take note of targets that have ended; orphans that have ended are no one else's to reap."""
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for run in [run for run in current if run.process and run.process.pid == pid]:
            run.end(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
            current.remove(run)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
