"""Whole posts: `platepost run` on recorded footage, killed again and again, until it may play its footage to the end.

No one keeps a log of what such a post was told is stored. Its chain does: numbers are given out in the transaction
that stores a record, so every number up to its farewell must have arrived, or be named as given up.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from time import monotonic

from platepost.common.signals import sleep
from platepost.simulator.demo.clip import STREET
from platepost.simulator.demo.post_process import PostProcess
from platepost.simulator.errors import DemoError
from platepost.wire.records import TYPES, Source, Status
from platepost.wire.records.canonical import parse
from tests.campaigns.faults.judge import Judge, Ruling
from tests.campaigns.faults.result import Injected
from tests.campaigns.faults.site import AGENCY, CampaignSite

NAME = "whole post killed"
WHAT = "kill -9 of `platepost run` on footage, up to 8 s after its start"
HEALS = "the post is started again at once"
POST = "whole"
FOOTAGE = STREET.with_name("pass.mp4")
END_SECONDS = 120.0
ARRIVAL_SECONDS = 30.0


def run_whole(
    site: CampaignSite, *, kills: int, draw: Random, account: Callable[[Injected], None]
) -> tuple[Ruling, list[str]]:
    """Kill a whole post so often, let it end, and judge it; return the ruling and what else went wrong."""
    proxy = site.proxy()
    folder = site.add_post(
        POST,
        through=(proxy,),
        camera="footage",
        camera_settings={"path": str(FOOTAGE), "pace": "realtime"},
        more={"hotlist": {"in_service_without_list": True}},
    )
    problems: list[str] = []
    process = PostProcess(folder / "post.toml", log=folder / "post.log")
    try:
        for number in range(kills):
            process.start()
            until = monotonic() + draw.uniform(1, 8)
            while monotonic() < until and process.running:
                sleep(0.05)
            if number % 3 == 2:
                proxy.reset()
            process.kill()
            account(Injected(NAME, POST, None))
        process.start()
        deadline = monotonic() + END_SECONDS
        while process.running and monotonic() < deadline:
            sleep(0.1)
        try:
            problems += [] if not process.running else [f"{POST} has not ended after {END_SECONDS:.0f} s"]
            if not process.running:
                process.account()
        except DemoError as error:
            problems.append(str(error))
    finally:
        process.stop()
    return judge_whole(site), problems


def judge_whole(site: CampaignSite) -> Ruling:
    """Judge the whole post by its chain, once it has said farewell."""
    source = Source(AGENCY, POST)
    deadline = monotonic() + ARRIVAL_SECONDS
    while True:
        judge = Judge(source, site.fleet.record_key(POST))
        last = 0
        with site.archive.open("rb") as lines:
            for line in lines:
                event = parse(line)
                if event.get("source") == source.uri:
                    judge.feed(event)
                    last = max(last, _farewell(event))
        ruling = judge.ruling(())
        lost = last - ruling.delivered - ruling.dropped
        if (last and not lost) or monotonic() > deadline:
            break
        sleep(0.5)
    problems = ruling.problems if last else (*ruling.problems, "its farewell has not arrived")
    return replace(ruling, stored=last, given_up=ruling.dropped, lost=max(0, lost), problems=problems)


def _farewell(event: dict[str, object]) -> int:
    """Return the number of a chained status `offline`, which is a post's last word; 0 for anything else."""
    data, sequence = event.get("data"), event.get("sequence")
    is_offline = event.get("type") == TYPES[Status] and isinstance(data, dict) and data.get("state") == "offline"
    return sequence if is_offline and isinstance(sequence, int) else 0
