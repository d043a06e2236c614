"""A prepared card is booted: the unit comes up by itself, reachable on its service address, and waits to be enrolled.

See `make test-card`. The machine is Debian as scripts/card-machine makes it, of this machine's architecture; the files
are those that the command writes; boot partition, cloud-init, NetworkManager, apt and systemd are real.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from device.records import Role
from provisioning.cli import provision
from provisioning.fleet import Fleet
from tests.card.machine import CardMachine, boot_partition
from tests.end_to_end.day import given
from tests.provisioning.enrolment.conftest import open_office
from tests.provisioning.image.test_image import card

ADDRESS = "192.168.50.1"
SECONDS = 1200.0


def say(text: str) -> None:
    """Print a line of the test's own log."""
    print(f"card: {text}", flush=True)  # noqa: T201 - run with -s, the log is what is wanted


Done = subprocess.CompletedProcess[str]


@dataclass
class Unit:
    """The unit, its serial line, and the technician's laptop at its service interface."""

    machine: CardMachine
    key: Path

    def ssh(
        self, *words: str, more: tuple[str, ...] = (), typed: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Give a command at the unit as the technician does."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PasswordAuthentication=no")
        options += ("LogLevel=ERROR", "ConnectTimeout=60", "ExitOnForwardFailure=yes")
        command = ["ssh", "-i", str(self.key), "-p", str(self.machine.ssh_port), *more]
        command += [word for option in options for word in ("-o", option)]
        return subprocess.run(
            [*command, "technician@127.0.0.1", *words], input=typed, capture_output=True, text=True, check=False
        )

    def wait_for(self, command: str, wanted: str) -> str:
        """Ask on the serial line again and again until the answer has what is wanted; return it."""
        end = time.monotonic() + SECONDS
        while wanted not in (said := self.machine.run(f"{command} || true")):
            log = "journalctl --no-pager -o cat -n 30 -u platepost-setup -u cloud-final"
            assert time.monotonic() < end, f"{command}: {wanted!r} is not in {said!r}\n{self.machine.run(log)}"
            time.sleep(2)
        return said


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unit]:
    folder, packages = (os.environ.get(f"PLATEPOST_CARD_{name}") for name in ("MACHINE", "PACKAGES"))
    if not folder or not packages:
        pytest.skip("no machine to put a card into: make test-card")
    tmp_path = tmp_path_factory.mktemp("card")
    key = tmp_path / "id_ed25519"
    made = ed25519.Ed25519PrivateKey.generate()
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    key.touch(mode=0o600)
    key.write_bytes(made.private_bytes(*private))
    public = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    key.with_suffix(".pub").write_bytes(made.public_key().public_bytes(*public) + b" r-alvarez@laptop\n")

    boot = card(tmp_path / "boot", "trixie")
    words = ["--hostname", "post-17", "--ssh-key", str(key.with_suffix(".pub")), "--timezone", "America/Los_Angeles"]
    (runtime,) = Path(packages).glob("platepost-runtime_*.deb")
    for name in ("platepost", "platepost-service"):
        (package,) = Path(packages).glob(f"{name}_*_all.deb")
        words += ["--package", str(package)]
    result = CliRunner().invoke(provision, ["image", str(boot), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    # The command takes units' packages only; this one is built for the machine that plays the unit.
    shutil.copy(runtime, boot / "platepost" / runtime.name)
    image = tmp_path / "card.img"
    boot_partition(boot, image)
    with CardMachine(Path(folder), card=image, service=ADDRESS, log=Path(folder) / "serial.log") as machine:
        say(f"a shell after {machine.await_shell():.0f} s; all it says is in {folder}/serial.log")
        yield Unit(machine, key)


def test_it_sets_itself_up_and_is_done(unit: Unit) -> None:
    began = time.monotonic()
    said = unit.wait_for("cloud-init status --format json", '"status": "done"')
    say(f"cloud-init was done after {time.monotonic() - began:.0f} s: {' '.join(said.split())[:300]}")
    assert '"errors": []' in said
    unit.wait_for("systemctl is-enabled platepost-setup.service", "disabled")
    say(f"its packages are installed after {time.monotonic() - began:.0f} s")
    assert "ii " in unit.machine.run("dpkg -l platepost-service | tail -1")
    failed = unit.machine.run("systemctl --failed --plain --no-legend")
    assert failed == "", failed
    assert unit.machine.run("stat -c '%a %U' /usr/local/sbin/platepost-setup") == "755 root"


def test_its_service_interface_has_the_address_beside_what_dhcp_gave(unit: Unit) -> None:
    addresses = unit.machine.run("ip -4 -brief address show dev eth0")
    say(addresses)
    assert f"{ADDRESS}/24" in addresses
    assert "10.0.2.15/24" in addresses
    assert unit.machine.run("hostname") == "post-17"
    assert unit.machine.run("readlink -f /etc/localtime").endswith("America/Los_Angeles")


def test_who_has_the_key_logs_in_and_nobody_by_password(unit: Unit) -> None:
    who = unit.ssh("id -un; sudo -n id -un")
    assert who.stdout.split() == ["technician", "root"], who.stderr
    assert unit.machine.run("passwd -S technician").split()[1] == "L"
    settings = unit.machine.run("sshd -T").splitlines()
    assert "passwordauthentication no" in settings
    stranger = unit.key.with_name("stranger")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    refused = Unit(unit.machine, stranger).ssh("true")
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr


def test_it_waits_to_be_enrolled_and_says_so(unit: Unit) -> None:
    shown = "systemctl show platepost -p ActiveState -p UnitFileState -p ConditionResult"
    state = set(unit.machine.run(shown).split())
    assert state == {"ActiveState=inactive", "UnitFileState=enabled", "ConditionResult=no"}
    assert "waits to be enrolled" in unit.machine.run("cat /etc/motd")
    assert unit.machine.run("stat -c '%a %U %G' /etc/platepost /etc/platepost/keys").splitlines() == [
        "750 root platepost",
        "700 root root",
    ]
    assert unit.machine.run("ls /etc/platepost/keys") == ""
    listening = unit.machine.run("ss -Hltn | awk '{print $4}'").split()
    assert {address.rpartition(":")[2] for address in listening if not address.startswith("127.")} == {"22"}
    assert "enrol" in unit.ssh("sudo platepost enrol --help").stdout


def test_it_is_enrolled_by_the_one_command_of_the_cheat_sheet(unit: Unit, tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    with open_office(fleet, tmp_path) as office:
        options = ("--technician", "r-alvarez", "--as", "j-stone", "--purpose", "work order 7731", "--json")
        invited = given(provision, "post", "invite", fleet.directory, "post-17", "--camera", "picamera2", *options)
        code = invited.partition('"code": "')[2].partition('"')[0]
        # The office is on this machine: the laptop's own connection carries the unit there.
        there = ("-R", f"{office.port}:localhost:{office.port}")
        command = f"sudo platepost enrol post-17 localhost:{office.port} --code-file -"
        done = unit.ssh(command, more=there, typed=code + "\n")
    say(" ".join((done.stdout + done.stderr).split())[:300])
    assert done.returncode == 0, done.stderr
    assert "This unit is post-17" in done.stdout
    assert unit.machine.run("stat -c '%a %U' /etc/platepost/keys/signing_key.pem").endswith("00 root")
    assert fleet.posts() == ("post-17",)
