"""Cards as the two releases leave them: their files by name, and of their contents what is looked at."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import tomllib
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.commands.image import image
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.ssh import SshAuthority
from platepost.provisioning.image.hardening import (
    AUTHORITY_PATH,
    BANNER_PATH,
    BIND_PATH,
    FIREWALL_PATH,
    PRINCIPALS_PATH,
    RULES_PATH,
    SSH_PATH,
    SSH_UNIT_PATH,
    SUDO_PATH,
    rules,
    sudo_rule,
)
from platepost.provisioning.image.partition import Partition
from platepost.provisioning.image.recipe import (
    CONNECTION_PATH,
    SETUP_PATH,
    SWAP_PATH,
    UPGRADES_PATH,
    setup_script,
    setup_unit,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvciB0ZXN0cyBvbmx5LCBub2JvZHkncyBrZXkgYXQgYWxs r-alvarez@laptop"
STOCK = "console=serial0,115200 console=tty1 root=PARTUUID=4d3ee428-02 rootfstype=ext4 fsck.repair=yes rootwait"
WITHOUT_SERIAL = STOCK.removeprefix("console=serial0,115200 ")
FIRSTBOOT = " quiet init=/usr/lib/raspberrypi-sys-mods/firstboot"


def card(folder: Path, release: str) -> Path:
    folder.mkdir()
    (folder / "config.txt").write_text("arm_64bit=1\ncamera_auto_detect=1\n")
    (folder / "kernel8.img").write_bytes(b"kernel")
    if release == "bookworm":
        (folder / "cmdline.txt").write_text(STOCK + FIRSTBOOT + "\n")
    else:
        (folder / "cmdline.txt").write_text(STOCK + " resize\n")
        (folder / "user-data").write_text("#cloud-config\n#hostname: raspberrypi\n")
        (folder / "meta-data").write_text("dsmode: local\ninstance_id: rpios-image\n")
        (folder / "network-config").write_text("network:\n  version: 2\n")
    return folder


PACKAGES = {
    "bookworm": ("platepost-runtime_0.1.0+py311_arm64.deb", "platepost_0.1.0_all.deb"),
    "trixie": (
        "platepost-runtime_0.1.0+py313_arm64.deb",
        "platepost_0.1.0_all.deb",
        "platepost-service_0.1.0_all.deb",
    ),
}


@pytest.fixture
def supplies(tmp_path: Path) -> dict[str, list[str]]:
    """What is given for each release."""
    key = tmp_path / "id.pub"
    key.write_text(KEY + "\n")
    words = ["--hostname", "post-17", "--ssh-key", str(key), "--timezone", "America/Los_Angeles"]
    return {release: [*words, *given(tmp_path, *names)] for release, names in PACKAGES.items()}


def given(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_bytes(name.encode())
    return [word for name in names for word in ("--package", str(folder / name))]


def run(boot: Path, *words: str) -> str:
    result = CliRunner().invoke(image, [str(boot), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_card_is_prepared_and_taken_back(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    before = contents(boot)
    said = json.loads(run(boot, *supplies[release], "--json"))
    assert said["release"] == release
    assert (boot / "platepost" / "platepost_0.1.0_all.deb").read_bytes() == b"platepost_0.1.0_all.deb"
    with pytest.raises(ProvisioningError, match="already prepared"):
        run(boot, *supplies[release])
    run(boot, "--undo")
    assert contents(boot) == before
    with pytest.raises(ProvisioningError, match="nothing to undo"):
        run(boot, "--undo")


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_no_secret_is_on_the_card(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    run(boot, *supplies[release])
    texts = [path.read_text() for path in boot.rglob("*") if path.is_file() and path.suffix != ".img"]
    everything = "".join(texts).lower().replace("nopasswd", "")
    assert "private key" not in everything
    assert "passwd:" not in everything
    assert "plain_text_passwd" not in everything
    assert "password =" not in everything
    private = tmp_path / "id"
    private.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(ProvisioningError, match="is a private key"):
        run(card(tmp_path / "other", release), *supplies[release], "--ssh-key", str(private))


def test_release_13_is_set_up_by_cloud_init(tmp_path: Path, supplies: dict[str, list[str]]) -> None:
    boot = card(tmp_path / "boot", "trixie")
    run(boot, *supplies["trixie"])
    text = (boot / "user-data").read_text()
    assert text.startswith("#cloud-config\n")
    said = json.loads(text.partition("\n")[2])
    user, _administrator = said["users"]
    assert (said["hostname"], said["ssh_pwauth"], user["lock_passwd"]) == ("post-17", False, True)
    assert user["ssh_authorized_keys"] == [KEY]
    network = json.loads((boot / "network-config").read_text())["network"]["ethernets"]["eth0"]
    assert network == {"dhcp4": True, "optional": True, "addresses": ["192.168.50.1/24"]}
    assert json.loads((boot / "meta-data").read_text())["instance-id"] != "rpios-image"
    assert (boot / "cmdline.txt").read_text() == WITHOUT_SERIAL + " resize\n"


def left_on_the_unit(root: Path, boot: Path, release: str) -> dict[str, str]:
    """Return the files that a prepared card leaves on the unit, by path."""
    if release == "trixie":
        said = json.loads((boot / "user-data").read_text().partition("\n")[2])
        return {each["path"]: each["content"] for each in said["write_files"]}
    (root / "boot").mkdir(parents=True)
    subprocess.run(["cp", "-r", str(boot), str(root / "boot" / "firmware")], check=True)
    environment = {**os.environ, "PLATEPOST_ROOT": str(root)}
    subprocess.run(["bash", str(boot / "firstrun.sh")], env=environment, check=True)
    return {f"/{path.relative_to(root)}": path.read_text() for path in (root / "etc").rglob("*") if path.is_file()}


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_unit_answers_its_technicians_only(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    run(boot, *supplies[release], "--service-address", "10.9.8.1/28")
    found = left_on_the_unit(tmp_path / "root", boot, release)
    ssh = found[SSH_PATH].splitlines()
    assert [line for line in ssh if line.startswith("ListenAddress")] == ["ListenAddress 10.9.8.1"]
    assert {"PermitRootLogin no", "PasswordAuthentication no", "AllowUsers technician administrator"} <= set(ssh)
    assert f"Banner {BANNER_PATH}" in ssh
    assert "certified technicians" in found[BANNER_PATH]
    assert "net.ipv4.ip_nonlocal_bind = 1" in found[BIND_PATH], "sshd may start before the address is there"
    assert "policy drop" in found[RULES_PATH]
    (accepted,) = [line.strip() for line in found[RULES_PATH].splitlines() if "tcp dport" in line]
    assert accepted == 'iifname "eth0" ip saddr 10.9.8.0/28 ip daddr 10.9.8.1 tcp dport { 22, 8088 } accept'
    assert f"nft -f {RULES_PATH}" in found[FIREWALL_PATH]
    if release == "bookworm":
        wanted = tmp_path / "root/etc/systemd/system/sysinit.target.wants/platepost-firewall.service"
        assert str(wanted.readlink()) == FIREWALL_PATH
    else:
        said = json.loads((boot / "user-data").read_text().partition("\n")[2])
        assert said["runcmd"][0] == ["systemctl", "enable", "--now", "platepost-firewall.service"]
    assert "nftables" in setup_script()
    assert "Requires=platepost-firewall.service" in found[SSH_UNIT_PATH].splitlines(), "no log-in without the firewall"


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_nothing_of_the_uplink_reaches_a_unit_with_a_service_port(
    tmp_path: Path, supplies: dict[str, list[str]], release: str
) -> None:
    boot = card(tmp_path / "boot", release)
    run(boot, *supplies[release], "--service-interface", "eth1")
    found = left_on_the_unit(tmp_path / "root", boot, release)
    (accepted,) = [line for line in found[RULES_PATH].splitlines() if "tcp dport" in line]
    assert accepted.split()[:2] == ["iifname", '"eth1"']
    if release == "bookworm":
        connection = found[CONNECTION_PATH].splitlines()
        assert {"interface-name=eth1", "method=manual", "address1=192.168.50.1/24"} <= set(connection)
    else:
        ports = json.loads((boot / "network-config").read_text())["network"]["ethernets"]
        assert ports == {
            "eth0": {"dhcp4": True, "optional": True},
            "eth1": {"optional": True, "addresses": ["192.168.50.1/24"]},
        }


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_technician_is_not_root(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    run(boot, *supplies[release])
    found = left_on_the_unit(tmp_path / "root", boot, release)
    assert found[SUDO_PATH] == sudo_rule("technician")
    if release == "trixie":
        said = json.loads((boot / "user-data").read_text().partition("\n")[2])
        users = {each["name"]: each for each in said["users"]}
        assert "sudo" not in users["technician"]
        assert "sudo" not in users["technician"]["groups"]
        assert users["administrator"]["sudo"] == "ALL=(ALL) NOPASSWD:ALL"
        (mode,) = [each["permissions"] for each in said["write_files"] if each["path"] == SUDO_PATH]
        assert mode == "0440"


def test_the_firewall_s_rules_are_ones_that_nft_takes(tmp_path: Path) -> None:
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None:
        pytest.skip("nft is missing: make tools")
    path = tmp_path / "rules.nft"
    path.write_text(rules(IPv4Interface("192.168.50.1/24"), "eth0"))
    done = subprocess.run([nft, "-c", "-f", str(path)], capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("root is missing: run the tests as root")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_no_serial_port_has_a_console(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    path = boot / "cmdline.txt"
    path.write_text(f"console=ttyAMA0,115200 console=ttyS0 {path.read_text()}")
    run(boot, *supplies[release])
    words = path.read_text().split()
    assert [word for word in words if word.startswith("console=")] == ["console=tty1"]
    assert "root=PARTUUID=4d3ee428-02" in words


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_radios_are_off_until_undone(tmp_path: Path, supplies: dict[str, list[str]], release: str) -> None:
    boot = card(tmp_path / "boot", release)
    before = (boot / "config.txt").read_text()
    run(boot, *supplies[release])
    after = (boot / "config.txt").read_text()
    assert after.startswith(before)
    assert after.partition("[all]\n")[2].splitlines()[1:] == ["dtoverlay=disable-wifi", "dtoverlay=disable-bt"]
    run(boot, "--undo")
    assert (boot / "config.txt").read_text() == before


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside")


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_unit_trusts_whom_the_fleet_certifies(
    tmp_path: Path, supplies: dict[str, list[str]], fleet: Fleet, release: str
) -> None:
    boot = card(tmp_path / "boot", release)
    words = [word for word in supplies[release] if word not in {"--ssh-key", str(tmp_path / "id.pub")}]
    run(boot, *words, "--fleet", str(fleet.directory))
    found = left_on_the_unit(tmp_path / "root", boot, release)
    assert found[AUTHORITY_PATH].strip() == SshAuthority(fleet).public_line()
    assert found[f"{PRINCIPALS_PATH}/technician"].split() == ["technician", "administrator"]
    assert found[f"{PRINCIPALS_PATH}/administrator"].split() == ["administrator"]
    assert f"TrustedUserCAKeys {AUTHORITY_PATH}" in found[SSH_PATH].splitlines()
    assert f"AuthorizedPrincipalsFile {PRINCIPALS_PATH}/%u" in found[SSH_PATH].splitlines()


def set_up(tmp_path: Path, **programs: str) -> list[str]:
    """Run the script with its paths below a folder; return what it asked of the system, each program doing as said."""
    asked = tmp_path / "asked"
    (tmp_path / "bin").mkdir()
    for name in ("systemctl", "apt-get", "dpkg"):
        does = programs.get(name.replace("-", "_"), "")
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{asked}\n{does}\n')
        (tmp_path / "bin" / name).chmod(0o755)
    package = tmp_path / "boot/firmware/platepost/platepost_1_all.deb"
    package.parent.mkdir(parents=True)
    package.touch()
    (tmp_path / UPGRADES_PATH[1:]).parent.mkdir(parents=True)
    script = setup_script().replace(" /", f" {tmp_path}/").replace(">/etc", f">{tmp_path}/etc")
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", script], env=environment, check=True)
    return asked.read_text().splitlines()


def test_swap_is_kept_off_the_card(tmp_path: Path) -> None:
    first, *_, last = set_up(tmp_path)
    assert (tmp_path / SWAP_PATH[1:]).read_text() == "[Main]\nMechanism=zram\n"
    assert first == "systemctl disable dphys-swapfile.service"
    assert last == "systemctl disable platepost-setup.service"
    assert setup_unit().index("swapoff --all") < setup_unit().index(SETUP_PATH)


def test_security_updates_install_themselves(tmp_path: Path) -> None:
    (install,) = [words for words in set_up(tmp_path) if "install" in words]
    assert "unattended-upgrades" in install.split()
    if shutil.which("apt-config") is None:
        pytest.skip("apt is missing: run the tests on Debian")
    environment = os.environ | {"APT_CONFIG": str(tmp_path / UPGRADES_PATH[1:])}
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True, env=environment).stdout
    assert 'APT::Periodic::Unattended-Upgrade "1";' in dumped
    assert 'APT::Periodic::Update-Package-Lists "1";' in dumped


def test_an_installation_that_a_power_cut_ended_goes_on(tmp_path: Path) -> None:
    # apt refuses all until dpkg has ended what it was at: "dpkg was interrupted, you must manually run ...". What
    # dpkg cannot end, for want of another package, apt does.
    configured = tmp_path / "configured"
    asked = set_up(
        tmp_path, dpkg=f'[ "$*" = "--configure -a" ] && touch {configured}; exit 1', apt_get=f"[ -e {configured} ]"
    )
    assert asked[-1] == "systemctl disable platepost-setup.service"


def test_release_12_is_set_up_by_custom_toml_and_a_script(tmp_path: Path, supplies: dict[str, list[str]]) -> None:
    boot = card(tmp_path / "boot", "bookworm")
    run(boot, *supplies["bookworm"])
    said = tomllib.loads((boot / "custom.toml").read_text())
    assert said == {
        "config_version": 1,
        "system": {"hostname": "post-17"},
        "user": {"name": "technician"},
        "ssh": {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]},
        "locale": {"timezone": "America/Los_Angeles"},
    }
    line = (boot / "cmdline.txt").read_text()
    assert line.count("\n") == 1
    assert line.startswith(WITHOUT_SERIAL + FIRSTBOOT)
    assert " systemd.run=/boot/firmware/firstrun.sh " in line


def test_the_script_of_release_12_is_there_for_as_long_as_it_is_to_be_run(
    tmp_path: Path, supplies: dict[str, list[str]]
) -> None:
    root = tmp_path / "root"
    (root / "boot").mkdir(parents=True)
    boot = card(root / "boot" / "firmware", "bookworm")
    run(boot, *supplies["bookworm"])
    # The power goes as its line is to be taken out.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sed").write_text("#!/bin/sh\nkill -9 $PPID\n")
    (tmp_path / "bin" / "sed").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PLATEPOST_ROOT": str(root), "PATH": path}
    subprocess.run(["bash", str(boot / "firstrun.sh")], env=environment, check=False)
    assert "systemd.run=" in (boot / "cmdline.txt").read_text()
    assert (boot / "firstrun.sh").exists()


def test_the_script_of_release_12_leaves_a_unit_that_installs_the_packages(
    tmp_path: Path, supplies: dict[str, list[str]]
) -> None:
    root = tmp_path / "root"
    (root / "boot").mkdir(parents=True)
    boot = card(root / "boot" / "firmware", "bookworm")
    run(boot, *supplies["bookworm"])
    # At its first boot the unit takes out of its command line what led there.
    line = boot / "cmdline.txt"
    line.write_text(line.read_text().replace(FIRSTBOOT, ""))
    environment = {**os.environ, "PLATEPOST_ROOT": str(root)}
    subprocess.run(["bash", str(boot / "firstrun.sh")], env=environment, check=True)
    assert not (boot / "firstrun.sh").exists()
    assert line.read_text() == WITHOUT_SERIAL + "\n"
    setup = root / "usr/local/sbin/platepost-setup"
    assert setup.read_text() == setup_script()
    assert setup.stat().st_mode & 0o777 == 0o755
    connection = root / "etc/NetworkManager/system-connections/platepost-service.nmconnection"
    assert connection.stat().st_mode & 0o777 == 0o600, "NetworkManager heeds no file that others may read"
    wanted = root / "etc/systemd/system/multi-user.target.wants/platepost-setup.service"
    assert str(wanted.readlink()) == "/etc/systemd/system/platepost-setup.service"
    subprocess.run(["sh", "-n", str(setup)], check=True)
    with pytest.raises(ProvisioningError, match="the card was booted"):
        run(boot, "--undo")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda boot: (boot / "cmdline.txt").unlink(), "no boot partition"),
        (lambda boot: (boot / "kernel8.img").unlink(), "64-bit"),
        (lambda boot: (boot / "cmdline.txt").write_text(STOCK), "write the image to the card again"),
    ],
    ids=["empty", "32-bit", "booted"],
)
def test_what_is_no_fresh_card_is_refused_and_left_alone(
    tmp_path: Path, supplies: dict[str, list[str]], spoil: object, said: str
) -> None:
    boot = card(tmp_path / "boot", "bookworm")
    spoil(boot)  # type: ignore[operator]
    before = contents(boot)
    with pytest.raises(ProvisioningError, match=said):
        run(boot, *supplies["bookworm"])
    assert contents(boot) == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--hostname", "Post_17", "host name"),
        ("--service-address", "8.8.8.8/24", "private address"),
        ("--service-address", "192.168.50.1", "network's width"),
        ("--service-address", "eth0", "such as 192"),
        ("--timezone", "a b; reboot", "time zone"),
        ("--user", "root;", "user"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, supplies: dict[str, list[str]], option: str, value: str, said: str
) -> None:
    boot = card(tmp_path / "boot", "trixie")
    with pytest.raises(ProvisioningError, match=said):
        run(boot, *supplies["trixie"], option, value)
    assert not (boot / "platepost").exists()


R12, (R13, APP, SERVICE) = PACKAGES["bookworm"][0], PACKAGES["trixie"]


@pytest.mark.parametrize(
    ("release", "names", "said"),
    [
        ("bookworm", (R13, APP), r"not for release 12 \(bookworm\): give platepost-runtime_0.1.0\+py311_arm64.deb"),
        ("trixie", (R12, APP, SERVICE), r"not for release 13 .*py313_arm64.deb, as `make deb` builds it"),
        ("trixie", (R13,), "give platepost and platepost-service too"),
        ("trixie", (R13, APP), "give platepost-service too"),
        ("trixie", (APP, SERVICE), "give platepost-runtime too"),
        ("bookworm", (R12,), r"give platepost too, .* `make deb SUITE=bookworm`"),
        ("bookworm", (R12, APP, SERVICE), "leave it out"),
        ("trixie", (R13, APP, "platepost-service_0.2.0_all.deb"), "service 0.2.0 goes with no other platepost"),
        ("trixie", (R13, APP, SERVICE, "platepost_0.2.0_all.deb"), "only one platepost can be used"),
        ("trixie", (R13, APP, SERVICE, "platepost-video_0.1.0+py311_arm64.deb"), "video_0.1.0.py311.* is not"),
        ("trixie", ("platepost-runtime_0.1.0_arm64.deb", APP, SERVICE), "not for release 13"),
        ("trixie", ("platepost-runtime_0.1.0+py313_amd64.deb", APP, SERVICE), "expected"),
    ],
)
def test_packages_that_the_release_would_not_install_are_refused(
    tmp_path: Path, supplies: dict[str, list[str]], release: str, names: tuple[str, ...], said: str
) -> None:
    boot = card(tmp_path / "boot", release)
    before = contents(boot)
    options = supplies[release][:6]
    with pytest.raises(ProvisioningError, match=said):
        run(boot, *options, *given(tmp_path, *names))
    assert contents(boot) == before


def test_a_simulator_of_its_own_python_and_version_may_come_along(
    tmp_path: Path, supplies: dict[str, list[str]]
) -> None:
    boot = card(tmp_path / "boot", "trixie")
    simulator = "platepost-simulator_0.1.0_all.deb"
    run(boot, *supplies["trixie"], *given(tmp_path, simulator))
    assert {path.name for path in (boot / "platepost").glob("*.deb")} == {*PACKAGES["trixie"], simulator}


def test_a_card_without_room_is_left_alone(
    tmp_path: Path, supplies: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = card(tmp_path / "boot", "trixie")
    before = contents(boot)
    real = os.statvfs

    def almost_full(path: object) -> os.statvfs_result:
        values = list(real(path))  # type: ignore[call-overload]
        values[0], values[1], values[4] = 4096, 4096, 12  # block sizes, blocks that are available
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", almost_full)
    with pytest.raises(ProvisioningError, match=r"0.05 MB free, 0.0\d MB needed; nothing was written"):
        run(boot, *supplies["trixie"])
    assert contents(boot) == before


class FullCard:
    """Lets the first so many writes through, and half of the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
        self.left = writes
        self._put = Partition._put
        full = self

        def put(partition: Partition, name: str, content: bytes) -> None:
            full.left -= 1
            full._put(partition, name, content if full.left >= 0 else content[: len(content) // 2])
            if full.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Partition, "_put", put)


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize("writes", range(5))
def test_what_was_written_in_part_is_taken_back(
    tmp_path: Path, supplies: dict[str, list[str]], release: str, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = card(tmp_path / "boot", release)
    before = contents(boot)
    with monkeypatch.context() as full:
        FullCard(full, writes)
        with pytest.raises(ProvisioningError, match="No space left on device; --undo reverses what was written"):
            run(boot, *supplies[release])
    with pytest.raises(ProvisioningError, match="already prepared; --undo"):
        run(boot, *supplies[release])
    assert run(boot, "--undo").startswith("As before: ")
    assert contents(boot) == before
    run(boot, *supplies[release])


def test_an_undo_that_fails_on_its_way_is_done_again(
    tmp_path: Path, supplies: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = card(tmp_path / "boot", "trixie")
    before = contents(boot)
    run(boot, *supplies["trixie"])
    with monkeypatch.context() as pulled:
        FullCard(pulled, 1)
        with pytest.raises(ProvisioningError, match="it cannot be undone"):
            run(boot, "--undo")
    run(boot, "--undo")
    assert contents(boot) == before


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"\xff", b"[]", b"5", b'{"user-data": 5}', b'{"user-data": {"before": "x", "after": ""}}'],
)
def test_an_undo_file_that_is_damaged_is_reported_and_changes_nothing(
    tmp_path: Path, supplies: dict[str, list[str]], damaged: bytes
) -> None:
    boot = card(tmp_path / "boot", "trixie")
    run(boot, *supplies["trixie"])
    (boot / "platepost" / "undo.json").write_bytes(damaged)
    before = contents(boot)
    with pytest.raises(ProvisioningError, match=r"cannot be undone: undo\.json is damaged"):
        run(boot, "--undo")
    assert contents(boot) == before


def test_a_card_that_somebody_made_leads_to_no_file_elsewhere(tmp_path: Path, supplies: dict[str, list[str]]) -> None:
    """What is undone stands on the card itself, and a card need not be one that we prepared."""
    target = tmp_path / "authorized_keys"
    target.write_text("mine\n")
    boot = card(tmp_path / "boot", "trixie")
    (boot / "platepost").mkdir()
    (boot / "platepost" / "unfinished").touch()
    for name in ("../authorized_keys", str(target), "user-data"):
        (boot / "platepost" / "undo.json").write_text(json.dumps({name: {"before": "dGhlaXJz", "after": ""}}))
        (boot / "user-data").unlink(missing_ok=True)
        (boot / "user-data").symlink_to(target)
        with pytest.raises(ProvisioningError, match=r"files outside the partition|cannot be undone"):
            run(boot, "--undo")
    linked = card(tmp_path / "linked", "trixie")
    (linked / "platepost").symlink_to(tmp_path)
    with pytest.raises(ProvisioningError, match="is a symbolic link"):
        run(linked, *supplies["trixie"])
    assert target.read_text() == "mine\n"


@pytest.mark.parametrize("release", PACKAGES)
def test_time_servers_of_the_departments_are_set_up(
    tmp_path: Path, supplies: dict[str, list[str]], release: str
) -> None:
    boot = card(tmp_path / "bootfs", release)
    arguments = [str(boot), *supplies[release], "--nts-server", "time.example"]
    result = CliRunner().invoke(image, arguments)
    assert result.exit_code == 0, result.output
    written = "".join(path.read_text() for path in boot.glob("*") if path.name in {"user-data", "firstrun.sh"})
    assert "server time.example iburst nts" in written


@pytest.mark.parametrize("name", ["time.example' >/etc/passwd", "localhost", "192.0.2.1 nts", "-x.example", "a..b"])
def test_what_is_no_name_of_a_time_server_is_refused(tmp_path: Path, supplies: dict[str, list[str]], name: str) -> None:
    boot = card(tmp_path / "bootfs", "trixie")
    result = CliRunner().invoke(image, [str(boot), *supplies["trixie"], "--nts-server", name])
    assert isinstance(result.exception, ProvisioningError), result.output
