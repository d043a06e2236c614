"""The reporter: what a passage means to the department, as records.

A hit leaves as soon as a passage is safe to act on; the read follows at its end and names the hits; a hit that the
passage's text no longer supports is withdrawn at once, whether its read has left or not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, Self

from platepost.device.reporting.fields import hit_pictures, pictures_of, sight_fields
from platepost.device.reporting.surge import HitSurge
from platepost.device.vision.ctc import folded
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import Ended, Retraction, Verdict
from platepost.wire.hotlist import (
    Candidate,
    HotList,
    LookUpResult,
    Match,
    MatchKind,
    Query,
    plate_key,
)
from platepost.wire.hotlist.settings import HotListSettings
from platepost.wire.records import (
    ClockQuality,
    Consultation,
    Hit,
    HitWithdrawn,
    HotListState,
    Place,
    Read,
    RecordData,
    Versions,
    new_identifier,
)
from platepost.wire.records.hit import HELD_WORDING, NEAR_WORDING, WORDING
from platepost.wire.records.settings import RecordSettings

REMEMBERED_CLAIMS = 1000
"""Claims of hits that are remembered, for vehicles that repeat on and on while lists come and go."""


class ActiveHotList(Protocol):
    """The post's hot list, as `platepost.device.hotlist.service.HotListService` keeps it."""

    @property
    def current(self) -> HotList | None:
        """The active list, None before the first."""
        ...

    @property
    def settings(self) -> HotListSettings:
        """How far a look-up goes beyond the read itself."""
        ...

    def judge(self, hotlist: HotList | None) -> HotListState:
        """Judge the age of a list now."""
        ...

    def state(self) -> HotListState:
        """Judge the age of the active list now."""
        ...

    def moment(self) -> datetime:
        """Return the moment by which what is seen now is looked up."""
        ...


class Records(Protocol):
    """Where records go."""

    def record(self, data: RecordData) -> object:
        """Sign, chain and store one record."""
        ...


@dataclass(frozen=True, slots=True)
class RecordContext:
    """What is the same in every read and hit of a post."""

    camera: str
    place: Place
    versions: Versions


class Claim(NamedTuple):
    """What a hit claims: that this text is that on the list. The final text supports the same claim or none."""

    plate_key: str
    how: Literal["itself", "pair", "partial", "near"]
    """The text is the listed one, is taken for it by a declared pair, or is of a pattern; `near`: it was not read."""
    category: str
    plate_matched: str
    state: str | None
    reference: str | None
    distribution: str | None

    @classmethod
    def of(cls, match: Match, text: str) -> Self:
        """Return what a match of a text claims."""
        how: Literal["itself", "pair", "partial", "near"] = "itself"
        if match.kind is MatchKind.PARTIAL:
            how = "partial"
        elif match.kind is MatchKind.NEAR:
            how = "near"
        elif plate_key(match.plate_matched) != plate_key(text):
            how = "pair"
        return cls(
            plate_key(text), how, match.category, match.plate_matched, match.state, match.reference, match.distribution
        )


@dataclass(slots=True)
class _Announced:
    """What has been reported of an open passage so far."""

    identifier: str
    moment: datetime
    """The time for every look-up of this passage: a hit that was right when it was sent is not withdrawn because its
    entry ends, or the clock is set, while the passage goes on."""
    text: str = ""
    hits: dict[Claim, Hit] = field(default_factory=dict)


class Reporter:
    """Turns passages into reads, hits and withdrawals. One thread at a time."""

    def __init__(
        self,
        recorder: Records,
        hotlist: ActiveHotList,
        *,
        clock: Callable[[], ClockQuality],
        context: RecordContext,
        settings: RecordSettings,
        identify: Callable[[], str] = new_identifier,
        surge: HitSurge | None = None,
    ) -> None:
        """Make a reporter.

        Args:
            recorder: signs, chains and stores.
            hotlist: the active list.
            clock: gives the clock's quality now.
            context: what all records carry.
            settings: which pictures they carry.
            identify: makes identifiers of passages and hits.
            surge: counts hits; one of its own where None.

        """
        self._recorder = recorder
        self.hotlist = hotlist
        """The active list."""
        self._clock = clock
        self.context = context
        """What all records carry."""
        self._settings = settings
        self._identify = identify
        self.surge = surge or HitSurge()
        """Decides which hits are held."""
        self._announced: dict[int, _Announced] = {}
        self._claims: dict[Claim, None] = {}
        """Claims of hits that were not withdrawn, the oldest first."""
        self.hits = 0
        """Hits recorded so far."""
        self.withdrawn = 0
        """Hits withdrawn so far."""
        self.last_read: datetime | None = None
        """When the last read was made, by the post's time now: the time in its record may be long past."""
        self.safe = 0
        """Passages so far of the department's own vehicles, which are not reported."""
        self.reads_withheld = 0
        """Reads so far that were not reported because only hits are recorded."""

    def adjust(self, settings: RecordSettings, versions: Versions) -> None:
        """Put other pictures and versions into records from now on."""
        self._settings = settings
        self.context = replace(self.context, versions=versions)

    def early(self, passage: Passage) -> None:
        """Check an open passage that is safe to act on against the hot list; record what matches and is new.

        Hits of another text that was announced for it before are withdrawn.

        Raises:
            OutboxError: the record cannot be stored.

        """
        announced = self._announced.setdefault(passage.number, _Announced(self._identify(), self.hotlist.moment()))
        if announced.text != passage.consensus.text:
            announced.text = passage.consensus.text
            hotlist = self.hotlist.current
            answer = self._withdraw_unsupported(passage, announced, hotlist, legible=True)
            self._announce(passage, announced, hotlist, answer.matches)

    def retract(self, retraction: Retraction) -> None:
        """Withdraw the hits of a passage that its present text does not support; a text that comes back hits again.

        Raises:
            OutboxError: a record cannot be stored.

        """
        passage = retraction.passage
        announced = self._announced.get(passage.number)
        if announced is None:
            return
        if passage.reported:
            del self._announced[passage.number]
        announced.text = ""
        if announced.hits:
            self._withdraw_unsupported(passage, announced, self.hotlist.current, legible=retraction.legible)

    def recheck(self, passages: Iterable[Passage]) -> None:
        """Look open passages up in another list: one that goes on at its next frame, one that was reported now.

        A vehicle may be listed, or recovered, while it stands before the camera and its read has left.

        Raises:
            OutboxError: a record cannot be stored.

        """
        hotlist = self.hotlist.current
        for passage in passages:
            announced = self._announced.get(passage.number)
            if announced is None:
                continue
            announced.text = ""
            if passage.reported and folded(passage.consensus.text) == passage.reported_text:
                announced.moment = self.hotlist.moment()
                answer = self._withdraw_unsupported(passage, announced, hotlist, legible=True)
                self._announce(passage, announced, hotlist, answer.matches)

    def recount_surge(self) -> None:
        """Count the hits of the last hour again by another list: a good one ends the hold that a bad one caused."""
        hotlist, moment = self.hotlist.current, self.hotlist.moment()
        if hotlist is None:
            return

        def still_listed(plate: str, category: str, group: str | None) -> bool:
            matches = hotlist.consult(Query(plate_read=plate), at=moment).matches
            return any(match.category == category and match.distribution == group for match in matches)

        self.surge.recount(still_listed, least=self.hotlist.settings.hits_per_hour)

    def ended(self, ended: Ended) -> None:
        """Record the read of an ended passage, with hits that are new and withdrawals of unsupported ones.

        A passage that is no read leaves no record, unless it has made a hit: then the hit is withdrawn if nothing
        legible is left, or followed by the read that names it; a covert one, which no read may name, by none.

        Raises:
            OutboxError: a record cannot be stored.

        """
        passage = ended.passage
        announced = self._announced.pop(passage.number, None) or _Announced(self._identify(), self.hotlist.moment())
        if ended.verdict is Verdict.REPORTED:
            return
        # The list may be swapped at any moment: everything about this passage is by one list.
        hotlist = self.hotlist.current
        answer = self._withdraw_unsupported(
            passage, announced, hotlist, legible=ended.verdict is not Verdict.UNREADABLE
        )
        if passage.reported:
            self._announced[passage.number] = announced  # still there: another list, or a nearer frame, may change it
        if ended.verdict is Verdict.READ:
            self._announce(passage, announced, hotlist, answer.matches)
        elif ended.recheck:
            self._announce(passage, announced, hotlist, self._not_claimed(passage, answer.matches))
        # A covert hit causes no read that others would not have: two reads of one plate would reveal it.
        has_open_hit = any(hit.distribution is None for hit in announced.hits.values())
        if ended.verdict is Verdict.UNREADABLE or (ended.verdict is Verdict.REPEAT and not has_open_hit):
            return
        self.safe += answer.safe
        self.last_read = self.hotlist.moment()
        hits = tuple(hit.hit for hit in announced.hits.values() if hit.distribution is None)
        # Nor is a withheld read recorded for the sake of a covert hit.
        if self._settings.hits_only and not hits:
            self.reads_withheld += 1
        else:
            self._record_read(passage, announced, hotlist, answer, hits)

    def _record_read(
        self,
        passage: Passage,
        announced: _Announced,
        hotlist: HotList | None,
        answer: LookUpResult,
        hits: tuple[str, ...],
    ) -> None:
        state = self.hotlist.judge(hotlist)
        # Anyone who reads this record is not to learn of covert entries.
        reveals = any(match.distribution is None for match in answer.matches)
        result = "not_consulted" if hotlist is None else "match" if reveals else "no_match"
        read = Read(
            **self._sight(passage, announced),
            hotlist=Consultation(**dict(state), result=result),
            hits=hits,
            pictures=pictures_of(
                passage.best,
                self._settings,
                with_patch=self._settings.read_patch,
                with_overview=self._settings.read_overview,
            ),
        )
        self._recorder.record(read)

    def _withdraw_unsupported(
        self, passage: Passage, announced: _Announced, hotlist: HotList | None, *, legible: bool
    ) -> LookUpResult:
        """Withdraw the hits that a passage's text, if legible, does not support; return what the list has of it."""
        answer = self._consult(passage, hotlist, at=announced.moment) if legible else LookUpResult()
        text = passage.consensus.text if legible else ""
        supported = {Claim.of(match, text) for match in answer.matches}
        self._withdraw(announced, hotlist, supported=supported, text=text)
        return answer

    def _announce(
        self, passage: Passage, announced: _Announced, hotlist: HotList | None, matches: tuple[Match, ...]
    ) -> None:
        fresh: dict[Claim, Match] = {}
        for match in matches:  # the most urgent first: an entry that stands on the list twice makes one hit
            claim = Claim.of(match, passage.consensus.text)
            if claim not in announced.hits:
                fresh.setdefault(claim, match)
        if not fresh:
            return
        pictures = hit_pictures(passage, self._settings)
        state, plate = self.hotlist.judge(hotlist), passage.plate_probability
        for claim, match in fresh.items():
            least = self.hotlist.settings.hits_per_hour
            held = self.surge.count(
                claim.plate_key, match.plate_matched, match.category, match.distribution, least=least
            )
            wording = HELD_WORDING if held else NEAR_WORDING if match.kind is MatchKind.NEAR else WORDING
            hit = Hit(
                **self._sight(passage, announced),
                hit=self._identify(),
                plate_matched=match.plate_matched,
                match=match.kind.value,
                differs=match.differs,
                category=match.category,
                priority=match.priority,
                state=match.state,
                reference=match.reference,
                author=match.author,
                distribution=match.distribution,
                match_confidence=None if match.confidence is None else round(match.confidence * plate, 4),
                state_agreement=match.state_agreement,
                wording=wording,
                held=held,
                hotlist=state,
                hotlist_stale=state.state == "stale",
                pictures=pictures,
            )
            self._recorder.record(hit)
            self.hits += 1
            announced.hits[claim] = hit
            self._claims[claim] = None
            if len(self._claims) > REMEMBERED_CLAIMS:
                del self._claims[next(iter(self._claims))]

    def _not_claimed(self, passage: Passage, matches: tuple[Match, ...]) -> tuple[Match, ...]:
        """Return the matches of a repeated plate that made no hit yet; a claim is forgotten once a list lacks it."""
        text = passage.consensus.text
        claims = {Claim.of(match, text): match for match in reversed(matches)}
        for claim in [claim for claim in self._claims if claim.plate_key == plate_key(text) and claim not in claims]:
            del self._claims[claim]
        return tuple(match for claim, match in reversed(claims.items()) if claim not in self._claims)

    def _withdraw(self, announced: _Announced, hotlist: HotList | None, *, supported: set[Claim], text: str) -> None:
        for claim in [claim for claim in announced.hits if claim not in supported]:
            hit = announced.hits.pop(claim)
            self._claims.pop(claim, None)
            text_changed = claim.plate_key != plate_key(text) or (
                claim.how == "near" and self._lists_still(hit, hotlist, at=announced.moment)
            )
            self._recorder.record(
                HitWithdrawn(
                    clock=self._clock(),
                    hit=hit.hit,
                    passage=announced.identifier,
                    category=hit.category,
                    distribution=hit.distribution,
                    plate_read=text,
                    plate_key=plate_key(text),
                    reason="text_changed" if text_changed else "not_listed",
                )
            )
            self.withdrawn += 1

    def _lists_still(self, hit: Hit, hotlist: HotList | None, *, at: datetime) -> bool:
        """Whether the list still has what a hit of an alternative was of: then it was the alternative that went."""
        if hotlist is None:
            return False
        matches = hotlist.consult(Query(plate_read=hit.plate_matched), at=at).matches
        return any((match.category, match.reference) == (hit.category, hit.reference) for match in matches)

    def _consult(self, passage: Passage, hotlist: HotList | None, *, at: datetime) -> LookUpResult:
        if hotlist is None:
            return LookUpResult()
        consensus = passage.consensus
        query = Query(
            plate_read=consensus.text,
            confidence=consensus.confidence,
            characters=tuple(character.confidence for character in consensus.characters),
            alternatives=tuple(Candidate(other.text, other.probability) for other in consensus.alternatives),
            state=passage.issuer.region if passage.issuer else None,
        )
        return hotlist.consult(query, at=at, settings=self.hotlist.settings)

    def _sight(self, passage: Passage, announced: _Announced) -> dict[str, object]:
        context = self.context
        return sight_fields(passage) | {
            "clock": self._clock(),
            "passage": announced.identifier,
            "camera": context.camera,
            "place": context.place,
            "versions": context.versions,
        }
