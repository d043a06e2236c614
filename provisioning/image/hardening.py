"""What keeps strangers off a unit: ssh on the service address alone, a firewall, no radios, a banner.

The pole's network, and anyone who pulls its cable, sees a machine that answers nothing but ping. A technician's laptop
on the service network reaches ssh and the aiming page.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Interface

from platepost.common.settings import SERVICE_PORT

SSH_PATH = "/etc/ssh/sshd_config.d/10-platepost.conf"
"""Before others: of each keyword sshd takes the first value (sshd_config(5))."""
AUTHORITY_PATH = "/etc/ssh/platepost-authority.pub"
PRINCIPALS_PATH = "/etc/ssh/platepost-principals"
BANNER_PATH = "/etc/ssh/platepost-banner"
BIND_PATH = "/etc/sysctl.d/60-platepost-ssh.conf"
RULES_PATH = "/etc/platepost-firewall.nft"
"""Not /etc/nftables.conf, which is the package's: apt would ask which of the two to keep."""
FIREWALL_UNIT = "platepost-firewall.service"
FIREWALL_PATH = f"/etc/systemd/system/{FIREWALL_UNIT}"
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


def hardening(service: IPv4Interface, user: str, authority: str | None, roles: Iterable[str]) -> dict[str, str]:
    """Return the files on the unit, by path, all mode 0644.

    Args:
        service: the service address.
        user: who logs in.
        authority: the public key that certifies technicians' keys; None where there is none.
        roles: whom such a certificate must name.

    """
    trust = {AUTHORITY_PATH: f"{authority}\n", PRINCIPALS_PATH: "".join(f"{role}\n" for role in roles)}
    return ({} if authority is None else trust) | {
        SSH_PATH: _ssh(service, user, trusts=authority is not None),
        BANNER_PATH: BANNER,
        BIND_PATH: BIND,
        RULES_PATH: rules(service),
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


def rules(service: IPv4Interface) -> str:
    """Return the firewall's rules, for nft(8): what is not the service network's is answered by nobody but ping."""
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
    iifname "eth0" ip saddr {service.network} ip daddr {service.ip} tcp dport {{ 22, {PAGE_PORT} }} accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
}}
"""


def _ssh(service: IPv4Interface, user: str, *, trusts: bool) -> str:
    trust = f"TrustedUserCAKeys {AUTHORITY_PATH}\nAuthorizedPrincipalsFile {PRINCIPALS_PATH}\n" if trusts else ""
    return f"""\
# Written by `platepost provision image`.
ListenAddress {service.ip}
Banner {BANNER_PATH}
AllowUsers {user}
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
