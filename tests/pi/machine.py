"""An emulated Raspberry Pi 3: started, asked to make boards, ended."""

import io
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from platepost.common import errors
from platepost.device.board.base import Board, Light
from tests.pi.chip import Chip

PROJECT = Path(__file__).parents[2]
LIBRARIES = ("rpi-lgpio", "RPi.GPIO")
SECONDS = 600.0
"""How long anything is waited for; the machine that emulates may be busy."""
KERNEL = (
    "console=ttyS1,115200 quiet loglevel=4 rdinit=/init rootfstype=ramfs"
    # The first process starts before there is a /dev/urandom; what the kernel does not know becomes its environment.
    " PYTHONHASHSEED=0"
    # RPi.GPIO asks for the registers themselves where there is no /dev/gpiomem, which is the Raspberry Pi kernel's own.
    " iomem=relaxed"
    # As that kernel does: a pin that a process leaves stays the output that it was.
    " pinctrl_bcm2835.persist_gpio_outputs=y"
)


class Pi:
    """qemu's raspi3b with what scripts/pi-machine laid out, and this project as it stands.

    Args:
        folder: of scripts/pi-machine.
        scratch: for sockets, logs and the part of the system that is the project.

    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._scratch = scratch
        self._log = (scratch / "qemu.log").open("wb")
        initrd = scratch / "initrd"
        initrd.write_bytes((folder / "base.cpio").read_bytes() + archive_of_project())
        self._command = [
            *("qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi", "-display", "none"),
            *("-monitor", "none", "-kernel", str(folder / "vmlinuz"), "-dtb", str(folder / "pi.dtb")),
            *("-initrd", str(initrd), "-append", KERNEL),
            *("-serial", f"unix:{scratch / 'serial'},server=on,wait=off", "-serial", f"file:{scratch / 'console.log'}"),
            *("-qtest", f"unix:{scratch / 'qtest'},server=on,wait=off", "-qtest-log", "none"),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        with ExitStack() as until_ready:
            until_ready.push(self.__exit__)
            self.chip = Chip(self._scratch / "qtest")
            self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._line.connect(str(self._scratch / "serial"))
            self._line.settimeout(1.0)
            self._heard = b""
            assert self._answer() == "ready"
            until_ready.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def ask(self, **what: Any) -> Any:
        """Have something done there, as tests/pi/guest.py says, and return its answer."""
        self._line.sendall(json.dumps(what).encode() + b"\n")
        return self._answer()

    @contextmanager
    def process(self, library: str) -> Iterator[None]:
        """Have a process there that makes boards with one of the `LIBRARIES`; it ends in order unless killed."""
        self.ask(start=library)
        yield
        self.ask(end=True)

    def _answer(self) -> Any:
        end = time.monotonic() + SECONDS
        while b"\n" not in self._heard:
            console = (self._scratch / "console.log").read_text(errors="replace")
            assert time.monotonic() < end, f"no answer\n{console[-4000:]}"
            assert self._process.poll() is None, "qemu ended; see its log"
            assert "Kernel panic" not in console, console[-4000:]
            try:
                self._heard += self._line.recv(65536)
            except TimeoutError:
                continue
        line, _, self._heard = self._heard.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise getattr(errors, answer["error"], AssertionError)(answer["text"])
        return answer["value"]


class RemoteBoard(Board):
    """A board that a process of the emulated machine has in its hands."""

    def __init__(self, pi: Pi, settings: dict[str, Any]) -> None:
        self._pi = pi
        self._number = pi.ask(make=settings)

    def __repr__(self) -> str:
        return str(self._get("repr"))

    def illuminator(self, *, on: bool) -> None:
        self._call("illuminator", on=on)

    def status_light(self, light: Light) -> None:
        self._call("status_light", light=light.value)

    def camera_power(self, *, on: bool) -> None:
        self._call("camera_power", on=on)

    @property
    def switches_camera(self) -> bool:
        return bool(self._get("switches_camera"))

    @property
    def failing(self) -> bool:
        return bool(self._get("failing"))

    def settle(self) -> bool:
        return bool(self._call("settle"))

    def tamper_open(self) -> bool:
        return bool(self._call("tamper_open"))

    def door_open(self) -> bool:
        return bool(self._call("door_open"))

    def close(self) -> None:
        self._call("close")

    def believes(self, switch: str) -> bool:
        """Say what the rest of a contact has made it believe, without asking as a post does."""
        return bool(self._pi.ask(board=self._number, believes=switch))

    def _get(self, name: str) -> Any:
        return self._pi.ask(board=self._number, get=name)

    def _call(self, name: str, **arguments: object) -> Any:
        return self._pi.ask(board=self._number, call=name, **{"with": arguments})


def archive_of_project() -> bytes:
    """Return the device and the first process of the machine, as the second part of an initial file system."""
    paths = [*(PROJECT / "platepost").glob("*.py"), *sorted((PROJECT / "platepost" / "device").rglob("*.py"))]
    files = {f"app/{path.relative_to(PROJECT)}": path for path in paths}
    made = io.BytesIO()
    for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
        _add(made, folder, 0o040755, b"")
    for name, path in files.items():
        _add(made, name, 0o100644, path.read_bytes())
    _add(made, "init", 0o100755, (PROJECT / "tests" / "pi" / "guest.py").read_bytes())
    _add(made, "TRAILER!!!", 0, b"")
    return made.getvalue()


def _add(archive: io.BytesIO, name: str, mode: int, content: bytes) -> None:
    """Append a file as the kernel reads it, "newc" of Documentation/driver-api/early-userspace/buffer-format.rst."""
    path = name.encode() + b"\0"
    fields = (archive.tell() + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    archive.write(b"070701" + b"".join(b"%08x" % value for value in fields) + path)
    archive.write(b"\0" * (-archive.tell() % 4) + content)
    archive.write(b"\0" * (-archive.tell() % 4))
