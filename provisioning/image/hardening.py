"""What keeps strangers off a unit: ssh on the service address alone, a firewall, no radios, a banner.

The pole's network, and anyone who pulls its cable, sees a machine that answers nothing but ping. A technician's laptop
on the service network reaches ssh and the aiming page. A technician may do as root what docs/technician.md has, and an
administrator everything.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface

from platepost.common.settings import SERVICE_PORT
from platepost.provisioning.fleet.ssh import LOG_IN
from platepost.wire.records import Role

SSH_PATH = "/etc/ssh/sshd_config.d/10-platepost.conf"
"""Before others: of each keyword sshd takes the first value (sshd_config(5))."""
AUTHORITY_PATH = "/etc/ssh/platepost-authority.pub"
REVOKED_PATH = "/etc/ssh/platepost-revoked"
"""Revoked certificates, to which `packaging/systemd/logins` adds. sshd rejects everyone where this file is missing."""
PRINCIPALS_PATH = "/etc/ssh/platepost-principals"
"""A folder: a file for each user, of the roles that log in as that user."""
ADMINISTRATOR = "administrator"
"""The user who may do everything on a unit."""
SUDO_PATH = "/etc/sudoers.d/platepost"
SSH_UNIT_PATH = "/etc/systemd/system/ssh.service.d/platepost.conf"
BANNER_PATH = "/etc/ssh/platepost-banner"
BIND_PATH = "/etc/sysctl.d/60-platepost-ssh.conf"
RULES_PATH = "/etc/platepost-firewall.nft"
"""Not /etc/nftables.conf, which is the package's: apt would ask which of the two to keep."""
FIREWALL_UNIT = "platepost-firewall.service"
FIREWALL_PATH = f"/etc/systemd/system/{FIREWALL_UNIT}"
POST_USER = "platepost"
"""The user of a post's service."""
PAGE_PORT = SERVICE_PORT
"""Of the aiming page, unless `service.port` says another."""
BANNER = """\
This unit is the property of a police department. Only its certified technicians may log in.
Every login is logged, by name.
"""
BIND = """\
# sshd starts before the service address is there, and listens at no other.
net.ipv4.ip_nonlocal_bind = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How technicians reach a unit."""

    address: IPv4Interface
    interface: str
    """The Ethernet port that has the address; requests from any other are dropped."""
    user: str
    """Whom technicians log in as."""
    authority: str | None
    """The public key that certifies their keys, a line; None where there is none."""


def hardening(service: Service) -> dict[str, str]:
    """Return the files on the unit, by path: those of sudo are for mode 0440, all others for 0644."""
    trust = {
        AUTHORITY_PATH: f"{service.authority}\n",
        REVOKED_PATH: "",
        f"{PRINCIPALS_PATH}/{service.user}": "".join(f"{role}\n" for role in LOG_IN),
        f"{PRINCIPALS_PATH}/{ADMINISTRATOR}": f"{Role.ADMINISTRATOR}\n",
    }
    return ({} if service.authority is None else trust) | {
        SSH_PATH: _ssh(service),
        SSH_UNIT_PATH: f"# No log-in without the firewall.\n[Unit]\nRequires={FIREWALL_UNIT}\nAfter={FIREWALL_UNIT}\n",
        SUDO_PATH: sudo_rule(service.user),
        BANNER_PATH: BANNER,
        BIND_PATH: BIND,
        RULES_PATH: rules(service.address, service.interface),
        FIREWALL_PATH: _firewall_unit(),
    }


def without_radios(config: str) -> str:
    """Return the text of `config.txt` with Wi-Fi and Bluetooth off (raspberrypi/firmware, overlays/README)."""
    return (
        f"{config.rstrip()}\n\n[all]\n# Written by `platepost provision image`: a post has no use for radios.\n"
        "dtoverlay=disable-wifi\ndtoverlay=disable-bt\n"
    )


def without_serial_console(cmdline: str) -> str:
    """Return the text of `cmdline.txt` without serial consoles: systemd starts a log-in prompt on each that it has.

    Anyone with a cable at the header's pins would have one (systemd-getty-generator(8)).
    """
    serial = re.compile(r"console=(?:serial|ttyAMA|ttyS)\d")
    return " ".join(word for word in cmdline.split() if not serial.match(word))


def rules(service: IPv4Interface, interface: str) -> str:
    """Return the firewall's rules, for nft(8): only the service network reaches ssh and the page; others can ping."""
    return f"""\
# Written by `platepost provision image`. Port {PAGE_PORT} is the aiming page's: where post.toml has another
# service.port, say that here.
table inet platepost
delete table inet platepost
table inet platepost {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif "lo" accept
    icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} accept
    icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }} accept
    icmpv6 type {{ nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }} ip6 hoplimit 255 accept
    icmp type echo-request limit rate 10/second accept
    icmpv6 type echo-request limit rate 10/second accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
    iifname "{interface}" ip saddr {service.network} ip daddr {service.ip} tcp dport {{ 22, {PAGE_PORT} }} accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
}}
"""


def sudo_rule(user: str) -> str:
    """Return what a user may do as root, without a password, for there is none (sudoers(5)).

    Arguments are regular expressions where they vary: a wildcard of sudo matches spaces, so that `date -u -s *` would
    also let `-f` read any file. sudo joins all arguments with spaces before it compares them. So a free text has no
    word that begins with a hyphen, and each command with such a text has no argument that is a file. Files come from
    the USB drive at /mnt, whose options only filesystems without links take.
    """
    text = "[^- ][^ ]*( [^- ][^ ]*)*"
    before, config = "(-v |--language [a-z]+ )*", "--config /etc/platepost/(posts/[a-z0-9-]+/)?post[.]toml"
    person = f"--as /mnt/[a-z0-9][a-z0-9.-]*| --purpose {text}| {config}"
    platepost = {
        "ENROLL": "enroll [a-z0-9][a-z0-9-]*( [a-zA-Z0-9][a-zA-Z0-9.-]*:[0-9]+| --stick /mnt| --abandon)"
        "( --set-clock| --json| --key (auto|tpm|file)| --directory /etc/platepost/posts/[a-z0-9-]+)*",
        "AIM": f"aim( {person}| --(address|port|minutes|speed|shutter|field-of-view) [0-9a-f.:/]+)*",
        "ACCEPT": f"accept( {person}| --limit [a-z_]+=[0-9.]+| --output /mnt| --fresh| --json)*",
        "SELFTEST": f"selftest( {config}| --json)*",
        "RENEW": f"renew /mnt/[a-zA-Z0-9][a-zA-Z0-9._-]*( {config}| --json)*",
        "DECOMMISSION": f"decommission( --(person|purpose) {text}| --(lose-records|wait) [0-9]+| {config}"
        "| --yes| --json)*",
    }
    aliases = "".join(
        f"Cmnd_Alias PLATEPOST_{name} = /usr/bin/platepost {_escaped(f'^{before}{words}$')}\n"
        for name, words in platepost.items()
    )
    drive = _escaped("-o nosuid,nodev,noexec,uid=platepost,umask=077")
    return f"""\
# Written by `platepost provision image`: what docs/technician.md has.
{aliases}\
Cmnd_Alias PLATEPOST_SERVICE = \\
  /usr/bin/systemctl ^(start|stop|restart|enable --now|disable --now) platepost(@[a-z0-9-]+)?$
Cmnd_Alias PLATEPOST_DRIVE = /usr/bin/mount {drive} /dev/sd[a-z][0-9] /mnt, /usr/bin/umount /mnt
Cmnd_Alias PLATEPOST_CLOCK = /usr/bin/date {_escaped("^-u -s [-0-9TZ +.:]+$")}
Cmnd_Alias PLATEPOST_KILL = /usr/bin/kill ^[0-9]+$
{user} ALL=(root) NOPASSWD: {", ".join(f"PLATEPOST_{name}" for name in (*platepost, "SERVICE", "DRIVE", "CLOCK"))}
{user} ALL=({POST_USER}) NOPASSWD: PLATEPOST_KILL
"""


def _escaped(words: str) -> str:
    """Return arguments of a command as sudoers(5) wants them."""
    return re.sub(r"([,:=])", r"\\\1", words)


def _ssh(service: Service) -> str:
    trust = ""
    if service.authority is not None:
        trust = f"TrustedUserCAKeys {AUTHORITY_PATH}\nAuthorizedPrincipalsFile {PRINCIPALS_PATH}/%u\n"
        trust += f"RevokedKeys {REVOKED_PATH}\n"
    return f"""\
# Written by `platepost provision image`.
ListenAddress {service.address.ip}
Banner {BANNER_PATH}
AllowUsers {service.user} {ADMINISTRATOR}
{trust}\
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
MaxAuthTries 3
# Who logged in, by the name in the certificate.
LogLevel VERBOSE
"""


def _firewall_unit() -> str:
    return f"""\
[Unit]
Description=Firewall of a post
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {RULES_PATH}

[Install]
WantedBy=sysinit.target
"""
