"""A rollout of software: waves of posts, each judged by what it reads against the time before, and a way back.

It uses the steps of a rollout of settings (`platepost.provisioning.control.rollout`): an order is a setting,
`software.version`, and a post that is to go back is ordered its former version. What differs is the watch. A post that
installs software restarts, so it may be away for a while; and whether it is well, its own status cannot tell if it
misreads, so figures of its reads decide.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platepost.provisioning.connection import Connection
from platepost.provisioning.control.read_figures import FigureSource, FleetFigures, ReadFigures, total, worse
from platepost.provisioning.control.rollout import CHECK_SECONDS, Rollout, Target, merged
from platepost.provisioning.control.status import CheckResult
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.keys import replace_private
from platepost.wire.faults import Fault, severity
from platepost.wire.records import PerceivedSeverity
from platepost.wire.records.status import Reason

STATE = "software_rollout.json"
"""In the fleet's folder: the rollout that is under way, or the last one."""
LASTING_SECONDS = 60.0
"""A fault that a post did not have before, and that lasts as long, is the new software's."""
LOOKS = 20
"""How often the reads of a wave are judged in the time for which it is watched."""
LONGER = 3
"""So many times that time more are waited for enough reads."""


class RolloutState(BaseModel):
    """What goes on over a pause."""

    model_config = ConfigDict(extra="forbid")

    version: str
    waves: list[list[str]]
    """Posts of each wave; the first has the canaries."""
    began: datetime
    former: dict[str, str]
    """The version that each post ran before."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of `software`, besides the version."""
    done: int = 0
    """Waves that proved well."""
    ordered: list[str] = Field(default_factory=list)
    """Posts that were told to run the version."""
    state: Literal["running", "finished", "taken_back"] = "running"

    @classmethod
    def begin(
        cls,
        version: str,
        *,
        former: Mapping[str, str],
        canaries: Sequence[str],
        percents: Sequence[float],
        settings: Mapping[str, Any],
    ) -> "RolloutState":
        """Return one that begins now.

        Args:
            version: what is ordered.
            former: which version each post runs, of those that are there.
            canaries: which of them get it first.
            percents: of the posts, how many have it after each further wave.
            settings: of `software`, besides the version.

        Raises:
            ProvisioningError: a canary is unknown or away, or runs the version already.

        """
        missing = [post for post in canaries if former.get(post, version) == version]
        if missing or not canaries:
            raise ProvisioningError(
                f"canaries must be posts that are online and run another version: {', '.join(missing) or 'give some'}"
            )
        waves = waves_of([post for post in former if former[post] != version], canaries, percents)
        return cls(version=version, waves=waves, began=datetime.now(UTC), former=dict(former), settings=dict(settings))

    @classmethod
    def load(cls, fleet: Fleet) -> "RolloutState | None":
        """Return the one that is under way in a fleet; None if none is.

        Raises:
            ProvisioningError: its file is damaged.

        """
        path = _path(fleet)
        try:
            state = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise ProvisioningError(f"{path}: damaged ({error})") from error
        return state if state.state == "running" else None

    def keep(self, fleet: Fleet) -> None:
        """Write it down."""
        replace_private(_path(fleet), self.model_dump_json(indent=2).encode() + b"\n")


def _path(fleet: Fleet) -> Path:
    return fleet.directory / STATE


def waves_of(posts: Sequence[str], canaries: Sequence[str], percents: Sequence[float]) -> list[list[str]]:
    """Return the waves: the canaries, then as many more as make up each percentage of all, at last all others."""
    others = [post for post in posts if post not in canaries]
    waves, taken = [list(canaries)], 0
    for percent in (*sorted(percents), 100.0):
        most = max(0, math.ceil(len(posts) * percent / 100) - len(canaries))
        if most > taken:
            waves.append(others[taken:most])
            taken = most
    return waves


class SoftwareRollout(Rollout):
    """One rollout of software over one connection.

    Args:
        fleet, connection, who, apply_seconds, say: as for `Rollout`.
        state: what was done so far.
        figures: what posts read.
        compare: length of the time before, up to the rollout's beginning, with which reads are compared.
        watch_seconds: how long each wave is watched once all of it runs the version.
        update_seconds: how long a post may take to run the version; it waits for its window.
        away_seconds: how long it may be away meanwhile.
        least_reads: reads of a wave, without which it is not judged.

    """

    def __init__(
        self,
        fleet: Fleet,
        connection: Connection,
        *,
        who: str,
        state: RolloutState,
        figures: FigureSource,
        compare: timedelta,
        apply_seconds: float,
        watch_seconds: float,
        update_seconds: float,
        away_seconds: float,
        least_reads: int,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(fleet, connection, who=who, apply_seconds=apply_seconds, watch_seconds=watch_seconds, say=say)
        self.state = state
        self._figures = figures
        self._update_seconds, self._away_seconds = update_seconds, away_seconds
        self._least_reads = least_reads
        self._compare = compare
        self._usual = figures(state.began - compare, state.began)
        self._rows: dict[str, CheckResult] = {}
        self._seen = 0
        self._wave: Collection[str] = ()
        self._trouble_since: dict[tuple[str, str], float] = {}

    def survey(self, posts: Collection[str]) -> dict[str, Target]:
        """Learn how posts are; what they get back, should it come to that, is the version that they ran before."""
        targets = super().survey(posts)
        for post, version in self.state.former.items():
            if post in targets:
                order = {"software": {**self.state.settings, "version": version}}
                targets[post].before = merged(targets[post].before, order)
        return targets

    def order(self, targets: Mapping[str, Target]) -> dict[str, str]:
        """Go through the waves that are left; return what went wrong, by post: nothing once all are done.

        Raises:
            Stopped: it was asked to end: it pauses, and posts keep what they have.

        """
        state = self.state
        self._watched |= {post: targets[post] for wave in state.waves[: state.done] for post in wave}
        for number, wave in list(enumerate(state.waves))[state.done :]:
            there = [targets[post] for post in wave if targets[post].present]
            self._wave = [target.post for target in there]
            self._say(f"wave {number + 1} of {len(state.waves)}: {len(there)} posts, {len(wave) - len(there)} away")
            state.ordered = sorted({*state.ordered, *self._wave})
            state.keep(self._fleet)  # before they are told, for whoever takes it back
            wrong = self.stage(there, {"software": {**state.settings, "version": state.version}})
            if wrong:
                return wrong
            state.done = number + 1
            state.keep(self._fleet)
        state.state = "finished"
        state.keep(self._fleet)
        return {}

    def take_back(self, targets: Mapping[str, Target]) -> dict[str, str]:
        """Order all that have the version to run the one before, wait for it, and return what went wrong, by post."""
        back = {post: targets[post] for post in self.state.ordered}
        wrong = self.roll_back(back.values())
        waited = monotonic()
        wait_for = {post for post, target in back.items() if target.present and post not in wrong}
        while wait_for and monotonic() - waited < self._update_seconds:
            self._listen(CHECK_SECONDS)
            wait_for = {post for post in wait_for if self._runs(post) != self.state.former[post]}
        self.state.state = "taken_back"
        self.state.keep(self._fleet)
        return wrong | {post: f"still runs {self._runs(post)}" for post in sorted(wait_for)}

    def _watch(self, seconds: float) -> dict[str, str]:
        """Watch all that have the version until the wave that has just got it has proved well."""
        self._trouble_since.clear()
        overdue = monotonic() + self._update_seconds
        while not self._all_run():
            wrong = self._troubled()
            if wrong:
                return wrong
            if monotonic() >= overdue:
                return {post: f"still runs {self._runs(post)}" for post in self._wave if not self._has(post)}
        since = datetime.now(UTC)
        look = monotonic()
        due = look + seconds
        self._say(f"all run {self.state.version}; watching their reads for {seconds:g} s")
        while True:
            wrong = self._troubled()
            if wrong:
                return wrong
            now = monotonic()
            if now < min(look, due):
                continue
            look = now + max(CHECK_SECONDS, seconds / LOOKS)
            wrong, reads = self._judge(since)
            if wrong:
                return wrong
            # A post that is in trouble gets the time that it may have for that.
            if now >= due and not self._trouble_since and (reads >= self._least_reads or not self._wave):
                return {}
            if now >= due + LONGER * seconds:
                return dict.fromkeys(self._wave, f"{reads} reads, fewer than {self._least_reads}: too few to judge by")

    def _all_run(self) -> bool:
        return all(self._has(post) for post in self._wave)

    def _has(self, post: str) -> bool:
        return self._runs(post) == self.state.version

    def _troubled(self) -> dict[str, str]:
        """Take in what posts report for a while; return what has been wrong for longer than it may be, by post."""
        self._listen(CHECK_SECONDS)
        now, there = monotonic(), {post: self._trouble(post, target) for post, target in self._watched.items()}
        if not self._connection.is_back(within=0):
            there = dict.fromkeys(there, ("cannot be watched: the broker is away", self._away_seconds))
        before, self._trouble_since = self._trouble_since, {}
        wrong = {}
        for post, trouble in there.items():
            if trouble is not None:
                what, patience = trouble
                since = self._trouble_since[post, what] = before.get((post, what), now)
                if now - since >= patience:
                    wrong[post] = what
        return wrong

    def _listen(self, seconds: float) -> None:
        """Take in what posts report, for so many seconds."""

        def take(topic: str, payload: bytes) -> bool:
            self._seen += 1
            row = self._row(topic, payload)
            if row is not None:
                self._rows[row.post] = row
            return False

        self._connection.wait(take, seconds, since=self._seen)

    def _runs(self, post: str) -> str | None:
        row = self._rows.get(post)
        return None if row is None or row.status is None else row.status.versions.software

    def _trouble(self, post: str, target: Target) -> tuple[str, float] | None:
        """Return what is wrong with a post by its status, and how many seconds that may last."""
        row = self._rows.get(post)
        if row is None:
            return None
        if row.status is None:
            return f"what it reports is not its own: {', '.join(row.remarks)}", 0.0
        if row.state in {"offline", "silent"}:
            return "is away", self._away_seconds
        state = row.status.configuration
        if target.digest is not None and state is not None and state.digest != target.digest:
            return "gave the order back", self._apply_seconds
        fresh = [reason for reason in row.status.reasons if reason.name not in target.baseline and _is_grave(reason)]
        if fresh:
            return f"has: {', '.join(sorted(reason.name for reason in fresh))}", LASTING_SECONDS
        return None

    def _judge(self, since: datetime) -> tuple[dict[str, str], int]:
        """Judge reads since a moment: what is worse, by post, and how many reads there were to judge by."""
        until = datetime.now(UTC)
        try:
            after = self._figures(since, until)
        except ProvisioningError as error:
            self._say(f"not judged now: {error}")  # it is asked again; in the end there are too few to judge by
            return {}, 0
        together = (total(self._usual, self._wave), total(after, self._wave))
        reasons = worse(*together, expected=self._traffic(after, since, until))
        if reasons:
            return dict.fromkeys(self._wave, f"together: {'; '.join(reasons)}"), together[1].reads
        # By itself a post is not judged by how much it reads: its road may be closed.
        figures_by_post = {
            post: (self._usual.get(post, ReadFigures()), after.get(post, ReadFigures())) for post in self._wave
        }
        wrong = {post: "; ".join(reasons) for post, figures in figures_by_post.items() if (reasons := worse(*figures))}
        return wrong, together[1].reads

    def _traffic(self, after: FleetFigures, since: datetime, until: datetime) -> float:
        """Return how many reads of the wave were to come, by those before, and by what other posts read meanwhile."""
        others = [post for post in self._usual if post not in self.state.ordered]
        before_others, after_others = total(self._usual, others).reads, total(after, others).reads
        if min(before_others, after_others) >= self._least_reads:
            share = after_others / before_others
        else:
            share = (until - since) / self._compare
        return total(self._usual, self._wave).reads * share


def _is_grave(reason: Reason) -> bool:
    return reason.name == Fault.UPDATE_FAILED or severity(reason) is not PerceivedSeverity.MINOR
