"""A scripted shift: eight hours of hits in minutes, two dispatchers, and whatever goes wrong in a night.

Each dispatcher has a console in a browser of their own and acts on what it shows. One browser sleeps, the pages' server
is killed, and one network is lost. Nothing may be lost, nothing answered twice, and no silence understated. The table
of what each saw, and when, goes to `build/shift.txt`.
"""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.ground.event_loop_thread import EventLoopThread
from platepost.simulator.ground.proxy import Proxy
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records.hit import HitWithdrawn
from tests.browser import Visitor
from tests.department.alerts.alarms import seen
from tests.department.alerts.pages.desk import Desk
from tests.department.commands.forked import Started
from tests.thorough import THOROUGH

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(
        not THOROUGH,
        reason="time for a whole shift is missing: make test-thorough",
    ),
]
HITS = 500
WITHDRAWN = 25
SECONDS = 300.0
"""In which the eight hours of the shift pass."""
SETTLE_SECONDS = 900.0
"""Afterwards, until everything is answered."""
AWAY_SECONDS = 25.0
OUTAGES = {"browser asleep": (60.0, "b.chen"), "server killed": (130.0, ""), "network lost": (210.0, "a.rivera")}
"""When each begins, and whose console it strikes; that of both where it is no one's."""
TOLERANCE_SECONDS = 1.5
"""A page shows whole seconds, and the last beat may have come just before."""
WATCH = """async () => {
  const modules = ["hits", "receiving"].map((name) => import(`/static/alerts/${name}.js`));
  const [{ hits }, { receiving }] = await Promise.all(modules);
  window.watched = { hits: {}, silences: [], told: [] };
  const watch = () => {
    const now = Date.now();
    for (const [record, hit] of hits) {
      const known = watched.hits[record] ??= { first: now, states: [] };
      if (hit.state && known.states.at(-1) !== hit.state) known.states.push(hit.state);
    }
    const deaf = document.getElementById("deaf"), last = watched.silences.at(-1);
    const silent = !deaf.hidden && !deaf.classList.contains("some");
    const since = Number(receiving.deafSince);
    if (silent && (!last || last.until)) watched.silences.push({ shown: now, since, until: 0 });
    else if (!silent && last && !last.until) last.until = now;
    const told = document.getElementById("refused").innerText;
    if (told && told !== watched.told.at(-1)?.text) watched.told.push({ at: now, text: told });
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(watch).observe(document.body, all);
  setInterval(watch, 250);
}"""
"""Has a page note when it first showed each hit, and when it said that it receives nothing."""
WORK = """async ({ most, wrong }) => {
  const modules = ["hits", "page"].map((name) => import(`/static/alerts/${name}.js`));
  const [{ heads, hits, toTake, together }, { page, token }] = await Promise.all(modules);
  const made = [];
  const post = async (step, hit, more = {}) => {
    const body = new URLSearchParams({ hit: hit.record, step, revision: hit.revision, ...more });
    const asked = { method: "POST", body, headers: { "X-CSRFToken": token }, signal: AbortSignal.timeout(15000) };
    const answer = await fetch(page.dataset.step, asked).catch(() => ({ status: 0 }));
    made.push([step, hit.record, answer.status]);
    return answer.status === 204;
  };
  const shown = [...hits.values()];
  for (const hit of shown.filter((each) => each.state === "withdrawn").slice(0, most)) {
    await post("meanwhile", { ...hit }, { reason: "nothing" });
  }
  // The page's own: a repeat whose first hit was decided stands by itself.
  const fresh = toTake(heads()).filter((each) => each.state === "new");
  for (const each of fresh.slice(0, most)) {
    const hit = { ...each };
    if (!(await post("take", hit))) continue;
    hit.revision += 1;
    const repeats = together(each).map((other) => other.record).join(",");
    if (each.record % 10 < wrong) { await post("reject", hit, { reason: "misread", repeats }); continue; }
    const answers = Object.fromEntries([...(each.plate || "7ABC123")].map((_, place) => [`character${place}`, "s"]));
    if (!(await post("confirm", hit, { ...answers, region: "same", vehicle: "same" }))) continue;
    hit.revision += 1;
    if (!(await post("active", hit))) continue;
    hit.revision += 1;
    await post("outcome", hit, { reason: "recovered", repeats });
  }
  const begun = ["taken", "confirmed", "actionable"];  // what a lost answer left behind
  const mine = [...hits.values()].filter((each) => each.holder === page.dataset.me && begun.includes(each.state));
  for (const each of mine.slice(0, most)) {
    const repeats = together(each).map((other) => other.record).join(","), last = each.state === "actionable";
    await post(last ? "outcome" : "reject", { ...each }, { reason: last ? "recovered" : "other_vehicle", repeats });
  }
  return made;
}"""
"""Has a dispatcher answer what their console shows as it shows it."""


UNLOGGED = """
SELECT count(*) FROM alerts_step WHERE NOT by_program AND record_id NOT IN (
    SELECT record::bigint FROM ledger_entry AS line JOIN ledger_body AS body USING (entry),
    json_array_elements_text(body.value::json) AS record WHERE line.event = 'alert_step' AND body.field = 'records'
)
"""
"""Steps of people that are not in the ledger."""


@dataclass
class Dispatcher:
    """One console, and what its dispatcher did."""

    login: str
    page: Page
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    """Each with its hit's record, and the status that the pages answered."""
    watched: dict[str, Any] = field(default_factory=dict)

    def work(self) -> None:
        try:
            created = self.page.evaluate(WORK, {"most": 4, "wrong": 7})
        except Error:  # the page reloads
            return
        self.steps += [(step, int(record), int(status)) for step, record, status in created]


@dataclass
class Shift:
    """The shift as it goes."""

    desk: Desk
    dispatchers: list[Dispatcher]
    network: Proxy
    sleeper: int
    """The process that shows one dispatcher's page."""
    server: Started
    random: Random = field(default_factory=lambda: Random(1))
    sent: dict[str, float] = field(default_factory=dict)
    """When each hit was sent, by its identifier."""
    outages: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When each began and ended."""

    def live(self, connection: Any) -> None:  # noqa: C901 - of the wire; in the order of time
        due = sorted(self.random.uniform(0, SECONDS) for _ in range(HITS))
        plates = [f"{number % 9 + 1}{letters}{number:03d}" for number, letters in enumerate(self._letters())]
        withdrawn = {*self.random.sample(range(HITS), WITHDRAWN)}
        leaving: list[tuple[float, str]] = []
        began, number = time.monotonic(), 0
        away: dict[str, float] = {}
        while (gone := time.monotonic() - began) < SECONDS or number < HITS or away:
            while number < HITS and due[number] <= gone:
                repeats = self.random.random() < 0.3 and number > 0
                plate = plates[max(0, number - self.random.randint(1, 8))] if repeats else plates[number]
                plates[number] = plate
                hit = self._send(connection, plate)
                if number in withdrawn:
                    leaving.append((gone + self.random.uniform(0.5, 20), hit))
                number += 1
            for at, hit in [each for each in leaving if each[0] <= gone]:
                leaving.remove((at, hit))
                self._withdraw(connection, hit)
            for name, (at, _) in OUTAGES.items():
                if name not in self.outages and name not in away and gone >= at:
                    away[name] = time.time()
                    self._begin(name)
                elif name in away and time.time() - away[name] >= AWAY_SECONDS:
                    self.outages[name] = away.pop(name), time.time()
                    self._end(name)
            out = {OUTAGES[name][1] for name in away}
            for dispatcher in self.dispatchers:
                if dispatcher.login not in out and "" not in out:
                    dispatcher.work()
        for _, hit in leaving:
            self._withdraw(connection, hit)

    def _letters(self) -> Iterator[str]:
        for _ in range(HITS):
            yield "".join(self.random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=3))

    def _send(self, connection: Any, plate: str) -> str:
        self.desk.post.now = datetime.now(UTC)
        members = seen(plate, self.desk.post.now, priority=self.random.choice((1, 2, 3)))
        created = self.desk.post.hit(None, **members)
        self.sent[str(members["hit"])] = time.time()
        connection.publish(created.topic, created.body, retain=False)
        return str(members["hit"])

    def _withdraw(self, connection: Any, hit: str) -> None:
        fields: dict[str, Any] = {
            "category": "Stolen Vehicle",
            "plate_read": "7A8D123",
            "plate_key": "7A8D123",
            "reason": "text_changed",
        }
        created = self.desk.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, passage=hit, **fields))
        connection.publish(created.topic, created.body, retain=False)

    def _begin(self, name: str) -> None:
        if name == "browser asleep":
            os.kill(self.sleeper, signal.SIGSTOP)
        elif name == "server killed":
            self.server.send_signal(signal.SIGKILL)
            self.server.wait()
        else:
            self.network.stall()

    def _end(self, name: str) -> None:
        if name == "browser asleep":
            os.kill(self.sleeper, signal.SIGCONT)
        elif name == "server killed":
            self.server = self.desk.site.department.start("serve", "--web", self.desk.where)
        else:
            self.network.flow()

    def settle(self) -> int:
        """Have everything answered; return how many alerts are open."""
        end = time.monotonic() + SETTLE_SECONDS
        asked = "SELECT count(*) FROM alerts_alert WHERE state NOT IN ('rejected', 'closed', 'accounted', 'repeated')"
        query = f"SELECT (SELECT count(*) FROM alerts_alert), (SELECT count(*) FROM custody_withdrawal), ({asked})"
        while time.monotonic() < end:
            ((known, gone, left),) = self.desk.asked(query)
            if (known, gone, left) == (HITS, WITHDRAWN, 0):
                return 0
            for dispatcher in self.dispatchers:
                dispatcher.work()
        return int(left)


@pytest.mark.timeout(1800)  # eight hours in five minutes, and what is left is answered afterwards
def test_shift(desk: Desk, chromium: Browser, visitor: Visitor) -> None:
    loop = EventLoopThread()
    with desk.serving() as server, closing(Proxy(loop, int(desk.where.rpartition(":")[2]))) as network:
        direct, through = desk.where, f"127.0.0.1:{network.port}"
        pages, known, sleeper = {}, renderers(chromium), 0
        for login, where in (("a.rivera", through), ("b.chen", direct)):
            desk.where = where
            page = desk.open(visitor, login, "console/shift/")
            page.get_by_role("button", name="show hits").press("Enter")
            page.wait_for_url("**/console/")
            page.evaluate(WATCH)
            pages[login] = page
            own = renderers(chromium) - known
            known |= own
            sleeper = max(own)
        desk.where = direct
        shift = Shift(
            desk,
            [Dispatcher(login, page) for login, page in pages.items()],
            network,
            sleeper,
            server,
        )
        try:
            with desk._connected() as connection:
                shift.live(connection)
                left = shift.settle()
            for each in shift.dispatchers:
                each.watched = each.page.evaluate("watched")
        finally:
            os.kill(sleeper, signal.SIGCONT)
            shift.server.kill()
            for page in pages.values():
                page.close()
    text, problems = report(shift, left)
    Path("build").mkdir(exist_ok=True)
    Path("build/shift.txt").write_text(text, encoding="utf-8")
    visitor.complaints.clear()  # of a server that was killed, and of steps that someone else was sooner with
    assert problems == [], text


def renderers(chromium: Browser) -> set[int]:
    """Return the processes of a browser that show pages."""
    found = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return {int(each["id"]) for each in found if each["type"] == "renderer"}


def report(shift: Shift, left: int) -> tuple[str, list[str]]:  # noqa: C901 - a table, line by line
    """Return the table of what each dispatcher saw, and all that is wrong."""
    problems, lines = [], [f"{HITS} hits in 8 h, which passed in {SECONDS:.0f} s; {left} open at the end"]
    alerts = dict(shift.desk.asked("SELECT hit, record_id FROM alerts_alert"))
    lost = [hit for hit in shift.sent if hit not in alerts]
    if lost or left or len(alerts) != HITS:
        problems.append(f"{len(lost)} hits made no alert, {left} were not answered")
    decided = "step IN ('reject', 'cleared', 'outcome', 'repeat')"
    twice = shift.desk.asked(f"SELECT record_id FROM alerts_step WHERE {decided} GROUP BY 1 HAVING count(*) > 1")
    if twice:
        problems.append(f"{len(twice)} hits were answered twice")
    unlogged = shift.desk.asked(UNLOGGED)
    if unlogged != [(0,)]:
        problems.append(f"{unlogged[0][0]} steps are not in the ledger")
    shown: set[int] = set()
    for each in shift.dispatchers:
        own = {int(record): known for record, known in each.watched["hits"].items()}
        shown |= own.keys()
        delays = [own[alerts[hit]]["first"] / 1000 - at for hit, at in shift.sent.items() if alerts.get(hit) in own]
        cuts = quantiles(delays, n=20)
        taken = sum(step == "take" and status == 204 for step, _, status in each.steps)
        sooner = sum(status == 409 for _, _, status in each.steps)
        times = f"median {cuts[9]:.2f} s, 95th percentile {cuts[18]:.2f} s, longest {max(delays):.1f} s"
        lines.append(f"{each.login}: saw {len(own)} hits, after they were sent: {times}")
        lines.append(f"  took {taken}; {sooner} steps refused because somebody else was sooner")
    if {*alerts.values()} - shown:
        problems.append(f"{len({*alerts.values()} - shown)} hits were on neither console")
    for name, (began, ended) in shift.outages.items():
        lines.append(f"{name}: {_clock(began)} to {_clock(ended)}")
        for each in shift.dispatchers:
            if OUTAGES[name][1] in {"", each.login}:
                since = _said_since(each, began, ended)
                lines.append(f"  {each.login}: said that it received nothing since {since and _clock(since)}")
                if since is None:
                    problems.append(f"{name}: {each.login} was not told")
                elif since > began + TOLERANCE_SECONDS:
                    problems.append(f"{name}: {each.login} was told of {since - began:.1f} s less")
    lines += [
        f"{count} {state}"
        for state, count in shift.desk.asked("SELECT state, count(*) FROM alerts_alert GROUP BY 1 ORDER BY 1")
    ]
    return "\n".join([*lines, *problems, ""]), problems


def _said_since(dispatcher: Dispatcher, began: float, ended: float) -> float | None:
    """Return since when a console said that it received nothing, of an outage; None if it said nothing."""
    matches = [
        each["since"] / 1000 for each in dispatcher.watched["silences"] if began <= each["shown"] / 1000 <= ended + 30
    ]
    for each in dispatcher.watched["told"]:
        if began <= each["at"] / 1000 <= ended + 60 and (
            fields := re.search(r"received from (\d+):(\d+):(\d+)", each["text"])
        ):
            hours, minutes, seconds = map(int, fields.groups())
            moment = datetime.fromtimestamp(began, UTC).replace(
                hour=hours, minute=minutes, second=seconds, microsecond=0
            )
            matches.append((moment if moment.timestamp() < ended + 60 else moment - timedelta(days=1)).timestamp())
    return min(matches, default=None)


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"
