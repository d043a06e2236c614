"""How often a salvage was begun and did not end: what killed the post in it once would at every start."""

from contextlib import suppress
from pathlib import Path

from device.files import write_durably

MOST = 2
"""So many: one may have met a power cut."""


class SalvageAttempts:
    """Counts, in a file beside the outbox, the starts of a post in which a salvage was begun, until one ends."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.tries")
        self._counted = False

    def begin(self) -> bool:
        """Count one more, once in this process; return whether it should be tried."""
        if self._counted:
            return True
        before = self._read()
        if before >= MOST:
            return False
        with suppress(OSError):
            write_durably(self._path, f"{before + 1}\n".encode())
        self._counted = True
        return True

    def end(self) -> None:
        """Forget them: a salvage has ended, or nothing was to be salvaged."""
        self._counted = False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> int:
        try:
            return int(self._path.read_bytes())
        except (OSError, ValueError):
            return 0
