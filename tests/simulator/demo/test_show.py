import io
from typing import Any

import pytest
from rich.console import Console

from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.demo.outcome import DemoCustody, Verification, judge
from platepost.simulator.demo.show import TerminalObserver, figures_table


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_without_a_terminal_each_hit_and_read_is_a_line(console: Console, post: Any) -> None:
    passage, hit = post.hits("7ABC123", 10, 15, category="stolen_vehicle", match="look_alike")
    post.withdraws(passage, hit, "7ABC128", "stolen_vehicle")
    post.reads("7ABC128", 10, 40, passage=passage)
    post.pulses(10.0, 5.0)
    show = TerminalObserver(console)
    for arrival in post.arrivals:
        show.arrived(arrival)
    show.ended()
    show.close()
    lines = shown(console)
    assert "hit 7ABC123 look-alike (O/0, I/1), stolen vehicle" in lines
    assert "hit withdrawn 7ABC128 text changed" in lines
    assert "read 7ABC128 0.970, 2 of 31 frames agree" in lines


def test_table_says_every_figure(console: Console, post: Any, clip: DemoClip) -> None:
    passage, _ = post.hits("7ABC123", 10, 15, category="stolen_vehicle", after=0.25)
    post.reads("7ABC123", 10, 40, passage=passage)
    whole = Verification(records=5, chained=3, problems=())
    custody = DemoCustody(kept=5, proved=4, receipted=3, odd=1, released=2)
    account = {"frames": 157, "dropped": 3}
    console.print(figures_table(judge(post.arrivals, clip, account=account, verification=whole, custody=custody)))
    table = shown(console).replace("│", "").replace("  ", " ")
    for figure in (
        "passages captured 1 of 3",
        "read right 1 (1 with O = 0 and I = 1)",
        "expected hits received 1 of 2",
        "false hits 0",
        "frames dropped 3 of 160",
        "A post then drops frames, never records.",
        "median 250 ms",
        "whole and genuine",
        "records received 5, 3 of them chained",
        "records that the department keeps 5, 4 of them proved",
        "chained records that it signed for 3 of 3",
        "and that the post has deleted 2 of 3",
    ):
        assert figure in " ".join(table.split()), figure
