"""The course of a soak: a whole post on footage that begins again and again, and a fault every few seconds."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from platepost.common.signals import sleep
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import TEST_ROW
from platepost.simulator.demo.post_process import PostProcess
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.lab.faults import brokers, network
from platepost.simulator.lab.faults.judge import Ruling
from platepost.simulator.lab.faults.namespaces import Namespaces
from platepost.simulator.lab.faults.post_under_test import PostUnderTest
from platepost.simulator.lab.faults.site import AGENCY, CampaignSite
from platepost.simulator.lab.faults.whole import FOOTAGE, POST, judge_whole
from platepost.simulator.lab.soak.hearing import Hearing, Inflicted, judge_hearing

FAULT_SECONDS = 20.0
"""From one fault to the next."""
HIT_MINUTES = 1.0
"""How often the post makes a synthetic hit."""
KILL_EVERY = 9
"""Each so manieth fault is a kill of the post: a post that is killed more often than it makes a hit makes none."""
ARRIVAL_SECONDS = 60.0
"""What the last records may take, once no fault is at work."""
_KILL = "post killed"


@dataclass(frozen=True, slots=True)
class SoakResult:
    """What came of a soak."""

    faults: int
    hearing: Hearing
    ruling: Ruling

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, and the synthetic hit was heard every time it was due."""
        return self.ruling.sound and not self.hearing.problems and self.hearing.due > 0

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"passed": self.passed, **asdict(self)}


class SoakSite(CampaignSite):
    """The site, which notes when each record was heard."""

    def __init__(self, directory: Path) -> None:
        """Make the fleet; `directory` is empty."""
        super().__init__(directory, posts=0, rate=1.0, namespaces=Namespaces())
        self.heard: list[Arrival] = []

    def arrived(self, arrival: Arrival) -> None:
        """Note it, if it is the whole post's."""
        self.heard.append(arrival)


def soak(site: SoakSite, *, minutes: float, seed: int, say: Callable[[int], None]) -> SoakResult:
    """Run a post for so long, with a fault every `FAULT_SECONDS`, and judge it by the wire.

    Args:
        site: where; it runs.
        minutes: for how long faults strike.
        seed: which faults, in which order.
        say: called with the number of faults after each.

    Raises:
        BrokerError: the broker did not come back.

    """
    proxy, draw = site.proxy(), Random(seed)
    folder = site.add_post(
        POST,
        through=(proxy,),
        camera="footage",
        camera_settings={"path": str(FOOTAGE), "pace": "realtime", "loop": True},
        # The same plates come again and again, and each passage is to be read.
        more={"reporting": {"synthetic_minutes": HIT_MINUTES}, "passages": {"repeat_seconds": 1}},
    )
    fleet = site.fleet
    keys = {"signing_key": fleet.list_signing_key.read_bytes(), "post_keys": [fleet.recipient_key(POST).read_bytes()]}
    site.publish(build_package([TEST_ROW], agency=AGENCY, issuer=AGENCY, version=1, **keys))  # type: ignore[arg-type]
    # These faults reach a post by its proxy alone.
    victim = cast("PostUnderTest", SimpleNamespace(proxy=proxy))
    kinds = [kind for kind in (*network.INJECTIONS, *brokers.INJECTIONS) for _ in range(kind.weight)]
    faults: list[Inflicted] = []
    started = datetime.now(UTC)
    with PostProcess(folder / "post.toml", log=folder / "post.log") as process:
        begin = time.monotonic()
        while (number := len(faults) + 1) * FAULT_SECONDS <= minutes * 60:
            sleep(max(0.0, begin + number * FAULT_SECONDS - time.monotonic()))
            began, kind = datetime.now(UTC), draw.choice(kinds)
            if kill := number % KILL_EVERY == 0:
                process.kill()
                process.start()
            else:
                kind.strike(site, victim, draw)
            faults.append(Inflicted(_KILL if kill else kind.name, began, datetime.now(UTC), restarts=kill))
            say(number)
        proxy.up()
        sleep(ARRIVAL_SECONDS)
    hearing = judge_hearing(
        site.heard, faults, started=started, ended=datetime.now(UTC), every=timedelta(minutes=HIT_MINUTES)
    )
    _note(site, faults)
    return SoakResult(len(faults), hearing, judge_whole(site))


def _note(site: SoakSite, faults: list[Inflicted]) -> None:
    """Write down when what was done and heard, for anyone who counts again."""
    with (site.directory / "faults.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(fault), default=str) + "\n" for fault in faults)
    with (site.directory / "heard.jsonl").open("w", encoding="utf-8") as file:
        for one in site.heard:
            file.write(json.dumps({"received": one.received.isoformat(), "topic": one.topic, "id": one.event["id"]}))
            file.write("\n")
