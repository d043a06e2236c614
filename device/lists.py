"""The hot list of a running post: loaded at the start, taken from the broker, judged by its age, audited."""

import logging
from datetime import datetime, timedelta

from device.auditor import Auditor
from device.config import HotListSection
from device.health.timekeeper import Timekeeper
from device.hotlist import (
    FreshnessLimits,
    HotList,
    HotListNotStored,
    HotListRefused,
    HotListStore,
    Refusal,
    freshness,
)
from device.moderator import Moderator
from device.records import HotListState

log = logging.getLogger(__name__)


class Lists:
    """Keeps one list in force and says in the audit what became of every package."""

    def __init__(
        self,
        store: HotListStore,
        section: HotListSection,
        auditor: Auditor,
        *,
        moderator: Moderator,
        timekeeper: Timekeeper,
    ) -> None:
        self._store = store
        self._moderator = moderator
        self._timekeeper = timekeeper
        self._section = section
        self._auditor = auditor

    @property
    def current(self) -> HotList | None:
        """The list in force."""
        return self._store.current

    def adjust(self, section: HotListSection) -> None:
        """Judge ages by other figures from now on."""
        self._section = section

    def load(self) -> None:
        """Put the last good list on disk in force."""
        loaded = self._store.load()
        log.info("hot list on disk: %s", "none" if loaded is None else f"version {loaded.version}")

    def audit_damage(self) -> None:
        """Say which packages on disk could not be used."""
        for refusal in self._store.damaged:
            self._auditor.say("hotlist_refused", source="disk", outcome="refused", reason=refusal.reason.value)

    def install(self, package: bytes) -> None:
        """Take a package from the broker, or say why not; called in the thread of the uplink's inbox."""
        try:
            hotlist = self._store.install(package, at=self._timekeeper.now())
        except HotListRefused as refusal:
            # A retained package comes again at every connection, and is no event then.
            if refusal.reason is not Refusal.REPEATED:
                log.warning("hot list refused: %s", refusal.reason)
                self._moderator.refused("hotlist_refused", source="broker", reason=refusal.reason.value)
        except HotListNotStored as error:
            log.error("hot list not stored: %s", error)  # noqa: TRY400 - the message says all
            self._auditor.say("hotlist_refused", source="broker", outcome="failure", reason="not_stored")
        else:
            self._auditor.say(
                "hotlist_installed",
                source="broker",
                identity=hotlist.issuer[:120],
                object=str(hotlist.version),
                details={"entries": hotlist.entries, "patterns": hotlist.patterns, "digest": hotlist.digest},
            )

    def state(self) -> HotListState:
        """Say which list is in force and how old it is now."""
        return self.judge(self.current, self._timekeeper.now())

    def judge(self, hotlist: HotList | None, at: datetime) -> HotListState:
        """Say which list that is, and how old it was at a moment."""
        # A clock in the past would make an old list young.
        earliest = self._timekeeper.now() if self._timekeeper.behind else at
        return list_state(hotlist, self._section, at=max(at, earliest))

    @property
    def in_service(self) -> bool:
        """Whether the post may read: it has a list that is not stale, or is allowed to do without."""
        return self._section.in_service_without_list or self.state().state in {"current", "warning"}


def list_state(hotlist: HotList | None, section: HotListSection, *, at: datetime) -> HotListState:
    """Judge a list at a moment."""
    if hotlist is None:
        return HotListState(state="none")
    limits = FreshnessLimits(warning=timedelta(hours=section.warning_hours), stale=timedelta(hours=section.stale_hours))
    judged = freshness(hotlist.built, at=at, expires=hotlist.expires, limits=limits)
    return HotListState(
        state=judged.value,
        version=hotlist.version,
        issuer=hotlist.issuer,
        built=hotlist.built,
        age_seconds=round(max(0.0, (at - hotlist.built).total_seconds()), 1),
        entries=hotlist.entries + hotlist.patterns,
    )
