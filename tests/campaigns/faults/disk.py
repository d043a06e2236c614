"""Faults of the post's disk."""

import resource
from pathlib import Path
from random import Random

from platepost.device.outbox.pages import PAGE
from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.namespaces import BALLAST, fill
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite

INVERTED = 16
# https://sqlite.org/fileformat2.html
LOG_HEADER, FRAME_HEADER = 32, 24
FRAME = PAGE + FRAME_HEADER
LAST_FRAMES = 160
"""The log's last transaction is spared: no database can tell damage to it from a power cut while it was written."""


def _fill(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    path = post.folder / "state" / BALLAST
    fill(path)
    pause(draw.uniform(0.3, 3))
    path.unlink()


def _fail_writes(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    pid = post.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    pause(draw.uniform(0.3, 3))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


def _corrupt_page(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.kill()
    state = post.folder / "state"
    for former in state.glob("outbox.*-*.db*"):
        former.unlink()  # a technician has fetched what was set aside: the disk is small
    database, log = state / "outbox.db", state / "outbox.db-wal"
    pages, frames = database.stat().st_size // PAGE, _frames(log) - LAST_FRAMES
    place = draw.randrange(max(1, pages) + max(0, frames))
    offset = draw.randrange(PAGE - INVERTED)
    if place < pages:
        _invert(database, place * PAGE + offset)
    elif frames > 0:
        _invert(log, LOG_HEADER + (place - pages) * FRAME + FRAME_HEADER + offset)
    post.start()


def _frames(log: Path) -> int:
    """Return how many frames the log has now; what follows them in the file is left from before."""
    if not log.exists():
        return 0
    content = log.read_bytes()
    salt, count = content[16:24], 0
    for place in range(LOG_HEADER, len(content) - FRAME + 1, FRAME):
        if content[place + 8 : place + 16] != salt:
            break
        count += 1
    return count


def _invert(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        content = file.read(INVERTED)
        file.seek(offset)
        file.write(bytes(byte ^ 0xFF for byte in content))


INJECTIONS = (
    Injection(
        name="disk full",
        what="the post's disk, a small tmpfs, is filled to the last block for up to 3 s (ENOSPC)",
        heals="the space is given back",
        weight=6,
        strike=_fill,
        unavailable=lambda site: site.namespaces.no_mounts,
    ),
    Injection(
        name="writes fail",
        what="every write of the post beyond its files' first 4 KB fails for up to 3 s (EFBIG, by RLIMIT_FSIZE)",
        heals="writes succeed",
        weight=5,
        strike=_fail_writes,
    ),
    Injection(
        name="page corrupted",
        what="kill -9 of the post, then 16 bytes of a random page of the outbox or of its log are inverted",
        heals="the post is started again and takes over what it can read",
        weight=4,
        strike=_corrupt_page,
    ),
)
