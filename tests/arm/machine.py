"""An emulated 64-bit ARM machine: started, spoken to over its serial line, ended."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PROMPT = re.compile(rb"root@post:[^#\n]*# ")
MEMORY_MIB = 1024
KERNEL = (
    "root=/dev/vda rw console=ttyAMA0 quiet systemd.show_status=no"
    # Where much else runs besides, the serial line is found late, and there would be no shell on it after 90 s.
    " systemd.default_device_timeout_sec=3600 systemd.default_timeout_start_sec=3600"
)


class Patience:
    """How long something is waited for, by what the emulated machine could do meanwhile.

    It ends when the machine has had its `seconds` of a processor: one that emulates besides much else is waited for as
    long as it needs. It ends too when `IDLE` times as long has passed, for a machine that hangs needs no processor.
    """

    IDLE = 8

    def __init__(self, process: int, seconds: float) -> None:
        self._stat = Path(f"/proc/{process}/stat")
        self._work_end = self._work() + seconds
        self._end = time.monotonic() + self.IDLE * seconds

    def ended(self) -> bool:
        """Say whether it has."""
        return self._work() > self._work_end or time.monotonic() > self._end

    def _work(self) -> float:
        user, system = self._stat.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Machine:
    """qemu with the disk that scripts/arm-machine built, of which nothing is changed: writes are forgotten at the end.

    Args:
        folder: disk, kernel and initrd.
        packages: an image that the machine sees as its second disk.
        log: where all that the serial line says goes.

    """

    def __init__(self, folder: Path, *, packages: Path, log: Path) -> None:
        self._socket = log.with_suffix(".socket")
        self._log = log.open("wb")
        self._number = 0
        self._command = [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(MEMORY_MIB)),
            *("-nodefaults", "-display", "none"),
            *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd")),
            *("-append", KERNEL),
            *("-drive", f"file={folder / 'disk.img'},if=virtio,format=raw,snapshot=on"),
            *("-drive", f"file={packages},if=virtio,format=raw,readonly=on"),
            *("-netdev", "user,id=lan", "-device", "virtio-net-pci,netdev=lan,romfile="),
            *("-serial", f"unix:{self._socket},server=on,wait=off"),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:
            try:
                self._line.connect(str(self._socket))
                break
            except OSError:
                assert self._process.poll() is None, "qemu did not start; see its log"
                time.sleep(0.2)
        self._line.settimeout(1.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def patience(self, seconds: float) -> Patience:
        """Begin to wait for something that takes so many seconds of a processor at most."""
        return Patience(self._process.pid, seconds)

    def await_shell(self, *, seconds: float = 900.0) -> float:
        """Wait until the machine has started, as far as its shell; return how long that took."""
        began = time.monotonic()
        self._read_until(PROMPT, seconds)
        # No echo, no prompt, no line too long for a terminal: what comes is what a command says.
        self._line.sendall(b"stty -echo cols 4000; PS1= PS2=; export LC_ALL=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0\n")
        self.run("true")
        return time.monotonic() - began

    def run(self, command: str, *, seconds: float = 300.0, allowed: Sequence[int] = (0,)) -> str:
        """Have the machine run a line of shell, and return what it says."""
        self._number += 1
        mark = f"done{self._number}"
        self._line.sendall(f"{{ {command}\n}} </dev/null 2>&1; echo {mark[:2]}''{mark[2:]}=$?\n".encode())
        said = self._read_until(re.compile(rf"{mark}=(\d+)\r?\n".encode()), seconds)
        text, _, code = said.rpartition(f"{mark}=")
        text = text.replace("\r", "").strip()
        assert int(code) in allowed, f"{command}: exit code {code.strip()}\n{text[-4000:]}"
        return text

    def send(self, command: str) -> None:
        """Have it run something that ends the shell."""
        self._line.sendall(f"{command}\n".encode())

    def _read_until(self, pattern: re.Pattern[bytes], seconds: float) -> str:
        heard = b""
        patience = self.patience(seconds)
        while not (found := pattern.search(heard)):
            assert not patience.ended(), f"the machine did not say {pattern.pattern!r}: {heard[-2000:]!r}"
            assert self._process.poll() is None, "qemu ended; see its log"
            try:
                more = self._line.recv(65536)
            except TimeoutError:
                continue
            self._log.write(more)
            self._log.flush()
            heard += more
        return heard[: found.end()].decode(errors="replace")
