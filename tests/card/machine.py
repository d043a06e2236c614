"""A machine with a prepared card in it: qemu with the disk of scripts/card-machine and the boot partition."""

import platform
import re
import subprocess
import time
from pathlib import Path

from simulator.daemon import free_port
from tests.arm.machine import MEMORY_MIB, Machine

PROMPT = re.compile(rb"root@[a-z0-9-]+:[^#\n]*# ")


class CardMachine(Machine):
    """Of this machine's own architecture; with KVM where there is any. What it writes is forgotten, but for the card.

    Args:
        folder: disk, kernel and initrd.
        card: an image of the boot partition, which the machine sees as its second disk and may write to.
        service: the address of its Ethernet port; `ssh_port` on loopback leads to port 22 of it.
        log: where all that the serial line says goes.

    """

    def __init__(self, folder: Path, *, card: Path, service: str, log: Path) -> None:
        super().__init__(folder, packages=card, log=log)
        self.ssh_port = free_port()
        arm = platform.machine() == "aarch64"
        line = "ttyAMA0" if arm else "ttyS0"
        self._command = [
            *(("qemu-system-aarch64", "-M", "virt") if arm else ("qemu-system-x86_64", "-M", "q35")),
            *("-accel", "kvm", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB)),
            *("-nodefaults", "-display", "none"),
            *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd")),
            *("-append", f"root=/dev/vda rw console={line} net.ifnames=0 quiet systemd.show_status=no"),
            *("-drive", f"file={folder / 'disk.img'},if=virtio,format=raw,snapshot=on"),
            *("-drive", f"file={card},if=virtio,format=raw"),
            *("-netdev", f"user,id=lan,hostfwd=tcp:127.0.0.1:{self.ssh_port}-{service}:22"),
            *("-device", "virtio-net-pci,netdev=lan,romfile="),
            *("-serial", f"unix:{self._socket},server=on,wait=off"),
        ]

    def await_shell(self, *, seconds: float = 900.0) -> float:
        """Wait until the machine has started, as far as its shell; return how long that took."""
        began = time.monotonic()
        self._read_until(PROMPT, seconds)
        self._line.sendall(b"stty -echo cols 4000; PS1= PS2=; export LC_ALL=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0\n")
        self.run("true")
        return time.monotonic() - began


def boot_partition(files: Path, image: Path) -> None:
    """Make a FAT image, labelled as Raspberry Pi OS labels it, of the files in a folder."""
    subprocess.run(["mkfs.vfat", "-C", "-n", "bootfs", str(image), str(256 * 1024)], check=True, capture_output=True)
    inside = [str(path) for path in files.iterdir()]
    subprocess.run(["mcopy", "-s", "-Q", "-i", str(image), *inside, "::"], check=True)
