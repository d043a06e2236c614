"""A prepared card's first boot, in a tree of Debian like Raspberry Pi OS: the unit comes up waiting to be enrolled.

See `make test-card`. cloud-init, netplan, apt, dpkg and the packages' own scripts are real, and do what they do at the
first boot; there is no kernel and no systemd: what they ask systemd to start is seen to be enabled, and not started.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.image.hardening import FIREWALL_PATH, FIREWALL_UNIT, RULES_PATH
from platepost.wire.records import Role
from tests.end_to_end.day import given
from tests.provisioning.enrollment.conftest import open_office
from tests.provisioning.image.test_image import KEY, card

MOUNTS = (("-t", "proc", "proc", "proc"), ("-t", "sysfs", "-o", "ro", "sys", "sys"))
# Nothing of the tree may touch this machine: names, mounts and processes are its own, the network only where apt is.
_APART = ("unshare", "--uts", "--ipc", "--pid", "--mount", "--fork", "--kill-child")
_INSIDE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_OFFLINE": "1", "LC_ALL": "C.UTF-8", "HOME": "/root"}


class Tree:
    """A root file system, and commands that are run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: object, network: bool = False, typed: str = "", allowed: int = 0) -> str:
        """Run a command in the tree as root, and return what it says."""
        mounts = [f"mount {' '.join(mount[:-1])} {self.root}/{mount[-1]}" for mount in MOUNTS]
        mounts += [f"mount --bind {self.root / 'kept'} {self.root / 'run'}"]
        enter = " && ".join([*mounts, f"mount --rbind /dev {self.root}/dev", f'exec chroot {self.root} "$@"'])
        apart = _APART if network else (*_APART, "--net")
        done = subprocess.run(
            [*apart, "sh", "-c", enter, "sh", *map(str, words)],
            env=_INSIDE,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode in {0, allowed}, told
        return done.stdout

    def mode(self, path: str) -> str:
        """Return a file's mode and owner, such as `700 root root`."""
        return self.run("stat", "-c", "%a %U %G", path).strip()

    def is_enabled(self, unit: str, target: str = "multi-user.target") -> bool:
        """Say whether systemd will start a unit when the machine boots."""
        wants = self.root / f"etc/systemd/system/{target}.wants" / unit
        return wants.is_symlink()


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Prepare a card, put it in, and let the first boot happen."""
    archive, packages = (os.environ.get(f"PLATEPOST_CARD_{name}") for name in ("ROOT", "PACKAGES"))
    if not archive or not packages:
        pytest.skip("the tree to boot a card in is missing: make test-card")
    tmp_path = tmp_path_factory.mktemp("card")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xpf", archive], check=True)
    (root / "kept" / "sshd").mkdir(parents=True)
    tree = Tree(root)
    shutil.rmtree(root / "boot" / "firmware", ignore_errors=True)
    boot = card(root / "boot" / "firmware", "trixie")
    key = tmp_path / "id.pub"
    key.write_text(KEY + "\n")
    words = ["--hostname", "post-17", "--ssh-key", str(key), "--timezone", "America/Los_Angeles"]
    for name in ("platepost", "platepost-service"):
        (package,) = Path(packages).glob(f"{name}_*_all.deb")
        words += ["--package", str(package)]
    # The command takes units' packages only; this one is built for the machine that plays the unit, and apt reads that
    # in the package, not in its name.
    (runtime,) = Path(packages).glob("platepost-runtime_*.deb")
    named = tmp_path / f"{runtime.name.rpartition('_')[0]}_arm64.deb"
    shutil.copy(runtime, named)
    words += ["--package", str(named)]
    result = CliRunner().invoke(provision, ["image", str(boot), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for stage in (("init", "--local"), ("init",), ("modules", "--mode", "config")):
        tree.run("cloud-init", *stage)
    said = tree.run("cloud-init", "modules", "--mode", "final", allowed=1)
    assert said.count("--now cannot be used when systemd is not running") == 3, said
    yield tree
    shutil.rmtree(root)


def test_the_user_the_name_and_the_time_zone_are_those_wanted(unit: Tree) -> None:
    assert unit.run("passwd", "-S", "technician").split()[1] == "L", "nobody logs in by password"
    groups = set(unit.run("id", "-nG", "technician").split())
    assert {"video", "gpio"} <= groups
    assert "sudo" not in groups
    keys = "/home/technician/.ssh/authorized_keys"
    assert (unit.root / keys[1:]).read_text().split()[:2] == KEY.split()[:2]
    assert unit.mode(keys) == "600 technician technician"
    unit.run("visudo", "-c")
    assert "NOPASSWD: ALL" in unit.run("sudo", "-l", "-U", "administrator")
    allowed = unit.run("sudo", "-l", "-U", "technician")
    assert "NOPASSWD: /usr/bin/platepost," in allowed
    assert "ALL\n" not in allowed
    assert unit.run("sudo", "-l", "-U", "technician", "platepost", "enroll", "post-17").startswith("/usr/bin/platepost")
    unit.run("sudo", "-l", "-U", "technician", "apt-get", "install", "x", allowed=1)
    assert {"passwordauthentication no", "listenaddress 192.168.50.1:22"} <= set(unit.run("sshd", "-T").splitlines())
    assert (unit.root / "etc/hostname").read_text().strip() == "post-17"
    assert str((unit.root / "etc/localtime").readlink()).endswith("America/Los_Angeles")
    assert unit.is_enabled("ssh.service")


def test_network_manager_is_given_the_service_address_beside_dhcp(unit: Tree) -> None:
    unit.run("netplan", "generate")
    connection = unit.root / "kept/NetworkManager/system-connections/netplan-eth0.nmconnection"
    said = connection.read_text()
    assert "address1=192.168.50.1/24" in said
    assert "method=auto" in said
    assert "interface-name=eth0" in said
    assert connection.stat().st_mode & 0o777 == 0o600


def test_the_packages_are_installed_by_the_service_that_was_left_for_it(unit: Tree) -> None:
    assert unit.is_enabled("platepost-setup.service")
    unit.run("systemd-analyze", "verify", "/etc/systemd/system/platepost-setup.service")
    resolver = unit.root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", resolver)
    unit.run("/usr/local/sbin/platepost-setup", network=True)
    assert not unit.is_enabled("platepost-setup.service"), "it is done once"
    assert unit.run("cat", "/etc/rpi/swap.conf.d/90-platepost.conf") == "[Main]\nMechanism=zram\n"
    assert "waits to be enrolled" in unit.run("run-parts", "/etc/update-motd.d")
    assert unit.run("platepost", "--version").startswith("platepost")
    for command in ("aim", "accept"):
        assert "--as" in unit.run("platepost", command, "--help")


def test_the_firewall_is_raised_at_boot_by_what_the_packages_brought(unit: Tree) -> None:
    assert unit.is_enabled(FIREWALL_UNIT, "sysinit.target")
    unit.run("systemd-analyze", "verify", FIREWALL_PATH)
    unit.run("nft", "-c", "-f", RULES_PATH)


def test_the_post_waits_to_be_enrolled(unit: Tree) -> None:
    assert unit.is_enabled("platepost.service")
    condition = unit.run("grep", "ConditionPathExists", "/usr/lib/systemd/system/platepost.service")
    assert condition.strip() == "ConditionPathExists=/etc/platepost/post.toml"
    assert not (unit.root / "etc/platepost/post.toml").exists()
    assert unit.mode("/etc/platepost") == "750 root platepost"
    assert unit.mode("/etc/platepost/keys") == "700 root root"
    assert list((unit.root / "etc/platepost/keys").iterdir()) == []
    assert {"video", "gpio"} <= set(unit.run("id", "-nG", "platepost").split())


def test_it_is_enrolled_by_the_one_command_of_the_cheat_sheet(unit: Tree, tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    with open_office(fleet, tmp_path) as office:
        options = ("--technician", "r-alvarez", "--as", "j-stone", "--purpose", "work order 7731", "--json")
        invited = given(provision, "post", "invite", fleet.directory, "post-17", "--camera", "picamera2", *options)
        code = invited.partition('"code": "')[2].partition('"')[0]
        command = ("platepost", "enroll", "post-17", f"localhost:{office.port}", "--code-file", "-")
        assert "This unit is post-17" in unit.run(*command, network=True, typed=code + "\n")
    assert unit.mode("/etc/platepost/keys/signing_key.pem").endswith("00 root root")
    assert fleet.posts() == ("post-17",)
    unit.run("platepost", "run", "--config", "/etc/platepost/post.toml", "--check")
