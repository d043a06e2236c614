"""Packets lost below TCP, by nftables in the campaign's own network namespace: neither end's kernel hears of it."""

import shutil
import subprocess
import time
from random import Random
from typing import ClassVar

from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite

NFT = shutil.which("nft") or shutil.which("nft", path="/usr/sbin:/sbin")


class _Dropping(Injection):
    def unavailable(self, site: CampaignSite) -> str | None:
        """Tell whether there is nftables, and a network where dropping packets harms nobody else."""
        if site.seclusion.no_network:
            return site.seclusion.no_network
        if NFT is None:
            return "nft is missing: apt-get install nftables"
        try:
            _nft("add table inet probe\ndelete table inet probe")
        except subprocess.CalledProcessError as error:
            return f"nft: {error.stderr.decode().splitlines()[0]}"
        return None

    def _drop(self, unit: PostUnderTest, *, percent: int, seconds: float) -> None:
        table = f"faults_{unit.proxy.port}"
        share = "" if percent == 100 else f"numgen random mod 100 < {percent} "
        _nft(
            f"add table inet {table}\n"
            f"add chain inet {table} in {{ type filter hook input priority 0; }}\n"
            f"add rule inet {table} in tcp dport {unit.proxy.port} {share}drop\n"
            f"add rule inet {table} in tcp sport {unit.proxy.port} {share}drop\n"
        )
        time.sleep(seconds)
        _nft(f"delete table inet {table}")


class PacketsLost(_Dropping):
    """A bad line: TCP mends it, slowly."""

    name: ClassVar = "packets lost"
    what: ClassVar = "5 to 40 % of the packets are lost in both directions, for up to 4 s"
    heals: ClassVar = "packets pass"
    weight: ClassVar = 6

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Lose, wait, pass."""
        del site
        self._drop(unit, percent=draw.randint(5, 40), seconds=draw.uniform(0.5, 4))


class Unplugged(_Dropping):
    """A cable is pulled: nobody answers, not even a kernel."""

    name: ClassVar = "cable unplugged"
    what: ClassVar = "all packets are lost in both directions, for 1 to 8 s"
    heals: ClassVar = "packets pass"
    weight: ClassVar = 5

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Unplug, wait, plug in."""
        del site
        self._drop(unit, percent=100, seconds=draw.uniform(1, 8))


def _nft(rules: str) -> None:
    if NFT is not None:
        subprocess.run([NFT, "-f", "-"], input=rules.encode(), check=True, capture_output=True)
