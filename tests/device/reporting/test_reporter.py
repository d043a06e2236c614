import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from platepost.device.frame import Frame
from platepost.device.reporting import reporter as reporter_module
from platepost.device.reporting.reporter import RecordContext, Reporter
from platepost.device.vision.geometry import rectify
from platepost.device.vision.passages import Passage, Passages
from platepost.device.vision.pipeline import Ended, Retraction, Verdict
from platepost.device.vision.reader import Glyph, Reading
from platepost.device.vision.recognizer import Plate
from platepost.device.vision.region import Impression, Issuer
from platepost.device.vision.settings import LaneSettings, PassageSettings
from platepost.device.vision.sighting import Sighting
from platepost.device.vision.vehicle import NOTHING, Appearance
from platepost.wire.hotlist import HotList, LookUpResult, Match, MatchKind, Query
from platepost.wire.hotlist.match import agreement
from platepost.wire.records import (
    ClockQuality,
    Hit,
    HitWithdrawn,
    HotListState,
    Place,
    Read,
    RecordData,
    Source,
    Versions,
)
from platepost.wire.records.envelope import topic_of
from platepost.wire.records.hit import HELD_WORDING
from platepost.wire.records.settings import RecordSettings
from tests.rigs import hotlist_settings

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class FakeList:
    """A list that holds exactly the given texts."""

    def __init__(self, *texts: str, kind: MatchKind = MatchKind.EXACT, group: str | None = None) -> None:
        self.texts = set(texts)
        self.kind = kind
        self.group = group
        self.safe: set[str] = set()

    def consult(self, query: Query, *, at: datetime, settings: object = None) -> LookUpResult:
        plate = query.plate_read
        if plate not in self.texts:
            return LookUpResult(safe=plate in self.safe)
        match = Match(
            self.kind, plate, "stolen_vehicle", 1, "CA", "REF-1", (), 7, 0.5,
            state_agreement=agreement(query.state, "CA"), distribution=self.group,
        )  # fmt: skip
        return LookUpResult((match,))


class Entries:
    """A list that answers with the matches that stand beside a text, the most urgent first."""

    def __init__(self, **answers: tuple[Match, ...]) -> None:
        self.answers = answers
        self.moments: list[datetime] = []

    def consult(self, query: Query, *, at: datetime, settings: object = None) -> LookUpResult:
        del settings
        self.moments.append(at)
        return LookUpResult(self.answers.get(query.plate_read, ()))


def match(plate: str, kind: MatchKind = MatchKind.EXACT, *, state: str | None = "CA", priority: int = 1) -> Match:
    return Match(kind, plate, "stolen_vehicle", priority, state, "REF-1", (), 7, 0.5)


class InForce:
    """The post's hot list, and by what time it is asked."""

    settings = hotlist_settings()

    def __init__(self, current: FakeList | Entries | None) -> None:
        self.current = current
        self.now = NOON

    def judge(self, hotlist: object) -> HotListState:
        return HotListState(state="none" if hotlist is None else "current", version=7)

    def state(self) -> HotListState:
        return self.judge(self.current)

    def moment(self) -> datetime:
        return self.now


class Desk:
    """A reporter with everything around it, and the records that it made."""

    def __init__(self, hotlist: FakeList | Entries | None, **section: bool) -> None:
        self.records: list[RecordData] = []
        self.hotlist = InForce(hotlist)
        self.passages = Passages()
        self._seconds = itertools.count()
        self.reporter = Reporter(
            self,
            self.hotlist,  # type: ignore[arg-type]  # its lists have what a reporter asks for
            clock=lambda: ClockQuality(source="unknown", synchronised=False),
            context=RecordContext("camera", Place(), Versions(software="0", configuration="0")),
            settings=RecordSettings(signing_key="key.pem", **section),
        )

    def record(self, data: RecordData) -> None:
        self.records.append(data)

    @staticmethod
    def plate(text: str, confidence: float, score: float = 0.9) -> Plate:
        corners = np.array([[100, 100], [200, 100], [200, 150], [100, 150]], np.float32)
        return Plate(Reading(text, confidence, tuple(Glyph(c, confidence) for c in text), ()), score, corners)

    def see(
        self,
        text: str,
        *,
        confidence: float = 0.9,
        score: float = 0.9,
        issuer: Issuer | None = None,
        appearance: Appearance = NOTHING,
    ) -> Passage:
        number = next(self._seconds)
        rng = np.random.default_rng(number)
        color = rng.integers(0, 255, (240, 320, 3), np.uint8)
        frame = Frame(number, NOON, number / 20, color[:, :, 0], lambda: color)
        straight = rectify(frame.gray, self.plate(text, confidence).corners, width=160, height=64, margin=0.0)
        (passage,) = self.passages.update([Sighting(frame, self.plate(text, confidence, score), 1.0, straight)])
        passage.impression, passage.described = Impression(issuer), appearance
        if passage.safe:
            self.reporter.early(passage)
        return passage

    def end(self, verdict: Verdict = Verdict.READ) -> None:
        for passage in self.passages.end_all():
            self.reporter.ended(Ended(passage, verdict))


def kinds(desk: Desk) -> list[type]:
    return [type(record) for record in desk.records]


def test_hit_and_read_say_the_lane() -> None:
    desk = Desk(FakeList("7ABC123"))
    whole = LaneSettings(name="only lane", outline=(0, 0, 1, 0, 1, 1, 0, 1))
    desk.passages = Passages(PassageSettings(lanes=(whole,)))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert hit.lane == read.lane == "only lane"


def test_a_hit_leaves_as_soon_as_two_frames_agree_and_the_read_names_it() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123")
    assert kinds(desk) == []
    desk.see("7ABC123")
    assert kinds(desk) == [Hit]
    for _ in range(3):
        desk.see("7ABC123")
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert read.hits == (hit.hit,)
    assert read.passage == hit.passage
    assert read.hotlist.result == "match"
    assert {picture.kind for picture in hit.pictures} == {"patch", "overview"}
    assert hit.verification == "unverified"


def test_a_hit_that_the_final_text_does_not_bear_out_is_withdrawn() -> None:
    desk = Desk(FakeList("7ABC128"))
    desk.see("7ABC128", confidence=0.8)
    desk.see("7ABC128", confidence=0.8)
    for _ in range(8):
        desk.see("7ABC123", confidence=0.97)
    desk.end()
    assert kinds(desk) == [Hit, HitWithdrawn, Read]
    hit, withdrawn, read = desk.records
    assert isinstance(withdrawn, HitWithdrawn)
    assert withdrawn.hit == hit.hit  # type: ignore[attr-defined]
    assert withdrawn.reason == "text_changed"
    assert isinstance(read, Read)
    assert read.hits == ()
    assert read.plate_read == "7ABC123"


def test_a_hit_is_withdrawn_as_soon_as_another_text_is_safe_to_act_on() -> None:
    desk = Desk(FakeList("7ABC128"))
    desk.see("7ABC128", confidence=0.8)
    desk.see("7ABC128", confidence=0.8)
    for _ in range(8):
        desk.see("7ABC123", confidence=0.97)
    assert kinds(desk) == [Hit, HitWithdrawn]
    for _ in range(40):
        desk.see("7ABC128", confidence=0.99)
    assert kinds(desk) == [Hit, HitWithdrawn, Hit]
    desk.end()
    assert desk.records[-1].hits == (desk.records[2].hit,)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("legible", "text"), [(True, "7ABC123"), (False, "")])
def test_a_hit_of_a_passage_that_is_doubted_is_withdrawn_and_hits_anew_if_its_text_comes_back(
    *, legible: bool, text: str
) -> None:
    desk = Desk(FakeList("7ABC128"))
    desk.see("7ABC128", confidence=0.8)
    passage = desk.see("7ABC128", confidence=0.8)
    for _ in range(3):
        passage.add(replace(passage.last, plate=desk.plate("7ABC123", 0.8)))
    for _ in range(2):
        desk.reporter.retract(Retraction(passage, legible))
    assert kinds(desk) == [Hit, HitWithdrawn]
    assert desk.records[1].plate_read == text  # type: ignore[attr-defined]
    for _ in range(9):
        desk.see("7ABC128")
    assert kinds(desk) == [Hit, HitWithdrawn, Hit]


def test_the_hit_of_a_vehicle_that_stands_is_withdrawn_after_its_read_too() -> None:
    desk = Desk(FakeList("7ABC128"))
    desk.see("7ABC128")
    passage = desk.see("7ABC128")
    passage.report(gone=False)
    desk.reporter.ended(Ended(passage, Verdict.READ))
    for _ in range(8):
        passage.add(replace(passage.last, plate=desk.plate("7ABC123", 0.97)))
    desk.reporter.retract(Retraction(passage, legible=True))
    desk.reporter.early(desk.passages.split(passage))
    desk.end()
    assert kinds(desk) == [Hit, Read, HitWithdrawn, Read]
    hit, first, withdrawn, second = desk.records
    assert isinstance(first, Read)
    assert isinstance(withdrawn, HitWithdrawn)
    assert isinstance(second, Read)
    assert (withdrawn.hit, withdrawn.passage, withdrawn.plate_read) == (hit.hit, first.passage, "7ABC123")  # type: ignore[attr-defined]
    assert first.passage != second.passage
    assert (first.plate_read, second.plate_read) == ("7ABC128", "7ABC123")
    assert desk.reporter._announced == {}


@pytest.mark.parametrize("group", [None, "narcotics"])
def test_a_vehicle_that_is_listed_while_it_stands_hits_and_is_taken_back_once_it_is_recovered(
    group: str | None,
) -> None:
    desk = Desk(FakeList())
    desk.see("7ABC123")
    passage = desk.see("7ABC123")
    passage.report(gone=False)
    desk.reporter.ended(Ended(passage, Verdict.READ))
    for texts in (("7ABC123",), ("7ABC123", "8XYZ999"), (), ("7ABC123",)):
        desk.hotlist.current = FakeList(*texts, group=group)
        desk.reporter.recheck([passage])
    assert kinds(desk) == [Read, Hit, HitWithdrawn, Hit]
    read, hit, withdrawn, _ = desk.records
    assert hit.passage == read.passage  # type: ignore[attr-defined]
    assert (withdrawn.hit, withdrawn.reason) == (hit.hit, "not_listed")  # type: ignore[attr-defined]
    desk.end(Verdict.REPORTED)
    assert len(desk.records) == 4
    assert desk.reporter._announced == {}


def test_a_vehicle_that_is_listed_while_it_repeats_on_hits_once_however_many_lists_have_it() -> None:
    desk = Desk(FakeList())
    desk.see("7ABC123")
    desk.end()
    for texts in (("7ABC123",), ("7ABC123", "8XYZ999"), (), ("7ABC123",)):
        desk.hotlist.current = FakeList(*texts)
        for recheck in (True, False):
            passage = desk.see("7ABC123")
            desk.passages.end_all()
            desk.reporter.ended(Ended(passage, Verdict.REPEAT, recheck))
    assert kinds(desk) == [Read, Hit, Read, Hit, Read]
    for hit, read in (desk.records[1:3], desk.records[3:5]):
        assert read.hits == (hit.hit,)  # type: ignore[attr-defined]
    assert desk.reporter._announced == {}


def test_what_hits_said_is_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter_module, "REMEMBERED_CLAIMS", 3)
    texts = [f"7ABC12{number}" for number in range(9)]
    desk = Desk(FakeList(*texts))
    for text in texts:
        desk.see(text)
        desk.end()
    assert [claim.plate_matched for claim in desk.reporter._claims] == texts[-3:]


def test_a_vehicle_that_is_listed_while_it_passes_hits_at_its_next_look() -> None:
    desk = Desk(FakeList())
    desk.see("7ABC123")
    passage = desk.see("7ABC123")
    desk.hotlist.current = FakeList("7ABC123")
    desk.reporter.recheck([passage])
    assert kinds(desk) == []
    desk.see("7ABC123")
    assert kinds(desk) == [Hit]


def test_what_stands_and_says_something_else_by_now_is_not_looked_up_by_that() -> None:
    desk = Desk(FakeList())
    desk.see("7ABC128")
    passage = desk.see("7ABC128")
    passage.report(gone=False)
    desk.reporter.ended(Ended(passage, Verdict.READ))
    for _ in range(8):
        passage.add(replace(passage.last, plate=desk.plate("7ABC123", 0.97)))
    desk.hotlist.current = FakeList("7ABC123")
    desk.reporter.recheck([passage])
    assert kinds(desk) == [Read]


def test_nothing_is_kept_of_a_vehicle_that_stood_and_is_gone() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123")
    passage = desk.see("7ABC123")
    passage.report(gone=False)
    desk.reporter.ended(Ended(passage, Verdict.READ))
    desk.end(Verdict.REPORTED)
    assert kinds(desk) == [Hit, Read]
    assert desk.reporter._announced == {}


def test_an_entry_that_left_the_list_meanwhile_is_withdrawn_for_that_reason() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.hotlist.current = FakeList()
    desk.end()
    withdrawn = desk.records[1]
    assert isinstance(withdrawn, HitWithdrawn)
    assert withdrawn.reason == "not_listed"


def test_an_entry_that_ended_by_a_clock_set_right_since_makes_no_hit() -> None:
    listed = Entries()
    desk = Desk(listed)
    desk.hotlist.now = NOON + timedelta(hours=8)
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end()
    assert set(listed.moments) == {desk.hotlist.now}


class Ending(Entries):
    """A list whose entries end an hour after noon, and begin no earlier than it was."""

    def consult(self, query: Query, *, at: datetime, settings: object = None) -> LookUpResult:
        found = super().consult(query, at=at, settings=settings)
        return found if at < NOON + timedelta(hours=1) else LookUpResult()


@pytest.mark.parametrize("by", [timedelta(days=4000), timedelta(hours=-1), timedelta(hours=2)], ids=str)
def test_a_hit_under_way_stands_whatever_the_clock_is_set_to_meanwhile(by: timedelta) -> None:
    desk = Desk(Ending(**{"7ABC123": (match("7ABC123"),)}))
    desk.see("7ABC123")
    desk.see("7ABC123")
    assert kinds(desk) == [Hit]
    desk.hotlist.now += by
    desk.see("7ABC123")
    desk.end()
    assert kinds(desk) == [Hit, Read]
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert read.hits == (hit.hit,)


def test_what_was_read_by_a_clock_that_is_behind_was_read_now() -> None:
    desk = Desk(FakeList())
    desk.hotlist.now = NOON + timedelta(days=45)
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end()
    (read,) = desk.records
    assert isinstance(read, Read)
    assert read.captured == NOON, "the clock's own word stays in the record"
    assert desk.reporter.last_read == desk.hotlist.now


def test_entries_of_two_states_are_two_hits_and_both_are_withdrawn() -> None:
    desk = Desk(Entries(**{"7ABC128": (match("7ABC128"), match("7ABC128", state="NV"))}))
    desk.see("7ABC128", confidence=0.8)
    desk.see("7ABC128", confidence=0.8)
    for _ in range(8):
        desk.see("7ABC123", confidence=0.97)
    desk.end()
    assert kinds(desk) == [Hit, Hit, HitWithdrawn, HitWithdrawn, Read]
    assert {record.hit for record in desk.records[:2]} == {record.hit for record in desk.records[2:4]}  # type: ignore[attr-defined]


def test_an_entry_that_is_listed_twice_is_one_hit_of_the_greater_urgency() -> None:
    desk = Desk(Entries(**{"7ABC123": (match("7ABC123", priority=1), match("7ABC123", priority=3))}))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert hit.priority == 1
    assert read.hits == (hit.hit,)


@pytest.mark.parametrize(
    ("first", "last"),
    [(MatchKind.EXACT, MatchKind.NEAR), (MatchKind.EXACT, MatchKind.LOOK_ALIKE), (MatchKind.NEAR, MatchKind.EXACT)],
    ids=["then only near", "then only by a pair", "then plainly"],
)
def test_a_hit_never_stands_for_a_final_text_that_matches_in_another_way(first: MatchKind, last: MatchKind) -> None:
    listed = "7ABC123" if first is MatchKind.NEAR else "7ABC128"
    early, final = ("7ABC128", "7ABC123")
    desk = Desk(Entries(**{early: (match(listed, first),), final: (match(listed, last),)}))
    desk.see(early, confidence=0.8)
    desk.see(early, confidence=0.8)
    for _ in range(8):
        desk.see(final, confidence=0.97)
    desk.end()
    one, withdrawn, other, read = desk.records
    assert isinstance(one, Hit)
    assert isinstance(other, Hit)
    assert isinstance(withdrawn, HitWithdrawn)
    assert isinstance(read, Read)
    assert (one.match, other.match) == (first.value, last.value)
    assert (withdrawn.hit, withdrawn.reason) == (one.hit, "text_changed")
    assert read.hits == (other.hit,)


def test_a_partial_hit_says_the_text_that_stands_at_the_end() -> None:
    pattern = match("7AB*", MatchKind.PARTIAL)
    desk = Desk(Entries(**{"7ABC128": (pattern,), "7ABC123": (pattern,)}))
    desk.see("7ABC128", confidence=0.8)
    desk.see("7ABC128", confidence=0.8)
    for _ in range(8):
        desk.see("7ABC123", confidence=0.97)
    desk.end()
    assert kinds(desk) == [Hit, HitWithdrawn, Hit, Read]
    assert desk.records[2].plate_read == "7ABC123"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("still", "reason"), [((match("7ABC128"),), "text_changed"), ((), "not_listed")])
def test_a_near_hit_goes_with_its_alternative_or_with_its_entry(still: tuple[Match, ...], reason: str) -> None:
    near = Entries(**{"7ABC123": (match("7ABC128", MatchKind.NEAR),), "7ABC128": (match("7ABC128"),)})
    desk = Desk(near)
    desk.see("7ABC123")
    desk.see("7ABC123")
    near.answers = {"7ABC128": still}
    desk.end()
    withdrawn = desk.records[1]
    assert isinstance(withdrawn, HitWithdrawn)
    assert withdrawn.reason == reason


def test_a_match_that_shows_only_at_the_end_still_makes_a_hit() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123", confidence=0.5)
    desk.end()
    assert kinds(desk) == [Hit, Read]


def test_a_hit_of_a_passage_that_ends_unreadable_is_withdrawn() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end(Verdict.UNREADABLE)
    assert kinds(desk) == [Hit, HitWithdrawn]
    assert desk.records[1].plate_read == ""  # type: ignore[attr-defined]


def test_a_hit_of_a_passage_that_ends_as_a_repeat_is_followed_by_its_read() -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end(Verdict.REPEAT)
    assert kinds(desk) == [Hit, Read]


@pytest.mark.parametrize("verdict", [Verdict.REPEAT, Verdict.UNREADABLE])
def test_what_is_no_read_leaves_no_record(verdict: Verdict) -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123", confidence=0.5)
    desk.end(verdict)
    assert desk.records == []


def test_without_a_list_the_read_says_that_none_was_consulted() -> None:
    desk = Desk(None)
    desk.see("7ABC123")
    desk.end()
    (read,) = desk.records
    assert isinstance(read, Read)
    assert read.hotlist.result == "not_consulted"


def test_a_hit_carries_the_plate_as_seen_and_in_the_next_best_frames() -> None:
    desk = Desk(FakeList("7ABC123"))
    for confidence in (0.6, 0.6, 0.6, 0.99, 0.99):  # an early text is safe after several frames
        desk.see("7ABC123", confidence=confidence)
    desk.end()
    hit, read = (next(each for each in desk.records if isinstance(each, kind)) for kind in (Hit, Read))
    assert [(each.kind, each.rectified) for each in hit.pictures][:3] == [  # type: ignore[attr-defined]
        ("patch", None),
        ("overview", None),
        ("patch", False),
    ]
    frames = hit.pictures[3:]  # type: ignore[attr-defined]
    assert 1 <= len(frames) <= 2
    assert {(each.kind, each.rectified, each.width, each.height) for each in frames} == {("patch", None, 160, 64)}
    assert len({each.sha256 for each in hit.pictures}) == len(hit.pictures), "each another frame"  # type: ignore[attr-defined]
    assert all(each.size <= 3072 for each in hit.pictures if each.kind == "patch")  # type: ignore[attr-defined]
    assert [each.kind for each in read.pictures] == ["patch"]  # type: ignore[attr-defined]


def test_pictures_of_reads_are_as_configured() -> None:
    desk = Desk(FakeList(), read_patch=False, read_overview=True)
    desk.see("7ABC123")
    desk.end()
    (read,) = desk.records
    assert isinstance(read, Read)
    assert [picture.kind for picture in read.pictures] == ["overview"]


def test_lettering_is_told_with_doubt_and_no_hit_is_lost_for_it() -> None:
    desk = Desk(FakeList("P0L1CE"))
    for score in (0.4, 0.45):
        desk.see("P0L1CE", confidence=0.99, score=score)
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert hit.match == "exact"
    assert hit.confidence < read.confidence < 0.3
    assert hit.match_confidence is not None
    assert hit.match_confidence <= hit.confidence
    assert all(character.confidence > 0.9 for character in read.characters)


def test_a_near_hit_is_flagged_loudly_and_says_how_sure_it_is() -> None:
    desk = Desk(FakeList("7ABC123", kind=MatchKind.NEAR))
    desk.see("7ABC123")
    desk.end()
    hit = desk.records[0]
    assert isinstance(hit, Hit)
    assert (hit.match, hit.state_agreement) == ("near", "unknown")
    assert hit.match_confidence == pytest.approx(0.5, abs=0.002)
    assert hit.wording.startswith("Not what was read")


@pytest.mark.parametrize(
    ("issuer", "agreement_told"),
    [(Issuer("US-CA", 0.99), "agrees"), (Issuer("other", 0.985), "contradicts"), (None, "unknown")],
)
def test_a_hit_and_its_read_say_who_issued_the_plate_and_none_is_lost_for_it(
    issuer: Issuer | None, agreement_told: str
) -> None:
    desk = Desk(FakeList("7ABC123"))
    desk.see("7ABC123", issuer=issuer)
    desk.see("7ABC123", issuer=issuer)
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    assert hit.state_agreement == agreement_told
    for told in (hit, read):
        expected = (issuer.region, issuer.confidence) if issuer else (None, None)
        assert (told.region, told.region_confidence) == expected


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Appearance("pickup", ("white", "gray"), "rear"), {"kind": "pickup", "colors": ["white", "gray"]}),
        (Appearance("bus"), {"kind": "bus"}),
        (Appearance(side="front"), None),
    ],
)
def test_hit_and_read_describe_the_vehicle_as_far_as_it_is_known(seen: Appearance, told: dict[str, str] | None) -> None:
    desk = Desk(FakeList("7ABC123"))
    for _ in range(2):
        desk.see("7ABC123", appearance=seen)
    desk.end()
    assert [record.wire().get("vehicle") for record in desk.records] == [told, told]
    direction = {"front": "approaching", "rear": "receding", None: "unknown"}[seen.side]
    assert [record.wire()["direction"] for record in desk.records] == [direction, direction]


def test_the_hit_of_a_covert_entry_goes_to_its_group_alone() -> None:
    desk = Desk(FakeList("7ABC123", group="narcotics"))
    desk.see("7ABC123")
    desk.end()
    hit, read = desk.records
    assert isinstance(hit, Hit)
    assert isinstance(read, Read)
    source = Source("demo", "post-1")
    assert topic_of(hit, source) == "alpr/v1/demo/post-1/covert/narcotics"
    assert (read.hits, read.hotlist.result) == ((), "no_match")
    assert "narcotics" not in read.model_dump_json()


def test_a_covert_hit_brings_about_no_read_that_others_would_not_have() -> None:
    for group, kinds_told in (("narcotics", [Hit]), (None, [Hit, Read])):
        desk = Desk(FakeList("7ABC123", group=group))
        desk.see("7ABC123")
        desk.see("7ABC123")
        desk.end(Verdict.REPEAT)
        assert kinds(desk) == kinds_told


def test_where_hits_only_are_recorded_a_read_that_is_none_dies_on_the_post_and_is_counted() -> None:
    desk = Desk(FakeList("7ABC123"), hits_only=True)
    desk.see("8XYZ456")
    desk.end()
    assert desk.records == []
    assert desk.reporter.reads_withheld == 1
    assert desk.reporter.last_read is not None, "the post reads all the same"
    desk.see("7ABC123")
    desk.end()
    assert kinds(desk) == [Hit, Read]
    assert desk.reporter.reads_withheld == 1


def test_where_hits_only_are_recorded_no_read_appears_for_the_sake_of_a_covert_hit() -> None:
    desk = Desk(FakeList("7ABC123", group="narcotics"), hits_only=True)
    desk.see("7ABC123")
    desk.end()
    assert kinds(desk) == [Hit]
    assert desk.reporter.reads_withheld == 1


def test_the_withdrawal_of_a_covert_hit_goes_where_the_hit_went() -> None:
    desk = Desk(FakeList("7ABC123", group="narcotics"))
    desk.see("7ABC123")
    desk.see("7ABC123")
    desk.end(Verdict.UNREADABLE)
    withdrawn = desk.records[1]
    assert isinstance(withdrawn, HitWithdrawn)
    assert topic_of(withdrawn, Source("demo", "post-1")) == "alpr/v1/demo/post-1/covert/narcotics"


def test_a_vehicle_of_the_departments_own_is_only_counted() -> None:
    own = FakeList()
    own.safe = {"7ABC123"}
    desk = Desk(own)
    desk.see("7ABC123")
    desk.end()
    assert kinds(desk) == [Read]
    assert desk.reporter.safe == 1


def test_the_real_list_has_the_interface_of_the_fake() -> None:
    assert hasattr(HotList, "consult")


def test_hits_of_a_surge_are_sent_and_say_that_they_are_held() -> None:
    plates = [f"7ABC{number}" for number in range(100, 112)]
    desk = Desk(FakeList(*plates))
    for plate in plates:
        for _ in range(3):
            desk.see(plate)
        desk.end()
    hits = [record for record in desk.records if isinstance(record, Hit)]
    assert [hit.plate_matched for hit in hits] == plates, "none is lost"
    assert [hit.held for hit in hits] == [False] * 10 + [True] * 2
    assert {hit.wording for hit in hits[10:]} == {HELD_WORDING}


def test_a_good_list_ends_the_hold_that_a_bad_one_caused() -> None:
    wrong = [f"7ABC{number}" for number in range(100, 112)]
    desk = Desk(FakeList("8XYZ456", "9LMN789", *wrong))

    def held(plate: str) -> bool:
        for _ in range(3):
            desk.see(plate)
        desk.end()
        return next(record for record in reversed(desk.records) if isinstance(record, Hit)).held

    assert [held(plate) for plate in wrong][-1]
    assert held("8XYZ456"), "a stolen vehicle, while the list is wrong"
    desk.hotlist.current = FakeList("8XYZ456", "9LMN789")
    desk.reporter.recount_surge()
    assert not held("9LMN789")
