"""Faults of the post's certificate."""

from datetime import timedelta
from pathlib import Path
from random import Random

from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority
from platepost.provisioning.trust.certificates import BACKDATED
from platepost.provisioning.trust.keys import read_private_key
from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite


def _expire(site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    authority, key = site.fleet.open_authority(), read_private_key(post.folder / KEY_FILE)
    expired = authority.issue_client(post.name, key, valid=BACKDATED - timedelta(seconds=1))
    _hold(post, expired, authority.issue_client(post.name, key), seconds=draw.uniform(0.5, 2))


def _replace_by_foreign(site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    foreign = Authority.create(site.fleet.agency).issue_client(post.name, read_private_key(post.folder / KEY_FILE))
    _hold(post, foreign, (post.folder / CERTIFICATE_FILE).read_bytes(), seconds=draw.uniform(0.5, 2))


def _hold(post: PostUnderTest, wrong: bytes, right: bytes, *, seconds: float) -> None:
    path = post.folder / CERTIFICATE_FILE
    _put(path, wrong)
    post.proxy.reset()
    pause(seconds)
    _put(path, right)


def _put(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(content)
    aside.replace(path)


INJECTIONS = (
    Injection(
        name="certificate expired",
        what="the post's certificate is one that has expired, and the connection is reset",
        heals="a new certificate is put in its place within 2 s; the post is not restarted",
        weight=4,
        strike=_expire,
    ),
    Injection(
        name="certificate of another fleet",
        what="the post's certificate is signed by an authority that the broker does not know",
        heals="the right certificate is put back within 2 s; the post is not restarted",
        weight=2,
        strike=_replace_by_foreign,
    ),
)
