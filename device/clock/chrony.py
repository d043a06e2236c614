"""What chrony knows of the clock, where it runs: `chronyc tracking`, asked in a thread of its own.

chronyd disciplines the clock without telling the kernel so unless `rtcsync` is set, and it knows its error better.
"""

import logging
import shutil
import subprocess
import threading
from time import monotonic

from platepost.common.text import printable
from platepost.wire.records import ClockQuality

log = logging.getLogger(__name__)

ASK_SECONDS = 15.0
PATIENCE_SECONDS = 2.0
"""How long chronyc may take: it asks over a socket of this machine."""
FRESH_SECONDS = 60.0
"""Age up to which an answer counts."""
FIELDS = 14
"""Of `chronyc -c tracking` (chrony 3 and 4): reference id, name, stratum, reference time, system time's offset, last
offset, RMS offset, frequency, residual frequency, skew, root delay, root dispersion, update interval, leap status."""
NO_STRATUM = 0
OWN_CLOCK = "7F7F0101"
"""Reference id 127.127.1.1: with `local` chrony vouches for the machine's own clock, which no one set."""
WORST = 1e9


def from_tracking(line: str) -> ClockQuality:
    """Judge a line of `chronyc -c -n tracking`.

    The bound of the error is chrony's own (chronyc(1), tracking): offset + root dispersion + half the root delay.

    Raises:
        ValueError: it is no such line.

    """
    fields = line.strip().split(",")
    if len(fields) < FIELDS:
        raise ValueError(f"{len(fields)} fields, expected {FIELDS}")
    stratum = int(fields[2])
    offset, rms, delay, dispersion = (abs(float(fields[number])) for number in (4, 6, 10, 11))
    bound = offset + dispersion + delay / 2
    if not bound < WORST or not rms < WORST:
        raise ValueError("an error beyond all bounds")
    if fields[13] == "Not synchronised" or stratum == NO_STRATUM or fields[0] == OWN_CLOCK:
        return ClockQuality(source="chrony", synchronised=False)
    return ClockQuality(
        source="chrony",
        synchronised=True,
        reference=_reference(fields),
        stratum=stratum,
        estimated_error_seconds=round(max(offset, rms), 9),
        maximum_error_seconds=round(bound, 9),
    )


def _reference(fields: list[str]) -> str:
    """Return the source's address, or the name of a reference clock such as GPS or PPS."""
    return printable(fields[1])[:64] or "unknown"


class Chrony:
    """Asks chrony again and again; `quality` is its last answer while that is fresh.

    Args:
        program: chronyc; looked for on the path where None. Without it nothing is asked.

    """

    def __init__(self, program: str | None = None) -> None:
        self._program = program or shutil.which("chronyc") or shutil.which("chronyc", path="/usr/local/bin:/usr/bin")
        self._answer: tuple[float, ClockQuality] | None = None
        self._asked = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chrony", daemon=True)

    def start(self) -> None:
        """Ask at once, so that the first record knows, and go on asking."""
        if self._program is not None:
            self.ask()
            self._thread.start()

    def stop(self) -> None:
        """End; a second call does nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_SECONDS + 1)

    def quality(self) -> ClockQuality | None:
        """Return what chrony said, None if it said nothing of late; asks it where no one has yet."""
        if not self._asked:
            self.ask()
        answer = self._answer
        return None if answer is None or monotonic() - answer[0] > FRESH_SECONDS else answer[1]

    def ask(self) -> ClockQuality | None:
        """Ask now, for at most two seconds; None where chrony does not answer. Never raises."""
        self._asked = True
        if self._program is None:
            return None
        try:
            result = subprocess.run(
                [self._program, "-c", "-n", "tracking"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=True,
                text=True,
                errors="replace",
            )
            answer = from_tracking(result.stdout.partition("\n")[0])
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            log.debug("chrony does not answer: %s", error)
            return None
        self._answer = (monotonic(), answer)
        return answer

    def _run(self) -> None:
        while not self._stop.wait(ASK_SECONDS):
            self.ask()
