"""What is written onto a boot partition, for each release of Raspberry Pi OS.

Release 13 (trixie) is set up by cloud-init, whose NoCloud source reads `user-data`, `network-config` and `meta-data`
from the boot partition (RPi-Distro/pi-gen, stage2/04-cloud-init; docs.cloud-init.io, NoCloud). Release 12 (bookworm) is
set up by `custom.toml`, which `init=/usr/lib/raspberrypi-sys-mods/firstboot` reads at the first boot
(RPi-Distro/raspberrypi-sys-mods, init_config), and by `firstrun.sh`, which systemd runs at the second (`systemd.run=`
in `cmdline.txt`, as Raspberry Pi Imager does). Both end in the same two files on the unit, a script and a service that
installs the packages from the boot partition and tries again until that succeeds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Interface
from uuid import uuid4

from platepost.provisioning.image.hardening import (
    ADMINISTRATOR,
    BIND_PATH,
    FIREWALL_PATH,
    FIREWALL_UNIT,
    SUDO_PATH,
    Service,
    hardening,
    without_radios,
    without_serial_console,
)

FOLDER = "platepost"
"""On the boot partition: packages, and what is needed to undo."""
FIRMWARE = "/boot/firmware"
"""Where both releases mount the boot partition."""
SWAP_PATH = "/etc/rpi/swap.conf.d/90-platepost.conf"
"""Configures the swap of release 13 (raspberrypi/rpi-swap, swap.conf(5)), by default compressed memory and a file."""
CHRONY_PATH = "/etc/chrony"
SETUP_PATH = "/usr/local/sbin/platepost-setup"
UPGRADES_PATH = "/etc/apt/apt.conf.d/52platepost"
"""Configures unattended-upgrades, after its own file."""
UNIT_PATH = "/etc/systemd/system/platepost-setup.service"
UPLINK = "eth0"
"""The Ethernet port that DHCP configures."""
CONNECTION_PATH = "/etc/NetworkManager/system-connections/platepost-service.nmconnection"


class Release(StrEnum):
    """A release of Raspberry Pi OS."""

    BOOKWORM = "bookworm"
    TRIXIE = "trixie"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSetup:
    """How the unit is to be set up. It contains no secret."""

    hostname: str
    user: str
    ssh_keys: Sequence[str]
    """Public keys of more who may log in, forever; there is no password."""
    ssh_authority: str | None = None
    """The public key that certifies technicians' keys, a line."""
    service_address: IPv4Interface
    """Where technicians reach the unit."""
    service_interface: str = UPLINK
    """The Ethernet port that has this address."""
    timezone: str = "UTC"
    nts_servers: Sequence[str] = ()
    """Time servers of the department's that speak NTS. Where there is one, no other time is believed."""


def files(release: Release, setup: UnitSetup, *, cmdline: str, config: str) -> dict[str, bytes]:
    """Return the files to write, by their names on the boot partition.

    `cmdline` and `config` are the texts of the present cmdline.txt and config.txt.
    """
    recipe = _trixie(setup) if release is Release.TRIXIE else _bookworm(setup, cmdline)
    recipe["config.txt"] = without_radios(config)
    recipe["cmdline.txt"] = f"{without_serial_console(recipe.get('cmdline.txt', cmdline))}\n"
    return {name: text.encode() for name, text in recipe.items()}


def _trixie(setup: UnitSetup) -> dict[str, str]:
    # YAML takes JSON as it is, and JSON has one way to write a text.
    user_data = {
        "hostname": setup.hostname,
        "manage_etc_hosts": True,
        "timezone": setup.timezone,
        "ssh_pwauth": False,
        "users": [
            # A technician is in the group of those who read the journal, and not in that of sudo.
            _user(setup, setup.user, ["adm", "dialout", "video", "gpio", "netdev"]),
            _user(setup, ADMINISTRATOR, ["adm", "sudo"]) | {"sudo": "ALL=(ALL) NOPASSWD:ALL"},
        ],
        "write_files": [
            {"path": SETUP_PATH, "permissions": "0755", "content": setup_script(setup.nts_servers)},
            {"path": UNIT_PATH, "permissions": "0644", "content": setup_unit()},
            *(
                {"path": path, "permissions": f"0{_mode(path)}", "content": text}
                for path, text in _hardening(setup).items()
            ),
        ],
        "runcmd": [
            ["systemctl", "enable", "--now", FIREWALL_UNIT],
            ["sysctl", "--load", BIND_PATH],
            # It may have started before it was told where to listen.
            ["systemctl", "restart", "ssh.service"],
            ["systemctl", "enable", "--now", "ssh.service"],
            ["systemctl", "enable", "--now", "--no-block", "platepost-setup.service"],
        ],
    }
    ports: dict[str, dict[str, object]] = {UPLINK: {"dhcp4": True, "optional": True}}
    ports.setdefault(setup.service_interface, {"optional": True})["addresses"] = [str(setup.service_address)]
    network = {"network": {"version": 2, "ethernets": ports}}
    # Another instance than the image's own: cloud-init sets up once for each.
    instance = f"platepost-{setup.hostname}-{uuid4().hex[:8]}"
    meta_data = {"dsmode": "local", "instance-id": instance, "instance_id": instance}
    return {
        "user-data": "#cloud-config\n" + json.dumps(user_data, indent=1) + "\n",
        "network-config": json.dumps(network, indent=1) + "\n",
        "meta-data": json.dumps(meta_data, indent=1) + "\n",
        "ssh": "",
    }


def _user(setup: UnitSetup, name: str, groups: Sequence[str]) -> dict[str, object]:
    user = {"name": name, "groups": list(groups), "shell": "/bin/bash", "lock_passwd": True}
    return user | ({"ssh_authorized_keys": list(setup.ssh_keys)} if setup.ssh_keys else {})


def _bookworm(setup: UnitSetup, cmdline: str) -> dict[str, str]:
    keys = ", ".join(json.dumps(key) for key in setup.ssh_keys)
    custom = f"""\
config_version = 1

[system]
hostname = {json.dumps(setup.hostname)}

[user]
name = {json.dumps(setup.user)}

[ssh]
enabled = true
password_authentication = false
authorized_keys = [{keys}]

[locale]
timezone = {json.dumps(setup.timezone)}
"""
    run = f"systemd.run={FIRMWARE}/firstrun.sh systemd.run_success_action=reboot"
    return {
        "custom.toml": custom,
        "firstrun.sh": _firstrun(setup),
        # One line: what comes after a newline is not read.
        "cmdline.txt": f"{cmdline.strip()} {run} systemd.unit=kernel-command-line.target\n",
    }


def _firstrun(setup: UnitSetup) -> str:
    connection = f"""\
[connection]
id=platepost-service
type=ethernet
interface-name={setup.service_interface}

[ipv4]
method={"auto" if setup.service_interface == UPLINK else "manual"}
address1={setup.service_address}

[ipv6]
method=auto
"""
    keys = "".join(f"{key}\n" for key in setup.ssh_keys)
    return f"""\
#!/bin/bash
# Run once, by systemd, at the second boot; ROOT is for trying it elsewhere.
set -u
ROOT="${{PLATEPOST_ROOT:-}}"
put() {{
  mkdir -p "$(dirname "$ROOT$2")"
  install -m "$1" /dev/stdin "$ROOT$2"
}}
put 755 {SETUP_PATH} <<'PLATEPOST_END'
{setup_script(setup.nts_servers)}PLATEPOST_END
put 644 {UNIT_PATH} <<'PLATEPOST_END'
{setup_unit()}PLATEPOST_END
put 600 {CONNECTION_PATH} <<'PLATEPOST_END'
{connection}PLATEPOST_END
{_put_all(_hardening(setup))}\
# The image lets its first user do everything without a password.
rm -f "$ROOT/etc/sudoers.d/010_pi-nopasswd"
if [ -z "$ROOT" ]; then
  gpasswd --delete {setup.user} sudo
  useradd --create-home --shell /bin/bash --groups adm,sudo {ADMINISTRATOR}
fi
put 440 {SUDO_PATH}-{ADMINISTRATOR} <<'PLATEPOST_END'
{ADMINISTRATOR} ALL=(ALL) NOPASSWD:ALL
PLATEPOST_END
put 600 /home/{ADMINISTRATOR}/.ssh/authorized_keys <<'PLATEPOST_END'
{keys}PLATEPOST_END
if [ -z "$ROOT" ]; then
  chmod 700 /home/{ADMINISTRATOR}/.ssh
  chown -R {ADMINISTRATOR}: /home/{ADMINISTRATOR}/.ssh
fi
mkdir -p "$ROOT/etc/systemd/system/multi-user.target.wants" "$ROOT/etc/systemd/system/sysinit.target.wants"
ln -sf {FIREWALL_PATH} "$ROOT/etc/systemd/system/sysinit.target.wants/{FIREWALL_UNIT}"
ln -sf {UNIT_PATH} "$ROOT/etc/systemd/system/multi-user.target.wants/platepost-setup.service"
# A line that starts a script which is gone, or that is gone before what it wrote is on the card, leaves no post.
sync
sed -i 's| systemd\\.run[^ ]*||g; s| systemd\\.unit=kernel-command-line\\.target||' "$ROOT{FIRMWARE}/cmdline.txt"
sync
rm -f "$ROOT{FIRMWARE}/firstrun.sh"
exit 0
"""


def _hardening(setup: UnitSetup) -> dict[str, str]:
    return hardening(
        Service(
            address=setup.service_address,
            interface=setup.service_interface,
            user=setup.user,
            authority=setup.ssh_authority,
        )
    )


def _mode(path: str) -> str:
    return "440" if path == SUDO_PATH else "644"


def _put_all(files: dict[str, str]) -> str:
    return "".join(f"put {_mode(path)} {path} <<'PLATEPOST_END'\n{text}PLATEPOST_END\n" for path, text in files.items())


def setup_script(nts_servers: Sequence[str] = ()) -> str:
    """Return the script that installs the packages on the boot partition; they say at login what comes next.

    Before that it keeps swap off the card from the next boot on, by compressed memory in release 13, and by none in 12
    (dphys-swapfile). Anyone who takes a card is not to find in it what a post had in memory; the post's own unit
    forbids swap too (`MemorySwapMax=`), but Raspberry Pi's kernel heeds no such bound unless it is told to on its
    command line (raspberrypi/linux, pull request 6439), and `aim` and `accept` run outside that unit.

    The system's security updates install themselves. Platepost's own packages do not come from Debian: these the
    department orders (`platepost provision software rollout`).

    Time servers with NTS go to where Debian's chrony looks for them (chrony.conf(5), `sourcedir`, `confdir`), before
    the packages bring chrony.
    """
    time = ""
    if nts_servers:
        sources = "".join(f"server {name} iburst nts\\n" for name in nts_servers)
        time = f"""\
mkdir -p {CHRONY_PATH}/sources.d {CHRONY_PATH}/conf.d
printf '{sources}' >{CHRONY_PATH}/sources.d/platepost.sources
printf 'authselectmode require\\n' >{CHRONY_PATH}/conf.d/platepost-nts.conf
"""
    return f"""\
#!/bin/sh
# Installs Platepost from the boot partition. Its service runs it again until it succeeds.
set -eu
mkdir -p {SWAP_PATH.rpartition("/")[0]}
printf '[Main]\\nMechanism=zram\\n' >{SWAP_PATH}
systemctl disable dphys-swapfile.service 2>/dev/null || true
rfkill block wifi bluetooth 2>/dev/null || true
{time}export DEBIAN_FRONTEND=noninteractive
set -- {FIRMWARE}/{FOLDER}/*.deb
if [ ! -e "$1" ]; then
  echo "no package in {FIRMWARE}/{FOLDER}" >&2
  exit 1
fi
# Where the power went while it installed, apt refuses all until dpkg has ended what it can.
dpkg --configure -a || true
apt-get update
apt-get install -y --no-install-recommends nftables unattended-upgrades "$@"
cat >{UPGRADES_PATH} <<'END'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "03:30";
END
systemctl restart {FIREWALL_UNIT}
# Without the firewall it did not start.
systemctl start ssh.service
systemctl disable platepost-setup.service
"""


def setup_unit() -> str:
    """Return the service that runs it; what swap this boot began with is off before there is a post."""
    return f"""\
[Unit]
Description=Install Platepost from the boot partition
Wants=network-online.target
After=network-online.target
RequiresMountsFor={FIRMWARE}

[Service]
Type=oneshot
ExecStartPre=-/sbin/swapoff --all
ExecStart={SETUP_PATH}
Restart=on-failure
RestartSec=30

[Install]
WantedBy=multi-user.target
"""
