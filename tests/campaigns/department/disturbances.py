"""What is done to keeper, broker and database while records come."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from platepost.common.signals import sleep
from tests.campaigns.department.site import DepartmentSite
from tests.campaigns.faults.namespaces import BALLAST, fill

REGISTER = "register renewed"
FULL_SECONDS = 6.0
"""For so long the database's disk stays full, or until its server has given up."""
LEARNED = (0.3, 0.6)
"""Shares of the records between which the department learns the last post's key."""
EARLIEST, LATEST = 0.05, 0.95
"""Shares of the records between which something happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceCounts:
    """How often each happens."""

    kills: int
    """Of the keeper."""
    restarts: int
    """Of broker and database, so many each, every other one by kill -9."""
    fills: int
    """Of the database's disk."""


def kill_keeper(site: DepartmentSite, draw: Random) -> None:
    """End the keeper as a power cut would, at any instant, and start it again after up to a second."""
    sleep(draw.uniform(0.0, 0.5))
    site.department.kill()
    sleep(draw.uniform(0.0, 1.0))
    site.department.start()


def restart_broker(site: DepartmentSite, draw: Random) -> None:
    """Stop the broker, which saves what waits, and start it again."""
    site.broker.stop()
    sleep(draw.uniform(0.0, 1.0))
    site.broker.start()


def kill_broker(site: DepartmentSite, draw: Random) -> None:
    """End the broker as a power cut would: it forgets what came in its last two seconds."""
    site.broker.kill()
    sleep(draw.uniform(0.0, 1.0))
    site.broker.start()


def restart_database(site: DepartmentSite, draw: Random) -> None:
    """Have the database end in order, no matter who is connected, and start it again."""
    site.department.database.stop()
    sleep(draw.uniform(0.0, 2.0))
    site.department.database.start()


def kill_database(site: DepartmentSite, draw: Random) -> None:
    """End the database's server as a power cut would."""
    site.department.database.kill()
    sleep(draw.uniform(0.0, 2.0))
    site.department.database.start()


def fill_disk(site: DepartmentSite, _draw: Random) -> None:
    """Fill the database's disk to the last block; then give the space back, and start the server if it gave up."""
    database = site.department.database
    ballast = database.folder / BALLAST
    began = time.monotonic()
    try:
        while time.monotonic() - began < FULL_SECONDS and database.running:
            fill(ballast)
            sleep(0.2)
    finally:
        ballast.unlink(missing_ok=True)
    database.start()


def renew_register(site: DepartmentSite, _draw: Random) -> None:
    """Give the department the register of all posts: what it kept of the last one is judged again."""
    site.department.export_register()


Disturbance = Callable[[DepartmentSite, Random], None]
DISTURBANCES: Mapping[str, Disturbance] = {
    "keeper killed": kill_keeper,
    "broker restarted": restart_broker,
    "broker killed": kill_broker,
    "database restarted": restart_database,
    "database killed": kill_database,
    "database's disk full": fill_disk,
    REGISTER: renew_register,
}


def drawn_course(draw: Random, counts: DisturbanceCounts, *, records: int) -> list[tuple[int, str]]:
    """Return what happens, each with the number of records that are receipted before, in order."""
    names = ["keeper killed"] * counts.kills + ["database's disk full"] * counts.fills
    for server in ("broker", "database"):
        names += [f"{server} {'restarted' if number % 2 else 'killed'}" for number in range(counts.restarts)]
    course = [(round(records * draw.uniform(EARLIEST, LATEST)), name) for name in names]
    course.append((round(records * draw.uniform(*LEARNED)), REGISTER))
    return sorted(course)
