import dataclasses
from typing import Any

import pytest

from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.demo.outcome import DemoCustody, DemoOutcome, Verification, as_json, judge

WHOLE = Verification(records=9, chained=7, problems=())
KEPT = DemoCustody(kept=7, proved=7, receipted=7, odd=0, released=7)
ACCOUNT = {"frames": 160, "dropped": 0, "undelivered": 0}


def judged(post: Any, clip: DemoClip, **changes: Any) -> DemoOutcome:
    return judge(post.arrivals, clip, **{"account": ACCOUNT, "verification": WHOLE, "custody": KEPT, **changes})


def flawless(post: Any) -> None:
    passage, _ = post.hits("7ABC123", 10, 15, category="stolen_vehicle", after=0.1)
    post.reads("7ABC123", 10, 40, passage=passage)
    post.reads("8XYZ900", 50, 90)
    passage, _ = post.hits("6DE0456", 100, 105, category="felony_vehicle", match="look_alike", after=0.3)
    post.reads("6DE0456", 100, 140, passage=passage)


def test_flawless_run_passes(post: Any, clip: DemoClip) -> None:
    flawless(post)
    outcome = judged(post, clip)

    assert outcome.passed
    assert outcome.score is not None
    assert (outcome.score.captured, outcome.score.right, outcome.score.right_folded) == (3, 2, 3)
    assert (outcome.due, outcome.due_received, outcome.undue) == (2, 2, ())
    assert [hit.passage for hit in outcome.hits] == [0, 2]
    assert outcome.latencies == pytest.approx((0.1, 0.3))


def test_missing_due_hit_fails_and_is_named(post: Any, clip: DemoClip) -> None:
    post.reads("6DEO456", 100, 140)
    passage, _ = post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    post.reads("7ABC123", 10, 40, passage=passage)
    assert judged(post, clip).failures == ("expected hit missing: 6DEO456 (look_alike, felony_vehicle)",)


def test_hit_of_a_plate_that_is_not_due_fails(post: Any, clip: DemoClip) -> None:
    flawless(post)
    passage, _ = post.hits("8XYZ900", 50, 60, category="stolen_vehicle", match="near")
    post.arrivals = [a for a in post.arrivals if a.data.get("plate_read") != "8XYZ900" or "hit" in a.data]
    post.reads("8XYZ900", 50, 90, passage=passage)
    assert judged(post, clip).failures == ("false hit: 8XYZ900 (near, stolen_vehicle)",)


def test_hit_without_a_passage_of_the_truth_is_undue(post: Any, clip: DemoClip) -> None:
    flawless(post)
    post.hits("4GHI789", 60, 70, category="stolen_vehicle")
    assert len(judged(post, clip).undue) == 1


def test_due_hit_of_another_kind_still_came_but_a_second_one_is_undue(
    post: Any,
    clip: DemoClip,
) -> None:
    flawless(post)
    outcome = judged(post, clip)
    assert outcome.passed
    passage = post.arrivals[0].data["passage"]
    post.hits("7ABC123", 10, 20, category="stolen_vehicle", match="near")
    post.arrivals[-1].event["data"]["passage"] = passage
    assert [hit.hit.match for hit in judged(post, clip).undue] == ["near"]


def test_withdrawn_due_hit_is_missing(post: Any, clip: DemoClip) -> None:
    passage, hit = post.hits("7ABC123", 10, 15, category="stolen_vehicle")
    post.withdraws(passage, hit, "7ABC128", "stolen_vehicle")
    post.reads("7ABC128", 10, 40, passage=passage)
    outcome = judged(post, clip)
    assert [due.passage for due in outcome.missing] == [0, 2]
    assert outcome.hits[0].withdrawn


def test_record_problems_and_undelivered_records_fail(post: Any, clip: DemoClip) -> None:
    flawless(post)
    broken = Verification(records=9, chained=7, problems=("record 4 is missing: numbers 4 to 4 are missing",))
    assert judged(post, clip, verification=broken).failures == broken.problems
    assert judged(post, clip, account=ACCOUNT | {"undelivered": 2}).failures == ("2 records were not delivered",)


def test_start_of_the_footage_is_found_even_where_reads_are_wrong(post: Any, clip: DemoClip) -> None:
    post.reads("7ABC123", 12, 40)
    post.reads("8XYZ909", 50, 90)
    post.reads("NOTHING", 145, 150)
    outcome = judged(post, clip)
    assert outcome.score is not None
    assert outcome.score.captured == 2
    assert [read.text for read in outcome.score.undue] == ["NOTHING"]


def test_clip_without_a_truth_needs_only_whole_records(post: Any, clip: DemoClip) -> None:
    post.reads("7ABC123", 12, 40)
    post.hits("4GHI789", 60, 70, category="stolen_vehicle")
    bare = DemoClip(footage=clip.footage, truth=None, hot_list=None, patterns=None, due=())
    outcome = judged(post, bare)
    assert outcome.passed
    assert outcome.score is None
    assert as_json(outcome)["passages"] is None


def test_frames_a_second_leaves_out_the_broken_seconds_at_both_ends(post: Any, clip: DemoClip) -> None:
    for uptime, rate in enumerate((0.0, 3.0, 10.0, 9.8, 10.1, 4.0)):
        post.pulses(rate, uptime)
    assert judged(post, clip).frames_per_second == 10.0


def test_latency_shares_are_of_the_nearest_rank(post: Any, clip: DemoClip) -> None:
    for number in range(20):
        post.hits("4GHI789", 60, 70, category="local", after=(number + 1) / 10)
    outcome = judged(post, clip)
    assert outcome.latency(0.5) == pytest.approx(1.0)
    assert outcome.latency(0.95) == pytest.approx(1.9)
    assert outcome.latency(1.0) == pytest.approx(2.0)


def test_json_says_the_figures_of_the_run(post: Any, clip: DemoClip) -> None:
    flawless(post)
    figures = as_json(judged(post, clip))
    assert {key: figures[key] for key in ("passed", "passages", "captured", "hits_due", "hits_received")} == {
        "passed": True, "passages": 3, "captured": 3, "hits_due": 2, "hits_received": 2,
    }  # fmt: skip
    assert figures["latency_median_seconds"] == 0.1


@pytest.mark.parametrize(
    ("direction", "frames"), [("approaching", (60, 90)), ("receding", (50, 80)), (None, (40, 100))]
)
def test_plate_read_from_further_away_than_the_truth_counts_shifts_no_time(
    post: Any, clip: DemoClip, direction: Any, frames: tuple[int, int]
) -> None:
    assert clip.truth is not None
    passages = tuple(passage.model_copy(update={"direction": direction}) for passage in clip.truth.passages)
    shifted = dataclasses.replace(clip, truth=clip.truth.model_copy(update={"passages": passages}))
    post.reads("8XYZ900", *frames)
    outcome = judged(post, shifted)
    read = next(iter(outcome.read_of.values()))
    assert (read.first_frame, read.last_frame) == frames


@pytest.mark.parametrize(
    ("custody", "failure"),
    [
        (dataclasses.replace(KEPT, kept=6, proved=6), "the department proved 6 of 7 records; it keeps 6"),
        (dataclasses.replace(KEPT, kept=8, odd=1), "1 records in custody are not proved to be the post's own"),
        (dataclasses.replace(KEPT, receipted=6), "the custodian has signed for 6 of 7 records"),
        (dataclasses.replace(KEPT, released=6), "1 records are still on the post"),
    ],
)
def test_a_record_that_is_not_kept_signed_for_and_released_fails(
    post: Any, clip: DemoClip, custody: DemoCustody, failure: str
) -> None:
    flawless(post)
    outcome = judged(post, clip, custody=custody)
    assert outcome.failures == (failure,)
    assert as_json(outcome)["custody"] == dataclasses.asdict(custody)
    assert set(as_json(outcome)["custody"]) == {"kept", "proved", "receipted", "odd", "released"}
