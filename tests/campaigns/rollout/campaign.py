"""Two releases for a fleet of light posts: a good one, which is paused on its way, and one that misreads each plate.

Posts, broker, the department with its database, and the command of the rollout are real processes; the second release
raises no fault and is as sure of itself as the first. It must be stopped at the canaries, all must go back, and of what
all recorded meanwhile nothing may be missing.
"""

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from platepost.common.signals import check, sleep
from platepost.device.uplink.settings import UplinkTiming
from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.processes import end, platepost
from platepost.wire.records import Role
from tests.campaigns.command import Outcome
from tests.campaigns.fleet.post import CUSTODIAN
from tests.campaigns.fleet.site import FleetSite

GOOD, BAD = "0.2.0", "0.3.0"
STRANGERS = 0.45
"""Of the passages, so many are of vehicles that never passed before."""
ADMINISTRATOR = "j-stone"
PATIENCE_SECONDS = 900.0
PAUSED = 3
"""Exit code of the rollout's command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutPlan:
    """How long each part is."""

    posts: int
    canaries: int
    rate: float
    """Passages a second by all posts together."""
    watch_seconds: float
    least_reads: int


@dataclass(frozen=True, kw_only=True)
class RolloutOutcome(Outcome):
    """What the two rollouts came to."""

    posts: int
    canaries: int
    rate: float
    good: dict[str, Any]
    """What the command printed of the good release."""
    bad: dict[str, Any]
    found_seconds: float
    """From the order of the bad release until it was found."""
    back_seconds: float
    """From then until all ran the good one again."""
    misread: int
    """Passages that the bad release misread."""
    ran_bad: int
    """Posts that ever ran it."""
    recorded: int
    kept: int
    """Records in the department's archive, of the posts' chains."""
    lost: int
    """Records that never came to a subscriber."""
    unreleased: int
    """Records without a receipt."""

    def show(self, console: Console) -> None:
        """Show the figures."""
        table = Table(title=f"{self.posts} posts, {self.rate:g} passages a second", title_justify="left")
        for name in ("", "good release", "bad release"):
            table.add_column(name)
        table.add_row("waves done", str(self.good["done"]), str(self.bad["done"]))
        table.add_row("posts that ran it", str(len(self.good["ordered"])), str(self.ran_bad))
        table.add_row("end", self.good["state"], self.bad["state"])
        console.print(table)
        for post, why in list(self.bad["wrong"].items())[:3]:
            console.print(f"{post}: {why}", highlight=False)
        console.print(
            f"found after {self.found_seconds:.0f} s, all back {self.back_seconds:.0f} s later; "
            f"{self.misread} misread; {self.recorded} records, "
            f"{self.kept} kept, {self.lost} lost, {self.unreleased} without a receipt",
            highlight=False,
        )


class RolloutSite(FleetSite):
    """A fleet whose custodian is a whole department."""

    def __init__(self, directory: Path, *, posts: int, seed: int, progress: Callable[[str, int, int], None]) -> None:
        """Make identities for all; nothing runs yet."""
        super().__init__(
            directory,
            posts=posts,
            broker="mosquitto",
            seed=seed,
            uplink={"reconnect_seconds": 0.5},
            timing=UplinkTiming(),
            progress=progress,
            strangers=STRANGERS,
            misreading=(BAD,),
        )
        self.fleet.add_operator(ADMINISTRATOR, Role.ADMINISTRATOR)

    def _start_custodian(self) -> ThrowawayDepartment:
        folder = self._stack.enter_context(department_folder())
        self.department = ThrowawayDepartment(
            folder, self.fleet, CUSTODIAN, brokers=[self.broker.address], log=self.directory / "keeper.log"
        )
        self.department.initialize()
        return self._stack.enter_context(self.department)


class RolloutCampaign:
    """Runs both releases through the fleet."""

    def __init__(self, site: RolloutSite, plan: RolloutPlan, *, say: Callable[[str], None]) -> None:
        self._site, self._plan, self._say = site, plan, say
        self._problems: list[str] = []

    def run(self) -> RolloutOutcome:
        """Run, and return what came of it.

        Raises:
            CampaignError: something did not come about within the time given.

        """
        began, site, plan = time.monotonic(), self._site, self._plan
        site.order("connect")
        self._until("connecting", lambda: site.count().connected == plan.posts)
        site.order("rate", plan.rate / plan.posts)
        self._say("the time before")
        sleep(2 * plan.watch_seconds)
        good = self._good()
        ordered = time.monotonic()
        self._say(f"{BAD}, which misreads")
        bad, found = self._order("bad", "--version", BAD, *self._waves(), allowed=1)
        back = time.monotonic()
        self._judge(good, bad)
        site.order("rate", 0.0)
        self._until("delivering what waits", lambda: site.count().waiting == 0)
        self._until("awaiting the last receipts", lambda: site.count().unreleased == 0)
        history = site.software()
        if {each.ran[-1] for each in history} != {GOOD}:
            self._problems.append("a post does not run the good release in the end")
        recorded, kept, lost = self._account()
        return RolloutOutcome(
            posts=plan.posts,
            canaries=plan.canaries,
            rate=plan.rate,
            good=good,
            bad=bad,
            found_seconds=round(found - ordered, 1),
            back_seconds=round(back - found, 1),
            misread=sum(each.misread for each in history),
            ran_bad=sum(BAD in each.ran for each in history),
            recorded=recorded,
            kept=kept,
            lost=lost,
            unreleased=site.count().unreleased,
            problems=tuple(self._problems),
            seconds=round(time.monotonic() - began, 1),
        )

    def _good(self) -> dict[str, Any]:
        """Roll out the good release; it is paused once its second wave has begun."""
        self._say(f"{GOOD}, until it is paused")
        paused, _ = self._order("paused", "--version", GOOD, *self._waves(), allowed=PAUSED, pause_at="wave 2")
        if paused["done"] != 1:
            self._problems.append(f"it was paused after {paused['done']} waves")
        self._say(f"{GOOD}, resumed")
        return self._order("good", "--resume", allowed=0)[0]

    def _waves(self) -> list[str]:
        canaries = self._site.posts[: self._plan.canaries]
        return [word for post in canaries for word in ("--canary", post)] + ["--wave", "25"]

    def _order(self, name: str, *words: str, allowed: int, pause_at: str | None = None) -> tuple[dict[str, Any], float]:
        """Run the command to its end; return what it printed, and when it began to take the release back."""
        site, hours = self._site, self._plan.watch_seconds / 3600
        figures = shlex.join([*platepost("department", "read-figures"), str(site.department.folder)])
        times = ("--watch", str(hours), "--install", "0.1", "--least-reads", str(self._plan.least_reads))
        command = platepost("provision", "software", "rollout", str(site.fleet.directory), *words, *times)
        command = [*command, "--figures", figures, "--broker", site.broker.address, "--json", "--purpose", "campaign"]
        log, taking_back = site.directory / f"{name}.log", 0.0
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, process_group=0
            )
        try:
            deadline, paused = time.monotonic() + PATIENCE_SECONDS, False
            while process.poll() is None:
                said = log.read_text(errors="replace")
                if "taking it back" in said:
                    taking_back = taking_back or time.monotonic()
                if pause_at is not None and pause_at in said and not paused:
                    paused = True
                    process.send_signal(signal.SIGINT)
                if time.monotonic() > deadline:
                    raise CampaignError(f"the rollout does not end; see {log}")
                check()
                sleep(0.2)
        finally:
            end(process, sent=signal.SIGTERM, seconds=60.0)
        assert process.stdout is not None
        output = process.stdout.read().decode()
        if process.returncode != allowed:
            raise CampaignError(f"the rollout ended with {process.returncode}, not {allowed}; see {log}")
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        return result, taking_back

    def _judge(self, good: dict[str, Any], bad: dict[str, Any]) -> None:
        posts, canaries = self._plan.posts, set(self._site.posts[: self._plan.canaries])
        if (good["state"], len(good["ordered"]), good["wrong"]) != ("finished", posts, {}):
            self._problems.append(f"the good release did not reach all: {good['wrong'] or len(good['ordered'])}")
        if bad["state"] != "taken_back" or not bad["wrong"] or bad["not_back"]:
            self._problems.append("the bad release was not taken back")
        if set(bad["ordered"]) != canaries:
            self._problems.append(f"{len(bad['ordered'])} posts got the bad release, not the canaries alone")
        if not all("misreading" in why for why in bad["wrong"].values()):
            self._problems.append("the bad release was not found by its misreading")

    def _account(self) -> tuple[int, int, int]:
        """Return how many records there were, how many the archive has, and how many a subscriber never got."""
        site, chains = self._site, self._site.chains()
        status = site.department.run_json("status", allowed=(0, 1))
        held = {(row["post"], each["chain"]): each["kept"] for row in status["posts"] for each in row["chains"]}
        for chain in chains:
            if held.get((chain.post, chain.chain)) != chain.last:
                self._problems.append(f"{chain.post}: {held.get((chain.post, chain.chain))} of {chain.last} kept")
        recorded, missing = sum(chain.last for chain in chains), site.ask_keeper("missing", chains)
        if missing.lost:
            self._problems.append(f"{missing.lost} records did not come to a subscriber")
        return recorded, sum(held.values()), missing.lost

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        self._say(what)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise CampaignError(f"{what}: not within {PATIENCE_SECONDS:.0f} s")
            sleep(0.5)
