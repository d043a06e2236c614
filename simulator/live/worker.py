"""One post of the live page, in a process of its own: a whole `Post`, whose camera, board and onlooker can be driven.

Started with the path of the post's configuration and that of its footage, or none for a real camera. Commands come as
messages on standard input, views and the board's lines go out on standard output, the log goes to standard error. When
standard input is closed, the post stops: none is left over when the page's server is gone.
"""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from platepost.common.errors import PlatepostError
from platepost.common.settings import BackendSettings
from platepost.device.board.base import Light
from platepost.device.camera.base import Camera
from platepost.device.config import load
from platepost.device.post import Post
from platepost.device.rig import Rig, camera
from platepost.simulator.board.virtual import Line, VirtualBoard
from platepost.simulator.live.camera import StreetCamera
from platepost.simulator.live.pace import Pace
from platepost.simulator.live.painter import Painter
from platepost.simulator.live.wire import Writer, messages

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


class DrivenPost:
    """A post with its strings."""

    def __init__(self, configuration: Path, footage: Path | None, out: Writer) -> None:
        self._configuration = configuration
        self._footage = footage
        self._out = out
        self._pace = Pace()
        self._painter = Painter(self._show)
        self._board: ShownBoard | None = None
        self._post: Post | None = None
        self._stopped = False

    def run(self) -> None:
        """Run the post until it is told to stop; an operator's restart begins it again.

        Raises:
            PlatepostError: it cannot run.

        """
        self._painter.start()
        try:
            again = True
            while again and not self._stopped:
                self._post = Post(
                    load(self._configuration),
                    rig=Rig(camera=self._make_camera, board=self._make_board, observer=self._painter.update),
                )
                again = self._post.run().restart
        finally:
            self._painter.stop()

    def obey(self, message: dict[str, Any]) -> None:
        """Do what the page asks."""
        match message:
            case {"do": "watch", "on": bool(on)}:
                self._painter.watched = on
            case {"do": "pace", "factor": float(factor) | int(factor), "paused": bool(paused)}:
                self._pace.set(factor=factor, paused=paused)
            case {"do": "tamper", "open": bool(opened)}:
                if self._board is not None and not self._board.closed:
                    (self._board.open_case if opened else self._board.close_case)()
            case {"do": "stop"}:
                self.stop()

    def stop(self) -> None:
        """End the post; from any thread."""
        self._stopped = True
        if self._post is not None:
            self._post.stop()

    def _make_camera(self, section: BackendSettings) -> Camera:
        return camera(section) if self._footage is None else StreetCamera(self._footage, self._pace)

    def _make_board(self, _section: BackendSettings) -> ShownBoard:
        self._board = ShownBoard(lambda lines: self._out.send(kind="board", lines=lines))
        return self._board

    def _show(self, jpeg: bytes) -> None:
        self._out.send(jpeg, kind="view")


def main() -> int:
    """Run the worker; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # What a library prints must not stand between the messages.
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    configuration, *footage = map(Path, sys.argv[1:])
    worker = DrivenPost(configuration, footage[0] if footage else None, Writer(pipe))
    # Ctrl-C in a terminal reaches the whole group; the server says when it is time to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def listen() -> None:
        with contextlib.suppress(ValueError):
            for message, _ in messages(sys.stdin.buffer):
                worker.obey(message)
        worker.stop()

    Thread(target=listen, name="commands", daemon=True).start()
    try:
        worker.run()
    except PlatepostError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
