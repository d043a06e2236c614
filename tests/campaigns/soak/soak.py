"""The course of a soak: a whole post on footage that begins again and again, and a fault every few seconds."""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

from rich.console import Console

from platepost.common.signals import sleep
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import TEST_ROW
from platepost.simulator.demo.post_process import PostProcess
from platepost.simulator.ground.subscriber import Arrival
from tests.campaigns.campaign import Campaign
from tests.campaigns.command import Outcome
from tests.campaigns.faults import brokers, network
from tests.campaigns.faults.judge import Ruling
from tests.campaigns.faults.namespaces import Namespaces
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import AGENCY, CampaignSite
from tests.campaigns.faults.whole import FOOTAGE, POST, judge_whole
from tests.campaigns.progress import ProgressDisplay
from tests.campaigns.soak.hearing import Hearing, Inflicted, judge_hearing

FAULT_SECONDS = 20.0
"""From one fault to the next."""
HIT_MINUTES = 1.0
"""How often the post makes a synthetic hit."""
KILL_EVERY = 9
"""Each so manieth fault is a kill of the post: a post that is killed more often than it makes a hit makes none."""
ARRIVAL_SECONDS = 60.0
"""What the last records may take, once no fault is at work."""
_KILL = "post killed"


@dataclass(frozen=True, kw_only=True)
class SoakOutcome(Outcome):
    """What came of a soak."""

    seed: int
    faults: int
    hearing: Hearing
    ruling: Ruling

    def show(self, console: Console) -> None:
        """Show what came of the records, and of the synthetic hits."""
        ruling, hearing = self.ruling, self.hearing
        console.print(f"{self.faults} faults; {ruling.delivered} records of a chain delivered, {ruling.lost} lost")
        console.print(
            f"synthetic hit: due {hearing.due} times, heard in time {hearing.heard}, after a fault {hearing.excused}; "
            f"the slowest took {hearing.slowest_seconds:.1f} s"
        )


class SoakSite(CampaignSite):
    """The site, which notes when each record was heard."""

    def __init__(self, directory: Path) -> None:
        """Make the fleet; `directory` is empty."""
        super().__init__(directory, posts=0, rate=1.0, namespaces=Namespaces())
        self.heard: list[Arrival] = []

    def arrived(self, arrival: Arrival) -> None:
        """Note it, if it is the whole post's."""
        self.heard.append(arrival)


class SoakCampaign(Campaign[SoakSite, SoakOutcome]):
    """Runs a post for some time, with a fault every `FAULT_SECONDS`, and judges it by the wire.

    Args:
        site: where; it runs.
        minutes: for how long faults strike.
        seed: which faults, in which order.

    """

    def __init__(self, site: SoakSite, *, minutes: float, seed: int, progress: ProgressDisplay) -> None:
        super().__init__(site, progress)
        self._count = int(minutes * 60 / FAULT_SECONDS)
        self._seed = seed
        self._faults: list[Inflicted] = []
        self._started = self._ended = datetime.now(UTC)

    def inflict(self) -> None:
        """Run the post while faults strike, and wait for its last records.

        Raises:
            BrokerError: the broker did not come back.

        """
        site, draw = self.site, Random(self._seed)
        proxy = site.proxy()
        folder = site.add_post(
            POST,
            through=(proxy,),
            camera="footage",
            camera_settings={"path": str(FOOTAGE), "pace": "realtime", "loop": True},
            # The same plates come again and again, and each passage is to be read.
            more={"reporting": {"synthetic_minutes": HIT_MINUTES}, "passages": {"repeat_seconds": 1}},
        )
        site.publish(_list_for(site))
        # These faults reach a post by its proxy alone.
        victim = cast("PostUnderTest", SimpleNamespace(proxy=proxy))
        kinds = [kind for kind in (*network.INJECTIONS, *brokers.INJECTIONS) for _ in range(kind.weight)]
        self._started = datetime.now(UTC)
        with PostProcess(folder / "post.toml", log=folder / "post.log") as process:
            begin = time.monotonic()
            for number in range(1, self._count + 1):
                sleep(max(0.0, begin + number * FAULT_SECONDS - time.monotonic()))
                began, kind = datetime.now(UTC), draw.choice(kinds)
                if kill := number % KILL_EVERY == 0:
                    process.kill()
                    process.start()
                else:
                    kind.strike(site, victim, draw)
                name = _KILL if kill else kind.name
                self._faults.append(Inflicted(name, began, datetime.now(UTC), restarts=kill))
                more = f"{number} faults, {len(site.heard)} records heard"
                self.progress.show("soak", number, self._count, more)
            proxy.up()
            sleep(ARRIVAL_SECONDS)
        self._ended = datetime.now(UTC)

    def judge(self) -> SoakOutcome:
        """Judge by what was heard, and write down what was done and heard when, for anyone who counts again."""
        hearing = judge_hearing(
            self.site.heard,
            self._faults,
            started=self._started,
            ended=self._ended,
            every=timedelta(minutes=HIT_MINUTES),
        )
        _note(self.site, self._faults)
        ruling = judge_whole(self.site)
        problems = [*self.problems, *ruling.problems, *hearing.problems]
        problems += [f"{ruling.lost} records are lost"] if ruling.lost else []
        problems += [] if hearing.due else ["no synthetic hit was due: nothing is shown"]
        return SoakOutcome(
            seed=self._seed,
            faults=len(self._faults),
            hearing=hearing,
            ruling=ruling,
            problems=tuple(problems),
            seconds=self.seconds,
        )


def _list_for(site: SoakSite) -> bytes:
    fleet = site.fleet
    keys = {"signing_key": fleet.list_signing_key.read_bytes(), "post_keys": [fleet.recipient_key(POST).read_bytes()]}
    return build_package([TEST_ROW], agency=AGENCY, issuer=AGENCY, version=1, **keys)  # type: ignore[arg-type]


def _note(site: SoakSite, faults: list[Inflicted]) -> None:
    with (site.directory / "faults.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(fault), default=str) + "\n" for fault in faults)
    with (site.directory / "heard.jsonl").open("w", encoding="utf-8") as file:
        for one in site.heard:
            file.write(json.dumps({"received": one.received.isoformat(), "topic": one.topic, "id": one.event["id"]}))
            file.write("\n")
