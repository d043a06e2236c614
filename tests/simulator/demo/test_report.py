import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.demo.outcome import DemoCustody, Verification, judge
from platepost.simulator.demo.report import duration, percent, timeline, write_report

WHOLE = Verification(records=9, chained=7, problems=())
KEPT = DemoCustody(kept=7, proved=7, receipted=7, odd=0, released=7)


class Page(HTMLParser):
    """The texts and pictures of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"src", "href"} and value is not None:
                (self.pictures if tag == "img" else self.loads).append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


def written(tmp_path: Path, post: Any, clip: DemoClip, verification: Verification = WHOLE) -> Page:
    outcome = judge(post.arrivals, clip, account={"frames": 158, "dropped": 2}, verification=verification, custody=KEPT)
    path = tmp_path / "report.html"
    write_report(path, outcome)
    return Page(path.read_text(encoding="utf-8"))


def test_each_hit_shows_its_pictures_and_the_warning(
    tmp_path: Path,
    post: Any,
    clip: DemoClip,
    decoded: Callable[[str], bytes],
) -> None:
    passage, _ = post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    post.reads("7ABC123", 10, 40, passage=passage)
    post.hits("6DE0456", 100, 105, category="felony_vehicle", match="look_alike")
    page = written(tmp_path, post, clip)

    assert page.text.count("Possible match, unverified") == 2
    assert page.text.count("Verify by eye and with the state's system") == 2
    assert "stolen vehicle" in page.text
    sizes = [cv2.imdecode(np.frombuffer(decoded(uri), np.uint8), cv2.IMREAD_COLOR).shape[:2] for uri in page.pictures]
    assert sizes.count((240, 320)) == 2
    assert sizes.count((60, 120)) == 4  # two hits and one read, which stands beside its hit too


def test_page_needs_nothing_but_itself(tmp_path: Path, post: Any, clip: DemoClip) -> None:
    post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    page = written(tmp_path, post, clip)
    assert page.loads == []
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in page.pictures)
    source = (tmp_path / "report.html").read_text()
    assert not re.search(r"url\(|@import|<script", source)


def test_passages_stand_beside_what_was_read_of_them(tmp_path: Path, post: Any, clip: DemoClip) -> None:
    post.reads("7ABC128", 10, 40)
    post.reads("8XYZ900", 50, 90)
    page = written(tmp_path, post, clip)
    cells = " ".join(page.text.split())
    assert "7ABC123 7ABC128 wrong" in cells
    assert "8XYZ900 8XYZ900 right" in cells
    assert "6DEO456 missed" in cells


def test_failures_are_said_in_words(tmp_path: Path, post: Any, clip: DemoClip) -> None:
    problem = "record 4 is missing: numbers 4 to 4 are missing"
    page = written(tmp_path, post, clip, Verification(records=3, chained=3, problems=(problem,)))
    assert "3 things went wrong" in page.text
    assert problem in page.text
    assert "7ABC123 (exact, stolen_vehicle)" in page.text


def test_what_records_carry_cannot_change_the_page(tmp_path: Path, post: Any, clip: DemoClip) -> None:
    post.hits("7ABC123", 10, 15, category="<script>alert(1)</script>")
    written(tmp_path, post, clip)
    assert "<script>" not in (tmp_path / "report.html").read_text()


def test_passages_at_the_same_time_lie_in_rows_below_one_another(
    tmp_path: Path,
    post: Any,
    clip: DemoClip,
) -> None:
    assert clip.truth is not None
    pair = clip.truth.model_copy(update={"passages": (*clip.truth.passages, clip.truth.passages[0])})
    outcome = judge(
        post.arrivals, DemoClip(clip.footage, pair, None, None, ()), account={}, verification=WHOLE, custody=KEPT
    )
    bars = timeline(outcome)
    assert [bar.row for bar in bars] == [0, 1, 0, 0]
    assert bars[0].left == pytest.approx(100 * 10 / 160)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0421, "42 ms"), (3.21, "3.2 s"), (240, "4 min"), (9000, "2.5 h"), (None, "-")]
)
def test_durations_are_written_as_people_read_them(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_a_share_below_one_is_never_rounded_to_certainty() -> None:
    assert percent(0.99996) == "99.9 %"
    assert percent(1.0) == "100.0 %"
