"""Packets lost below TCP, by nftables in the campaign's own network namespace: neither end's kernel hears of it."""

import shutil
import subprocess
from random import Random

from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite

NFT = shutil.which("nft") or shutil.which("nft", path="/usr/sbin:/sbin")


def _unavailable(site: CampaignSite) -> str | None:
    """Tell whether there is nftables, and a network where dropping packets harms no one else."""
    if site.namespaces.no_network:
        return site.namespaces.no_network
    if NFT is None:
        return "nft is missing: apt-get install nftables"
    try:
        _nft("add table inet probe\ndelete table inet probe")
    except subprocess.CalledProcessError as error:
        return f"nft: {error.stderr.decode().splitlines()[0]}"
    return None


def _lose(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    _drop(post, percent=draw.randint(5, 40), seconds=draw.uniform(0.5, 4))


def _unplug(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    _drop(post, percent=100, seconds=draw.uniform(1, 8))


def _drop(post: PostUnderTest, *, percent: int, seconds: float) -> None:
    port = post.proxy.port
    table = f"faults_{port}"
    share = "" if percent == 100 else f"numgen random mod 100 < {percent} "
    _nft(
        f"add table inet {table}\n"
        f"add chain inet {table} in {{ type filter hook input priority 0; }}\n"
        f"add rule inet {table} in tcp dport {port} {share}drop\n"
        f"add rule inet {table} in tcp sport {port} {share}drop\n"
    )
    pause(seconds)
    _nft(f"delete table inet {table}")


def _nft(rules: str) -> None:
    if NFT is not None:
        subprocess.run([NFT, "-f", "-"], input=rules.encode(), check=True, capture_output=True)


INJECTIONS = (
    Injection(
        name="packets lost",
        what="5 to 40 % of the packets are lost in both directions, for up to 4 s",
        heals="packets pass",
        weight=6,
        strike=_lose,
        unavailable=_unavailable,
    ),
    Injection(
        name="cable unplugged",
        what="all packets are lost in both directions, for 1 to 8 s",
        heals="packets pass",
        weight=5,
        strike=_unplug,
        unavailable=_unavailable,
    ),
)
