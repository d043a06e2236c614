"""The guard of the unit's case and of the cabinet it hangs in: who opens them is heard of within a second.

It also notices where the board does not obey, for then nobody watches the case.
"""

from collections.abc import Callable

from device.auditor import Auditor
from device.board.base import Board
from device.faults import Fault

Switch = tuple[str, Callable[[Board], bool], Fault]

SWITCHES: tuple[Switch, ...] = (
    ("tamper", lambda board: board.tamper_open(), Fault.TAMPER_OPEN),
    ("door", lambda board: board.door_open(), Fault.DOOR_OPEN),
)


class Guard:
    """Asks the board's switches, and puts into the audit trail what opens and closes."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self._open: frozenset[Fault] = frozenset()
        self._failing: frozenset[Fault] = frozenset()

    @property
    def faults(self) -> frozenset[Fault]:
        """What is open, and whether the board fails."""
        return self._open | self._failing

    def tick(self, board: Board) -> None:
        """Look at every switch.

        Raises:
            OutboxError: the audit cannot be stored, and the post is stopping.

        """
        self._failing = frozenset({Fault.BOARD_FAILED} if board.failing else ())
        for name, ask, fault in SWITCHES:
            opened = ask(board)
            if opened == (fault in self._open):
                continue
            self._open = self._open | {fault} if opened else self._open - {fault}
            self._auditor.say(f"{name}_opened" if opened else f"{name}_closed", source="board")
