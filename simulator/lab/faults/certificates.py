"""Faults of the post's certificate."""

import time
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import ClassVar

from provisioning.trust.authority import BACKDATED, CERTIFICATE_FILE, KEY_FILE, Authority
from provisioning.trust.keys import read_private_key
from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class CertificateExpired(Injection):
    """Renewal came too late; the new certificate is taken up without a restart."""

    name: ClassVar = "certificate expired"
    what: ClassVar = "the post's certificate is one that has expired, and the connection is reset"
    heals: ClassVar = "a new certificate is put in its place within 2 s; the post is not restarted"
    weight: ClassVar = 4

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Replace, wait, replace by a new one."""
        authority = Authority.load(site.fleet.directory / "authority")
        key = read_private_key(unit.folder / KEY_FILE)
        path = unit.folder / CERTIFICATE_FILE
        expired = authority.issue_client(unit.name.post, key, valid=BACKDATED - timedelta(seconds=1))
        _put(path, expired)
        unit.proxy.reset()
        time.sleep(draw.uniform(0.5, 2))
        _put(path, authority.issue_client(unit.name.post, key))


class CertificateForeign(Injection):
    """A certificate of another fleet opens nothing."""

    name: ClassVar = "certificate of another fleet"
    what: ClassVar = "the post's certificate is signed by an authority that the broker does not know"
    heals: ClassVar = "the right certificate is put back within 2 s; the post is not restarted"
    weight: ClassVar = 2

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Replace, wait, put back."""
        path = unit.folder / CERTIFICATE_FILE
        right = path.read_bytes()
        foreign = Authority.create(site.fleet.agency).issue_client(
            unit.name.post, read_private_key(unit.folder / KEY_FILE)
        )
        _put(path, foreign)
        unit.proxy.reset()
        time.sleep(draw.uniform(0.5, 2))
        _put(path, right)


def _put(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(content)
    aside.replace(path)
