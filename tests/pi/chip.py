"""The GPIO of an emulated BCM2837, seen from outside the machine: what its outputs do, and what drives its inputs.

Through qemu's qtest interface (docs/devel/testing/qtest.rst there). The registers are those of "BCM2835 ARM
Peripherals", chapter 6.
"""

import queue
import socket
import threading
import time
from pathlib import Path

GPIO = 0x3F200000
FUNCTION_SELECT, SET, CLEAR, LEVEL = GPIO, GPIO + 0x1C, GPIO + 0x28, GPIO + 0x34
OUTPUT = 0b001
PATH = "/machine/soc/peripherals/gpio"
SECONDS = 60.0


class Chip:
    """The pins of one emulated Raspberry Pi.

    Every change of an output is told by the emulated chip as it happens, so no pulse is too short to be seen.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        end = time.monotonic() + SECONDS
        while self._socket.connect_ex(str(path)):
            assert time.monotonic() < end, "qemu did not start; see its log"
            time.sleep(0.1)
        self._said: queue.Queue[str] = queue.Queue()
        self._history: list[tuple[int, bool]] = []
        # The emulated processor waits until what it tells is read.
        threading.Thread(target=self._listen, daemon=True).start()
        self._ask(f"irq_intercept_out {PATH}")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def forget(self) -> None:
        """Begin the history again."""
        self._ask(f"readl {LEVEL:#x}")  # what happened before this is told before its answer
        self._history.clear()

    def changes(self, pin: int) -> list[bool]:
        """Return what an output became since the history began, oldest first."""
        self._ask(f"readl {LEVEL:#x}")
        return [level for number, level in list(self._history) if number == pin]

    def level(self, pin: int) -> bool:
        """Return a pin's level."""
        return bool(self._read(LEVEL) >> pin & 1)

    def is_output(self, pin: int) -> bool:
        """Say whether a pin is an output."""
        return self._read(FUNCTION_SELECT + 4 * (pin // 10)) >> 3 * (pin % 10) & 0b111 == OUTPUT

    def drive(self, pin: int, *, high: bool) -> None:
        """Drive an input from outside. Nothing else does: the emulated chip has no pull resistors."""
        assert not self.is_output(pin)
        self._ask(f"writel {SET if high else CLEAR:#x} {1 << pin:#x}")
        assert self.level(pin) == high

    def _read(self, register: int) -> int:
        return int(self._ask(f"readl {register:#x}").split()[1], 16)

    def _ask(self, command: str) -> str:
        self._socket.sendall(f"{command}\n".encode())
        said = self._said.get(timeout=SECONDS)
        assert said.startswith("OK"), f"{command}: {said}"
        return said

    def _listen(self) -> None:
        with self._socket.makefile() as lines:
            for line in lines:
                if line.startswith("IRQ "):
                    _, direction, pin = line.split()
                    self._history.append((int(pin), direction == "raise"))
                else:
                    self._said.put(line)
