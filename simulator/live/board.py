"""The virtual board of a post on the desk: every change of a line is told."""

from collections.abc import Callable

from platepost.device.board.base import Light
from platepost.simulator.board.virtual import Line, VirtualBoard

LINES: tuple[Line, ...] = ("illuminator", "status_light", "camera_power", "tamper")


class ShownBoard(VirtualBoard):
    """A virtual board that says what its lines are, at first and after each change."""

    def __init__(self, publish: Callable[[dict[str, bool | str]], None]) -> None:
        super().__init__()
        self._publish = publish
        self._told: dict[str, bool | str] = {}
        self.publish()

    def publish(self) -> None:
        """Say what the lines are, if they are not what was said last."""
        lines: dict[str, bool | str] = {}
        for line in LINES:
            value = self.value(line)
            lines[line] = value.value if isinstance(value, Light) else value
        if lines != self._told:
            self._told = lines
            self._publish(lines)

    def _set(self, line: Line, value: bool | Light) -> None:  # noqa: FBT001 - the parent's signature
        super()._set(line, value)
        self.publish()
