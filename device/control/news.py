"""What a part of the control plane has to tell: for the audit trail, and whether the status says something new."""

from threading import RLock

from device.control.note import Note


class News:
    """Kept until it is taken. Whoever derives from it tells by `_notes` and `_changed`, and holds `_lock` meanwhile.

    Args:
        changed: whether the state as it is at first is news.

    """

    def __init__(self, *, changed: bool) -> None:
        self._lock = RLock()
        self._notes: list[Note] = []
        self._changed = changed

    def take_notes(self) -> tuple[Note, ...]:
        """Return what is to be audited, once."""
        with self._lock:
            notes, self._notes = tuple(self._notes), []
            return notes

    def take_changed(self) -> bool:
        """Tell, once, whether `state` says something new."""
        with self._lock:
            changed, self._changed = self._changed, False
            return changed
